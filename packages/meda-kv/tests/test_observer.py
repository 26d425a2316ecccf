"""What a session observes against the attention weights that transformers itself returns."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.meda_kv import observing
from medsuite.meda_kv.attention import cache_argument
from medsuite.meda_kv.observe import kernels
from medsuite.meda_kv.observe.blocks import AttentionInputs, score_blocks
from medsuite.meda_kv.observe.entropy import cross_modal_entropy, row_softmax
from medsuite.meda_kv.observe.observer import LayerObserver, ObservationPlan, Tokens
from medsuite.meda_kv.observe.order import SlotOrder, padding_first, take_slots
from medsuite.meda_kv.observe.sampling import Exact, Sampled

TOKENS = 24
FULL, CROSS, MASS = "full entropy", "cross entropy", "accumulated attention"
PLAN = ObservationPlan(frozenset({FULL, CROSS, MASS}), window=3)


@pytest.fixture(scope="module")
def eager(tiny_llama):
    return tiny_llama("eager", dtype="float32", layers=2)


def vision_of(tokens=TOKENS):
    vision = torch.zeros(2, tokens, dtype=torch.bool)
    vision[:, 4:9] = vision[:, 14:17] = True
    return vision


def entropy(weights):
    return -torch.xlogy(weights, weights).sum(-1)


@pytest.fixture(params=[0, 7, -7], ids=["no padding", "left padding", "right padding"])
def read(request, eager, prompt):
    """A prompt read once by transformers with its attention weights, once by a session."""
    ids, mask = prompt(TOKENS, request.param)
    with torch.no_grad():
        weights = eager(ids, attention_mask=mask, output_attentions=True).attentions
    with observing(eager, PLAN, modality=vision_of()) as session, torch.no_grad():
        eager(ids, attention_mask=mask)
    return SimpleNamespace(weights=weights, mask=mask.bool(), seen=session.observation)


def test_accumulated_attention_is_the_column_sum_of_the_models_weights(read):
    for layer, weights in zip(read.seen.layers.values(), read.weights, strict=True):
        expected = (weights * read.mask[:, None, :, None]).sum(2).view(2, 2, 2, TOKENS).mean(2)
        torch.testing.assert_close(layer.mass * read.mask[:, None], expected * read.mask[:, None], atol=1e-4, rtol=0)


def test_full_row_entropy_is_the_mean_over_the_models_rows(read):
    for layer, weights in zip(read.seen.layers.values(), read.weights, strict=True):
        rows = entropy(weights) * read.mask[:, None]
        expected = rows.sum(-1) / read.mask.sum(-1)[:, None]
        torch.testing.assert_close(layer.entropy(FULL).float(), expected, atol=1e-4, rtol=0)


def test_cross_modal_entropy_is_that_of_the_models_weights_renormalised_over_the_other_modality(read):
    vision = vision_of()
    for layer, weights in zip(read.seen.layers.values(), read.weights, strict=True):
        for row in range(2):
            total = 0.0
            for side in (False, True):
                here, there = ((vision[row] == which) & read.mask[row] for which in (side, not side))
                shares = weights[row][:, here][:, :, there].double()
                mass = shares.sum(-1, keepdim=True)
                rows = entropy(shares / mass.clamp_min(1e-30))[:, mass[0, :, 0] > 1e-20]
                total = total + rows.mean(-1)
            torch.testing.assert_close(layer.entropy(CROSS)[row], total, atol=1e-3, rtol=0)


def test_the_kept_queries_are_the_last_that_are_no_padding(read):
    for layer in read.seen.layers.values():
        assert layer.queries.shape[2] == 3
        assert bool(layer.query_valid.all())
        assert layer.calls == 1


def draw(tokens=12, batch=2, heads=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    query, key = (torch.randn(batch, count, tokens, 6, generator=generator).double() for count in (heads, 2))
    vision = torch.rand(batch, tokens, generator=generator) < 0.5
    vision[:, 0], vision[:, 1] = True, False
    return query, key, vision


def weights_of(query, key, seen, scale=0.7):
    scores = query @ key.repeat_interleave(2, 1).transpose(2, 3) * scale
    return scores.masked_fill(~seen, -torch.inf).softmax(-1)


MASKS = {
    "a boolean mask of each sequence": lambda seen: seen[:, None],
    "an additive mask of each sequence": lambda seen: torch.zeros(seen[:, None].shape).masked_fill(
        ~seen[:, None], torch.finfo(torch.float32).min
    ),
    "an additive mask of infinities": lambda seen: torch.zeros(seen[:, None].shape).masked_fill(
        ~seen[:, None], -torch.inf
    ),
    "a mask for each head": lambda seen: seen[:, None].expand(-1, 4, -1, -1),
    "keys that are no padding": lambda seen: seen[:, -1].long(),
}


@pytest.mark.parametrize("block", [1, 5, 64])
@pytest.mark.parametrize("form", MASKS)
def test_every_form_of_a_mask_shows_the_same_rows(form, block):
    query, key, _ = draw()
    valid = torch.ones(2, 12, dtype=torch.bool)
    valid[1, :3] = False
    seen = valid[:, None, :] & torch.ones(12, 12).tril().bool()
    expected = weights_of(query, key, seen[:, None])
    for part in score_blocks(AttentionInputs(query, key, 0.7, MASKS[form](seen)), block=block):
        softmax = row_softmax(part.scores, part.visible.expand(2, 1, 1, -1, -1))
        found = (softmax.weights / softmax.total[..., None]).flatten(1, 2)[1, :, :, 3:]
        wanted = expected[1][:, part.rows][..., 3 : found.shape[-1] + 3]
        rows = part.rows >= 3
        torch.testing.assert_close(found[:, rows], wanted[:, rows])


def test_a_mask_of_one_sequence_serves_the_whole_batch():
    query, key, vision = draw()
    mask = torch.ones(1, 1, 12, 12).tril().bool()
    torch.testing.assert_close(
        cross_modal_entropy(query, key, vision, scale=0.7, mask=mask),
        cross_modal_entropy(query, key, vision, scale=0.7),
    )


def test_a_finite_bias_is_added_before_the_softmax():
    query, key, _ = draw()
    slopes = -0.3 * (torch.arange(12)[:, None] - torch.arange(12)).abs().double()
    causal = torch.ones(12, 12).tril().bool()
    mask = slopes.masked_fill(~causal, torch.finfo(torch.float64).min).expand(2, 1, 12, 12)
    (part,) = score_blocks(AttentionInputs(query, key, 0.7, mask))
    softmax = row_softmax(part.scores, part.visible)
    scores = query @ key.repeat_interleave(2, 1).transpose(2, 3) * 0.7 + slopes
    expected = scores.masked_fill(~causal, -torch.inf).softmax(-1)
    torch.testing.assert_close((softmax.weights / softmax.total[..., None]).flatten(1, 2), expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_scored_in_single(dtype):
    query, key, _ = (tensor.to(dtype) if tensor.is_floating_point() else tensor for tensor in draw())
    (part,) = score_blocks(AttentionInputs(query, key, 0.7))
    assert part.scores.dtype == torch.float32
    expected = query.float() @ key.float().repeat_interleave(2, 1).transpose(2, 3) * 0.7
    torch.testing.assert_close(part.scores.flatten(1, 2), expected)


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=9), st.data())
@settings(deadline=None)
def test_a_softmax_over_some_slots_is_that_of_those_slots_alone(scores, data):
    allowed = data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores)))
    row, mask = torch.tensor([scores], dtype=torch.float64), torch.tensor([allowed])
    found = row_softmax(row, mask)
    shares = (found.weights / found.total[:, None])[0]
    assert shares.sum() == pytest.approx(float(any(allowed)))
    alone = row[mask].softmax(0)
    torch.testing.assert_close(shares[mask[0]], alone)
    assert float(found.entropy) == pytest.approx(float(entropy(alone)), abs=1e-9)
    assert not shares[~mask[0]].any()


def tokens_of(vision, valid=None):
    valid = torch.ones_like(vision) if valid is None else valid
    return Tokens(valid, vision, (vision & valid).any(1) & (~vision & valid).any(1))


def test_unmasked_entropy_is_observed_as_the_published_formula():
    query, key, vision = draw()
    plan = ObservationPlan(frozenset({"unmasked cross entropy"}))
    seen = LayerObserver(plan).observe(AttentionInputs(query, key, 0.7), tokens_of(vision))
    expected = cross_modal_entropy(query, key, vision, scale=0.7, causal=False)
    torch.testing.assert_close(seen.entropy("unmasked cross entropy"), expected)
    assert seen.entropy_error("unmasked cross entropy").tolist() == [0, 0]


def test_unmasked_entropy_of_one_modality_stays_the_causal_full_row():
    query, key, vision = draw()
    seen = LayerObserver(ObservationPlan(frozenset({"unmasked cross entropy", FULL}))).observe(
        AttentionInputs(query, key, 0.7), tokens_of(torch.zeros_like(vision))
    )
    torch.testing.assert_close(seen.entropy("unmasked cross entropy"), seen.entropy(FULL))


def test_a_statistic_that_was_not_asked_for_is_named():
    query, key, vision = draw()
    seen = LayerObserver(ObservationPlan(frozenset({FULL}))).observe(
        AttentionInputs(query, key, 0.7), tokens_of(vision)
    )
    with pytest.raises(InputError, match="no cross entropy was observed"):
        seen.entropy(CROSS)
    assert seen.mass is None
    assert seen.queries is None


def test_a_snapshot_does_not_change_when_more_is_observed():
    query, key, vision = draw()
    first = LayerObserver(PLAN).observe(AttentionInputs(query[:, :, :7], key[:, :, :7], 0.7), tokens_of(vision[:, :7]))
    before = first.mass.clone(), first.entropy(FULL).clone()
    second = first.observe(AttentionInputs(query[:, :, 7:], key, 0.7), tokens_of(vision))
    assert torch.equal(first.mass, before[0])
    assert torch.equal(first.entropy(FULL), before[1])
    assert (first.calls, second.calls) == (1, 2)


@pytest.mark.parametrize("seed", range(5))
def test_sampled_mass_is_weighted_to_the_whole_prompt(seed):
    """Every row hands out a mass of one, so that the sum over slots is the number of rows, sampled or not."""
    query, key, vision = draw(tokens=100)
    plan = ObservationPlan(frozenset({MASS}), rows=Sampled(12, seed))
    seen = LayerObserver(plan).observe(AttentionInputs(query, key, 0.7), tokens_of(vision))
    torch.testing.assert_close(seen.mass.sum(-1), torch.full((2, 2), 100.0, dtype=torch.float64))


def test_a_sampled_cross_modal_entropy_states_an_error_and_that_of_full_rows_where_it_does_not_exist():
    query, key, vision = draw(tokens=200)
    vision[1] = False
    plan = ObservationPlan(frozenset({CROSS, FULL}), rows=Sampled(30))
    seen = LayerObserver(plan).observe(AttentionInputs(query, key, 0.7), tokens_of(vision))
    error = seen.entropy_error(CROSS)
    assert 0 < error[0] < 0.5
    assert error[1] == seen.entropy_error(FULL)[1]
    assert error[0] != seen.entropy_error(FULL)[0]


def slow_rows(inputs, rows, allowed):
    """What the row kernel is documented to compute, in plain softmaxes."""
    vision, places = allowed.vision, rows + inputs.slots - inputs.rows
    causal = torch.arange(inputs.slots) <= places[:, None]
    seen = causal if inputs.mask is None else inputs.mask[:, 0, rows]
    other = vision[:, places, None] != vision[:, None, :]
    whole = seen.expand(len(vision), -1, -1)
    crossing = other & (whole if allowed.causal else torch.ones_like(whole))
    mine = torch.where(allowed.crossing[:, None, None], crossing, whole) & allowed.valid[:, None]
    scores = inputs.query[:, :, rows] @ inputs.key.repeat_interleave(2, 1).transpose(2, 3) * inputs.scale
    scores = scores.masked_fill(~mine[:, None], -torch.inf)
    normaliser = scores.logsumexp(-1)
    shares = (scores - normaliser[..., None]).exp().nan_to_num()
    return kernels.RowStatistics(entropy(shares), normaliser)


def slow_mass(inputs, rows, normaliser, weights):
    places = rows + inputs.slots - inputs.rows
    causal = torch.arange(inputs.slots) <= places[:, None]
    seen = causal if inputs.mask is None else inputs.mask[:, 0, rows][:, None]
    scores = inputs.query[:, :, rows] @ inputs.key.repeat_interleave(2, 1).transpose(2, 3) * inputs.scale
    shares = (scores - normaliser[..., None]).exp().masked_fill(~seen, 0.0) * weights[:, None, :, None]
    return shares.sum(2).unflatten(1, (2, 2)).mean(2)


@pytest.mark.parametrize("rows", [Exact(), Sampled(5)], ids=["all rows", "a sample"])
@pytest.mark.parametrize("kinds", [{FULL, MASS}, {CROSS}, {FULL, CROSS, MASS}, {"unmasked cross entropy"}])
def test_the_kernels_are_handed_what_the_blocks_compute(monkeypatch, kinds, rows):
    """With slow definitions in the kernels' place: rows, masks, weights and sides are those of the blocks."""
    query, key, vision = draw()
    vision[1] = False
    plan, observers = ObservationPlan(frozenset(kinds), rows=rows), []
    pieces = [(0, 12)] if "unmasked cross entropy" in kinds else [(0, 5), (5, 12)]
    for slow in (False, True):
        if slow:
            monkeypatch.setattr(kernels, "usable", lambda inputs: True)
            monkeypatch.setattr(kernels, "row_statistics", slow_rows)
            monkeypatch.setattr(kernels, "accumulated_mass", slow_mass)
        seen = LayerObserver(plan)
        for start, end in pieces:
            inputs = AttentionInputs(query[:, :, start:end], key[:, :, :end], 0.7)
            seen = seen.observe(inputs, tokens_of(vision[:, :end]))
        observers.append(seen)
    by_blocks, by_kernels = observers
    for kind in kinds - {MASS}:
        torch.testing.assert_close(by_kernels.entropy(kind), by_blocks.entropy(kind))
        torch.testing.assert_close(by_kernels.entropy_error(kind), by_blocks.entropy_error(kind))
    if MASS in kinds:
        torch.testing.assert_close(by_kernels.mass, by_blocks.mass)


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_padding_comes_first_and_the_rest_stays_in_order(valid):
    mask = torch.tensor([valid])
    order = padding_first(mask)[0].tolist()
    assert order == [i for i, real in enumerate(valid) if not real] + [i for i, real in enumerate(valid) if real]
    taken = SlotOrder.of(mask)
    assert taken.moved == (order != sorted(order))
    assert taken.take(torch.arange(len(valid))[None])[0].tolist() == order


@pytest.mark.parametrize("shape", [(2, 5), (2, 3, 5), (2, 3, 5, 4)], ids=str)
def test_slots_are_taken_alike_whatever_stands_around_them(shape):
    tensor, order = torch.rand(shape), torch.tensor([[4, 0], [1, 3]])
    slots = 1 if len(shape) == 2 else 2
    expected = [tensor[row].index_select(slots - 1, order[row]) for row in range(2)]
    assert torch.equal(take_slots(tensor, order), torch.stack(expected))


@pytest.mark.parametrize("name", ["cache", "past_key_values"])
def test_the_name_of_the_cache_is_read_off_the_forward_pass(name):
    module = torch.nn.Module()
    module.forward = {"cache": lambda cache=None: None, "past_key_values": lambda past_key_values=None: None}[name]
    assert cache_argument(module) == name
    assert cache_argument(torch.nn.Linear(1, 1)) is None


def test_a_sample_of_one_row_has_no_error_and_is_refused():
    with pytest.raises(InputError, match="at least 2"):
        Sampled(1)
