import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.meda_kv import H2O, Budget, FullRowEntropy, Recipe, SnapKV
from medsuite.meda_kv.observe.blocks import AttentionInputs
from medsuite.meda_kv.observe.entropy import RowSide, cross_modal_entropy, entropy_sums, full_row_entropy
from medsuite.meda_kv.observe.observer import LayerObserver, ObservationPlan, Tokens
from medsuite.meda_kv.observe.sampling import Exact, Sampled
from medsuite.meda_kv.observe.scores import accumulated_attention, window_rows

SCALE = 0.7


def draw(tokens=12, heads=4, kv_heads=2, dim=6, batch=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    query = torch.randn(batch, heads, tokens, dim, generator=generator, dtype=torch.float64)
    key = torch.randn(batch, kv_heads, tokens, dim, generator=generator, dtype=torch.float64)
    vision = torch.rand(batch, tokens, generator=generator) < 0.5
    vision[:, 0], vision[:, 1] = True, False
    return query, key, vision


def eager_weights(query, key, causal=True):
    scores = query @ key.repeat_interleave(query.shape[1] // key.shape[1], dim=1).transpose(2, 3) * SCALE
    if causal:
        scores = scores.masked_fill(~torch.ones(scores.shape[-2:]).tril().bool(), -torch.inf)
    return scores.softmax(-1)


def slow_cross_modal(query, key, vision, causal):
    """Reference section 1.1, row by row and key by key."""
    batch, heads, tokens, _ = query.shape
    group = heads // key.shape[1]
    result = np.zeros((batch, heads))
    for b in range(batch):
        for h in range(heads):
            for side in (False, True):
                entropies = []
                for i in range(tokens):
                    if bool(vision[b, i]) != side:
                        continue
                    others = [j for j in range(i + 1 if causal else tokens) if bool(vision[b, j]) != side]
                    scores = [float(query[b, h, i] @ key[b, h // group, j]) * SCALE for j in others]
                    if scores:
                        total = sum(map(math.exp, scores))
                        shares = [math.exp(score) / total for score in scores]
                        entropies.append(-sum(share * math.log(share) for share in shares))
                result[b, h] += np.mean(entropies) if entropies else 0.0
    return result


@pytest.mark.parametrize("causal", [True, False])
def test_cross_modal_entropy_equals_the_definition_row_by_row(causal):
    query, key, vision = draw()
    fast = cross_modal_entropy(query, key, vision, scale=SCALE, causal=causal, block=5)
    np.testing.assert_allclose(fast, slow_cross_modal(query, key, vision, causal), atol=1e-12)


def test_full_row_entropy_equals_that_of_the_eager_weights():
    query, key, _ = draw()
    weights = eager_weights(query, key)
    expected = -(torch.xlogy(weights, weights)).sum(-1).mean(-1)
    torch.testing.assert_close(full_row_entropy(query, key, scale=SCALE, block=5), expected)


@pytest.mark.parametrize("causal", [True, False])
def test_uniform_attention_has_the_logarithm_of_what_is_visible(causal):
    tokens, images = 9, 5
    query, key = torch.zeros(1, 1, tokens, 4, dtype=torch.float64), torch.zeros(1, 1, tokens, 4, dtype=torch.float64)
    vision = (torch.arange(tokens) < images)[None]
    measured = cross_modal_entropy(query, key, vision, scale=1.0, causal=causal)
    # Images come first: under a causal mask none of them sees any text, so that E_VT has no rows.
    expected = math.log(images) + (0.0 if causal else math.log(tokens - images))
    assert measured.item() == pytest.approx(expected)


def test_uniform_causal_rows_have_the_logarithm_of_their_place():
    zeros = torch.zeros(1, 2, 7, 4, dtype=torch.float64)
    measured = full_row_entropy(zeros, zeros, scale=1.0)
    assert measured[0].tolist() == pytest.approx([np.log(np.arange(1, 8)).mean()] * 2)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 13), st.integers(0, 5))
def test_the_size_of_the_blocks_does_not_matter(block, seed):
    query, key, vision = draw(seed=seed)
    whole = cross_modal_entropy(query, key, vision, scale=SCALE, block=100)
    torch.testing.assert_close(cross_modal_entropy(query, key, vision, scale=SCALE, block=block), whole)


def test_a_permutation_of_the_heads_permutes_the_entropies():
    query, key, vision = draw(heads=2)
    forward = cross_modal_entropy(query, key, vision, scale=SCALE)
    torch.testing.assert_close(cross_modal_entropy(query.flip(1), key.flip(1), vision, scale=SCALE), forward.flip(1))


def test_accumulated_attention_is_the_column_sum_of_the_eager_weights():
    query, key, _ = draw()
    expected = eager_weights(query, key).sum(2).view(2, 2, 2, -1).mean(2)
    torch.testing.assert_close(accumulated_attention(query, key, scale=SCALE, block=5), expected)


def test_window_rows_are_the_last_eager_rows():
    query, key, _ = draw()
    weights = eager_weights(query, key)[:, :, -3:].view(2, 2, 2, 3, -1)
    rows = window_rows(query[:, :, -3:], key, torch.ones(2, 12, dtype=torch.bool), scale=SCALE)
    torch.testing.assert_close(rows.attention, weights)
    torch.testing.assert_close(rows.before, weights[..., :9])
    torch.testing.assert_close(rows.mean(), weights.mean(-2))
    torch.testing.assert_close(rows.variance(), weights.var(-2))
    assert rows.visible[0].tolist() == torch.ones(12, 12).tril()[-3:].bool().tolist()


def test_rows_of_padding_count_neither_in_the_mean_nor_in_the_variance():
    query, key, _ = draw()
    valid = torch.ones(2, 12, dtype=torch.bool)
    valid[1, 9] = False
    rows = window_rows(query[:, :, -3:], key, valid, scale=SCALE)
    torch.testing.assert_close(rows.mean()[1], rows.attention[1][..., 1:, :].mean(-2))
    torch.testing.assert_close(rows.variance()[1], rows.attention[1][..., 1:, :].var(-2))
    assert not rows.attention[1, ..., 9].any()


def test_a_sequence_that_would_lose_all_its_rows_keeps_them():
    query, key, _ = draw()
    rows = window_rows(query[:, :, -3:], key, torch.ones(2, 12, dtype=torch.bool), scale=SCALE)
    chosen = rows.only(torch.tensor([[False, False, True], [False, False, False]])).rows
    assert chosen.tolist() == [[False, False, True], [True, True, True]]


@pytest.mark.parametrize("kind", ["boolean", "additive"])
def test_the_mask_that_is_handed_in_is_used(kind):
    query, key, _ = draw()
    visible = torch.ones(12, 12).tril().bool()
    visible[:, 3] = False
    visible[3, 3] = True
    mask = visible[None, None].expand(2, 1, -1, -1)
    if kind == "additive":
        mask = torch.zeros(mask.shape, dtype=torch.float64).masked_fill(~mask, torch.finfo(torch.float64).min)
    inputs = AttentionInputs(query, key, SCALE, mask)
    none = torch.zeros(2, 12, dtype=torch.bool)
    measured = entropy_sums(inputs, RowSide(none, none[:, 0]), block=5).value()
    scores = query @ key.repeat_interleave(2, 1).transpose(2, 3) * SCALE
    weights = scores.masked_fill(~visible, -torch.inf).softmax(-1)
    torch.testing.assert_close(measured, -torch.xlogy(weights, weights).sum(-1).mean(-1))


def test_soft_capping_bounds_the_scores_before_the_softmax():
    query, key, _ = draw()
    inputs = AttentionInputs(query, key, SCALE, None, 1.5)
    none = torch.zeros(2, 12, dtype=torch.bool)
    scores = 1.5 * torch.tanh(query @ key.repeat_interleave(2, 1).transpose(2, 3) * SCALE / 1.5)
    weights = scores.masked_fill(~torch.ones(12, 12).tril().bool(), -torch.inf).softmax(-1)
    expected = -torch.xlogy(weights, weights).sum(-1).mean(-1)
    torch.testing.assert_close(entropy_sums(inputs, RowSide(none, none[:, 0])).value(), expected)


def tokens_of(valid, vision):
    return Tokens(valid, vision, (vision & valid).any(1) & (~vision & valid).any(1))


EVERYTHING = ObservationPlan(frozenset({"full entropy", "cross entropy", "accumulated attention"}), window=4)


def test_two_chunks_are_observed_like_one_prompt():
    query, key, vision = draw()
    valid = torch.ones_like(vision)
    whole = LayerObserver(EVERYTHING).observe(AttentionInputs(query, key, SCALE), tokens_of(valid, vision))
    part = LayerObserver(EVERYTHING)
    for start, end in ((0, 7), (7, 12)):
        inputs = AttentionInputs(query[:, :, start:end], key[:, :, :end], SCALE)
        part = part.observe(inputs, tokens_of(valid[:, :end], vision[:, :end]))
    for kind in ("full entropy", "cross entropy"):
        torch.testing.assert_close(part.entropy(kind), whole.entropy(kind))
    torch.testing.assert_close(part.mass, whole.mass)
    torch.testing.assert_close(part.queries, whole.queries)


def test_padding_in_front_changes_no_statistic():
    query, key, vision = draw(batch=1)
    valid = torch.ones_like(vision)
    alone = LayerObserver(EVERYTHING).observe(AttentionInputs(query, key, SCALE), tokens_of(valid, vision))
    pad = torch.nn.functional.pad
    mask = pad(torch.ones(12, 12).tril().bool(), (5, 0, 5, 0))[None, None]
    inputs = AttentionInputs(pad(query, (0, 0, 5, 0)), pad(key, (0, 0, 5, 0)), SCALE, mask)
    padded = LayerObserver(EVERYTHING).observe(inputs, tokens_of(pad(valid, (5, 0)), pad(vision, (5, 0))))
    for kind in ("full entropy", "cross entropy"):
        torch.testing.assert_close(padded.entropy(kind), alone.entropy(kind))
    torch.testing.assert_close(padded.mass[..., 5:], alone.mass)


def test_a_prompt_that_opens_with_a_picture_is_observed_the_same_in_chunks():
    query, key, _ = draw()
    vision = (torch.arange(12) < 8).expand(2, 12).clone()
    vision[1] = True  # the second sequence never shows text
    valid = torch.ones_like(vision)
    whole = LayerObserver(EVERYTHING).observe(AttentionInputs(query, key, SCALE), tokens_of(valid, vision))
    parts = LayerObserver(EVERYTHING)
    for start, end in ((0, 5), (5, 10), (10, 12)):
        inputs = AttentionInputs(query[:, :, start:end], key[:, :, :end], SCALE)
        parts = parts.observe(inputs, tokens_of(valid[:, :end], vision[:, :end]))
    for kind in ("cross entropy", "full entropy"):
        torch.testing.assert_close(parts.entropy(kind), whole.entropy(kind))
    torch.testing.assert_close(parts.mass, whole.mass)
    expected = slow_cross_modal(query, key, vision, causal=True)
    np.testing.assert_allclose(parts.entropy("cross entropy")[0], expected[0])


def test_a_sequence_of_one_modality_is_measured_over_full_rows():
    query, key, vision = draw()
    vision[1] = False
    seen = LayerObserver(EVERYTHING).observe(
        AttentionInputs(query, key, SCALE), tokens_of(torch.ones_like(vision), vision)
    )
    torch.testing.assert_close(seen.entropy("cross entropy")[1], seen.entropy("full entropy")[1])
    assert not torch.allclose(seen.entropy("cross entropy")[0], seen.entropy("full entropy")[0])


def test_a_sample_of_every_row_is_exact_and_a_small_one_states_its_error():
    query, key, vision = draw(tokens=400)
    tokens = tokens_of(torch.ones_like(vision), torch.zeros_like(vision))
    exact = LayerObserver(EVERYTHING).observe(AttentionInputs(query, key, SCALE), tokens)
    truth = exact.entropy("full entropy").mean(1)
    misses, errors = [], []
    for seed in range(20):
        plan = ObservationPlan(EVERYTHING.statistics, rows=Sampled(50, seed))
        seen = LayerObserver(plan).observe(AttentionInputs(query, key, SCALE), tokens)
        misses.append(seen.entropy("full entropy").mean(1) - truth)
        errors.append(seen.entropy_error("full entropy"))
    spread, stated = torch.stack(misses).square().mean().sqrt(), torch.stack(errors).mean()
    assert stated / 2 < spread < 2 * stated
    assert exact.entropy_error("full entropy").tolist() == [0.0, 0.0]


@given(st.integers(1, 300), st.integers(2, 64), st.integers(0, 9))
def test_a_sample_takes_one_row_a_stratum_and_stands_for_all(rows, queries, seed):
    sample = Sampled(queries, seed).draw(rows, torch.device("cpu"))
    assert sample.weights.sum() == rows
    assert (sample.rows.diff() > 0).all()
    assert sample.rows[0] >= 0
    assert sample.rows[-1] < rows
    assert len(sample.rows) == min(rows, queries)


def test_unmasked_entropy_refuses_a_prompt_in_chunks():
    query, key, vision = draw()
    plan = ObservationPlan(frozenset({"unmasked cross entropy"}), rows=Exact())
    with pytest.raises(InputError, match="one piece"):
        LayerObserver(plan).observe(
            AttentionInputs(query[:, :, 6:], key, SCALE), tokens_of(torch.ones_like(vision), vision)
        )


def test_entropies_are_sampled_and_rankings_are_not_unless_it_is_said():
    budget = Budget(ratio=0.5)
    plans = {
        "entropy": Recipe(budget, FullRowEntropy(), SnapKV()).observation(),
        "ranking": Recipe(budget, FullRowEntropy(), H2O()).observation(),
        "said": Recipe(budget, FullRowEntropy(), SnapKV(), rows=Exact()).observation(),
        "coarse": Recipe(budget, FullRowEntropy(), H2O(), rows=Sampled(16)).observation(),
    }
    rows = {name: plan.rows for name, plan in plans.items()}
    assert rows == {"entropy": Sampled(), "ranking": Exact(), "said": Exact(), "coarse": Sampled(16)}


@pytest.mark.parametrize("first", [Sampled(16), Sampled(64), Exact()])
@pytest.mark.parametrize("second", [Sampled(16), Sampled(64), Exact()])
def test_joined_plans_observe_as_much_as_the_larger_one(first, second):
    plans = [ObservationPlan(frozenset({"full entropy"}), 4, rows) for rows in (first, second)]
    joined = plans[0] | plans[1]
    assert joined == plans[1] | plans[0]
    wanted = Exact() if Exact() in (first, second) else Sampled(max(first.queries, second.queries))
    assert joined.rows == wanted
