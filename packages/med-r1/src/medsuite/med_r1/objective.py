"""The objective of GRPO as MedVLM-R1 released it: group-relative advantages, no clip, one update per batch.

For a prompt with G sampled completions of rewards r₁ … r_G (Shao et al. 2024, section 4.1; MedVLM-R1, section 2.2):

    A_i = (r_i - mean r) / (std r + 1e-4),    std with G - 1,

    L = -(1/N) Σ_i (1/|o_i|) Σ_t [ exp(log π - stop(log π)) A_i - β (π_ref/π - log(π_ref/π) - 1) ]

over the N completions of a batch. The first factor is 1 in value and ∇ log π in gradient: with one update per batch the
old policy is the policy, so the clip of PPO never acts. A group whose rewards are all equal has A = 0 and gives no
gradient but that of the divergence from the reference.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from medsuite.core.errors import InputError

SPREAD_FLOOR = 1e-4
"""Added to the standard deviation of a group's rewards."""


def advantages(rewards: Float[Tensor, "group generation"]) -> Float[Tensor, "group generation"]:
    """Return A = (r - mean) / (std + 1e-4) within each group.

    Args:
        rewards: Rewards of the completions of each prompt.

    Raises:
        InputError: A group of one, which has no spread.
    """
    if rewards.shape[1] < 2:
        raise InputError("a group of one completion", expected="at least 2: a reward is compared within its group")
    spread = rewards.std(dim=1, keepdim=True)
    return (rewards - rewards.mean(dim=1, keepdim=True)) / (spread + SPREAD_FLOOR)


def zero_spread(rewards: Float[Tensor, "group generation"]) -> Bool[Tensor, " group"]:
    """Tell which groups have equal rewards throughout, and so carry no signal."""
    return (rewards == rewards[:, :1]).all(dim=1)


def divergence(
    log_probability: Float[Tensor, "completion token"], reference: Float[Tensor, "completion token"]
) -> Float[Tensor, "completion token"]:
    """Return π_ref/π - log(π_ref/π) - 1 ≥ 0, whose mean under π is KL(π, π_ref) (Schulman's k3)."""
    log_ratio = reference - log_probability
    return torch.exp(log_ratio) - log_ratio - 1.0


def released_loss(
    log_probability: Float[Tensor, "completion token"],
    advantage: Float[Tensor, " completion"],
    mask: Int[Tensor, "completion token"],
    beta: float = 0.0,
    reference: Float[Tensor, "completion token"] | None = None,
) -> Float[Tensor, ""]:
    """Return the loss L of this module's equation: the mean over completions of the mean over their tokens.

    Args:
        log_probability: log π of each sampled token, with gradient.
        advantage: A of each completion.
        mask: 1 up to and with the end-of-sequence token, 0 after; a completion without tokens counts as one of loss 0.
        beta: Weight of the divergence.
        reference: log π_ref of each token; needed if beta is not 0.

    Raises:
        InputError: beta without reference.
    """
    gain = torch.exp(log_probability - log_probability.detach()) * advantage[:, None]
    if beta:
        if reference is None:
            raise InputError(f"beta {beta} without a reference", expected="log-probabilities of the frozen base")
        gain = gain - beta * divergence(log_probability, reference)
    per_completion = (gain * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
    return -per_completion.mean()
