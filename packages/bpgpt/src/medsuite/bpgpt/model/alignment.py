"""Losses that pull the brain prompt towards the text prompt: per-sample InfoNCE, the paper's, and the released code's.

All take flattened prompts. `B` are brain prompts, `T` text prompts, c(x, y) their cosine, tau the temperature.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from medsuite.core.errors import InputError, unknown_name

Loss = Callable[[Tensor, Tensor, float], Tensor]


def info_nce(
    brain: Float[Tensor, "batch feature"], text: Float[Tensor, "batch feature"], temperature: float = 0.1
) -> Float[Tensor, ""]:
    """Return the symmetric InfoNCE loss, one logarithm per sample (van den Oord et al. 2018; Radford et al. 2021).

    L = -1/2N sum_i [log softmax_j c(B_i, T_j)/tau + log softmax_j c(B_j, T_i)/tau] at j = i, with the batch's mean
    prompt taken off both sides first, so that what all windows share is no similarity. Windows with the same text are
    no negatives of each other.

    Args:
        brain: Flattened brain prompts.
        text: Flattened text prompts of the same windows.
        temperature: tau.

    Raises:
        InputError: Fewer than two windows, for which the loss is undefined, or a temperature that is not positive.
    """
    _check(brain, temperature)
    same = _same_text(text)
    cosines = _unit(brain - brain.mean(dim=0)) @ _unit(text - text.mean(dim=0)).T
    logits = (cosines / temperature).masked_fill(same, -torch.inf)
    target = torch.arange(len(logits), device=logits.device)
    return (nn.functional.cross_entropy(logits, target) + nn.functional.cross_entropy(logits.T, target)) / 2


def paper_info_nce(
    brain: Float[Tensor, "batch feature"], text: Float[Tensor, "batch feature"], temperature: float = 0.1
) -> Float[Tensor, ""]:
    """Return the loss that the paper describes: brain-brain pairs are negatives too (BP-GPT, section 2.4).

    L = -1/N sum_i log [p_i / (p_i + sum_{j != i} e^{c(B_i, T_j)/tau} + e^{c(B_i, B_j)/tau})] with
    p_i = e^{c(B_i, T_i)/tau}.

    Args:
        brain: Flattened brain prompts.
        text: Flattened text prompts of the same windows.
        temperature: tau.

    Raises:
        InputError: As in `info_nce`.
    """
    _check(brain, temperature)
    same = _same_text(text)
    itself = torch.eye(len(brain), dtype=torch.bool, device=brain.device)
    unit_brain, unit_text = _unit(brain), _unit(text)
    to_text = (unit_brain @ unit_text.T / temperature).masked_fill(same, -torch.inf)
    to_brain = (unit_brain @ unit_brain.T / temperature).masked_fill(same | itself, -torch.inf)
    target = torch.arange(len(brain), device=brain.device)
    return nn.functional.cross_entropy(torch.cat([to_text, to_brain], dim=1), target)


def released_alignment(
    brain: Float[Tensor, "batch feature"], text: Float[Tensor, "batch feature"], temperature: float = 0.1
) -> Float[Tensor, ""]:
    """Return the loss of the released code, for reproduction: one logarithm per batch, and no cosine.

    With m(x, y) = <x, y> / <x, x>: L = -log [sum_i e^{m(T_i, B_i)/tau} / S], where S sums e^{m(x, y)/tau} over all
    ordered pairs of different prompts of the batch but those of two texts. Dividing by the squared norm of one side
    lets a longer brain prompt buy loss, and one good window can stand in for the batch.

    Args:
        brain: Flattened brain prompts.
        text: Flattened text prompts of the same windows.
        temperature: tau.

    Raises:
        InputError: As in `info_nce`.
    """
    _check(brain, temperature)
    count = len(brain)
    prompts = torch.cat([text, brain])
    logits = prompts @ prompts.T / prompts.square().sum(dim=1, keepdim=True) / temperature
    left_out = torch.eye(2 * count, dtype=torch.bool, device=brain.device)
    left_out[:count, :count] = True
    positives = logits.diagonal(count)
    return logits.masked_fill(left_out, -torch.inf).flatten().logsumexp(0) - positives.logsumexp(0)


ALIGNMENTS: dict[str, Loss] = {"infonce": info_nce, "paper": paper_info_nce, "released": released_alignment}
"""The losses by name."""


def alignment(name: str) -> Loss:
    """Look a loss up.

    Raises:
        InputError: There is no loss of that name.
    """
    if name not in ALIGNMENTS:
        raise unknown_name("alignment", name, ALIGNMENTS)
    return ALIGNMENTS[name]


def _check(brain: Float[Tensor, "batch feature"], temperature: float) -> None:
    if len(brain) < 2:
        raise InputError("a batch of one window", expected="at least 2 windows: a contrast needs another window")
    if not temperature > 0:
        raise InputError(f"a temperature of {temperature:g}", expected="a positive number")


def _same_text(text: Float[Tensor, "batch feature"]) -> Bool[Tensor, "batch batch"]:
    same = (text[:, None] == text[None]).all(dim=-1)
    return same & ~torch.eye(len(text), dtype=torch.bool, device=text.device)


def _unit(vectors: Float[Tensor, "batch feature"]) -> Float[Tensor, "batch feature"]:
    return nn.functional.normalize(vectors, dim=-1)
