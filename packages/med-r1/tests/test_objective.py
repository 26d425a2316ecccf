import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.med_r1.objective import SPREAD_FLOOR, advantages, divergence, released_loss, zero_spread

REWARDS = st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0]), min_size=2, max_size=8)


def slow_loss(log_probability, advantage, mask, beta, reference):
    """The equation of the module, one token at a time; the ratio of the policy to itself is 1."""
    total = 0.0
    for row, gain in enumerate(advantage.tolist()):
        tokens = [t for t in range(mask.shape[1]) if mask[row, t]]
        inner = 0.0
        for t in tokens:
            ratio = torch.exp(reference[row, t] - log_probability[row, t])
            inner += gain - beta * (ratio - torch.log(ratio) - 1)
        total += inner / max(1, len(tokens))
    return -total / len(advantage)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    log_probability = -torch.rand(8, 6, generator=generator, dtype=torch.float64)
    reference = -torch.rand(8, 6, generator=generator, dtype=torch.float64)
    lengths = torch.tensor([6, 3, 1, 0, 5, 6, 2, 4])
    mask = (torch.arange(6) < lengths[:, None]).long()
    return log_probability, torch.randn(8, generator=generator, dtype=torch.float64), mask, reference


def test_the_loss_is_the_equation_token_by_token(batch):
    log_probability, advantage, mask, reference = batch
    for beta in (0.0, 0.04, 1.0):
        fast = released_loss(log_probability, advantage, mask, beta, reference)
        assert fast.item() == pytest.approx(
            float(slow_loss(log_probability, advantage, mask, beta, reference)), abs=1e-12
        )


def test_the_gradient_is_the_advantage_over_the_length(batch):
    log_probability, advantage, mask, _ = batch
    leaf = log_probability.clone().requires_grad_()
    released_loss(leaf, advantage, mask).backward()
    expected = -advantage[:, None] * mask / mask.sum(1, keepdim=True).clamp(min=1) / len(advantage)
    assert torch.allclose(leaf.grad, expected, atol=1e-12)


def test_a_batch_without_tokens_has_no_loss(batch):
    log_probability, advantage, mask, reference = batch
    assert released_loss(log_probability, advantage, 0 * mask, 0.04, reference) == 0


@given(REWARDS)
def test_advantages_of_a_group_add_up_to_nothing_and_ignore_a_shift(rewards):
    group = torch.tensor([rewards], dtype=torch.float64)
    assert advantages(group).sum().item() == pytest.approx(0, abs=1e-9)
    assert torch.allclose(advantages(group), advantages(group + 3.0), atol=1e-9)


@given(REWARDS)
def test_equal_rewards_and_only_they_carry_no_signal(rewards):
    group = torch.tensor([rewards], dtype=torch.float64)
    assert zero_spread(group).item() == (len(set(rewards)) == 1)
    assert bool((advantages(group) == 0).all()) == (len(set(rewards)) == 1)


@pytest.mark.parametrize("right", [1, 3, 7])
def test_a_binary_group_has_the_advantages_of_the_closed_form(right):
    size = 8
    rewards = torch.tensor([[1.0] * right + [0.0] * (size - right)], dtype=torch.float64)
    spread = (right * (size - right) / (size * (size - 1))) ** 0.5 + SPREAD_FLOOR
    values = advantages(rewards)[0]
    assert values[0].item() == pytest.approx((1 - right / size) / spread)
    assert values[-1].item() == pytest.approx(-(right / size) / spread)


@pytest.mark.parametrize(("size", "factor"), [(2, 0.70701), (4, 1.4020)])
def test_the_expected_update_is_parallel_to_the_exact_policy_gradient(size, factor):
    """Enumerate every group of a policy over five answers, of which two are right."""
    logits = torch.tensor([0.3, -0.2, 0.1, 0.5, -0.4], dtype=torch.float64, requires_grad=True)
    paid = torch.tensor([1.0, 0.0, 1.0, 0.0, 0.0], dtype=torch.float64)
    policy = torch.softmax(logits, 0)
    exact = torch.autograd.grad((policy * paid).sum(), logits, retain_graph=True)[0]
    update = torch.zeros_like(logits)
    for group in itertools.product(range(5), repeat=size):
        chosen = torch.tensor(group)
        advantage = advantages(paid[chosen][None])[0]
        loss = released_loss(torch.log_softmax(logits, 0)[chosen][:, None], advantage, torch.ones(size, 1).long())
        gradient = torch.autograd.grad(-loss, logits)[0]
        update += policy[chosen].prod().detach() * gradient
    ratio = update / exact
    assert torch.allclose(ratio, ratio[0].expand(5), rtol=1e-6)
    right = float((policy * paid).sum().detach())
    if size == 2:
        assert ratio[0].item() == pytest.approx(factor, abs=1e-4)
    assert ratio[0].item() == pytest.approx(expected_factor(right, size), rel=1e-9)


def expected_factor(p, size):
    """c(p) = E_k[k (G - k) / (G² (s_k + 1e-4))] / (p (1 - p)) over binomial k."""
    from math import comb

    total = 0.0
    for k in range(1, size):
        spread = (k * (size - k) / (size * (size - 1))) ** 0.5 + SPREAD_FLOOR
        total += comb(size, k) * p**k * (1 - p) ** (size - k) * k * (size - k) / (size**2 * spread)
    return total / (p * (1 - p))


def test_the_divergence_is_never_negative_and_zero_at_the_reference():
    first, second = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(1))
    assert (divergence(first, second) >= 0).all()
    assert (divergence(first, first) == 0).all()


def test_a_group_of_one_and_a_missing_reference_are_refused(batch):
    log_probability, advantage, mask, _ = batch
    with pytest.raises(InputError, match="at least 2"):
        advantages(torch.zeros(3, 1))
    with pytest.raises(InputError, match="without a reference"):
        released_loss(log_probability, advantage, mask, 0.04)
