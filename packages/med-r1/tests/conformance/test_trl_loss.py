"""The released objective against trl's own loss, called on a stub that holds what the method reads."""

from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from trl import GRPOTrainer

from medsuite.med_r1.objective import released_loss

LENGTHS = st.lists(st.integers(0, 6), min_size=2, max_size=8)


def their_loss(log_probability, advantage, mask, beta, reference, accumulation):
    trainer = SimpleNamespace(
        loss_type="grpo", importance_sampling_level="token", beta=beta, top_entropy_quantile=1.0,
        off_policy_mask_threshold=None, epsilon_low=0.2, epsilon_high=0.2, aux_loss_enabled=False, use_vllm=False,
        vllm_importance_sampling_correction=False, _entropy_bonus_enabled=False, use_adaptive_entropy=False,
        max_completion_length=mask.shape[1], current_gradient_accumulation_steps=accumulation,
        model=SimpleNamespace(training=True), _metrics={"train": defaultdict(list)},
        args=SimpleNamespace(use_bias_correction_kl=False, delta=None, steps_per_generation=1),
        accelerator=SimpleNamespace(num_processes=1, gather=lambda x: x, reduce=lambda x, reduction: x),
        _get_per_token_logps_and_entropies=lambda *a, **k: (log_probability, torch.zeros_like(log_probability), None),
    )  # fmt: skip
    inputs = {
        "prompt_ids": torch.ones(len(mask), 2).long(), "prompt_mask": torch.ones(len(mask), 2).long(),
        "completion_ids": torch.ones_like(mask), "completion_mask": mask, "advantages": advantage,
        "ref_per_token_logps": reference,
    }  # fmt: skip
    return GRPOTrainer._compute_loss(trainer, None, inputs)


@settings(max_examples=40, deadline=None)
@given(LENGTHS, st.sampled_from([0.0, 0.04, 0.5]), st.sampled_from([1, 2, 4]), st.integers(0, 10**6))
def test_value_and_gradient_are_trl_s(lengths, beta, accumulation, seed):
    generator = torch.Generator().manual_seed(seed)
    mask = (torch.arange(6) < torch.tensor(lengths)[:, None]).long()
    advantage = torch.randn(len(lengths), generator=generator)
    reference = -torch.rand(mask.shape, generator=generator)
    first = (-torch.rand(mask.shape, generator=generator)).requires_grad_()
    second = first.detach().clone().requires_grad_()
    ours = released_loss(first, advantage, mask, beta, reference) / accumulation
    theirs = their_loss(second, advantage, mask, beta, reference, accumulation)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-6)
    gradients = [torch.autograd.grad(loss, leaf)[0] for loss, leaf in ((ours, first), (theirs, second))]
    assert torch.allclose(*gradients, atol=1e-6)
