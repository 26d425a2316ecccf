import math

import numpy as np
import pytest
import torch

from medsuite.meda_kv import (
    Budget,
    CrossModalEntropy,
    Exact,
    Protect,
    Random,
    Recipe,
    SnapKV,
    Uniform,
    compress,
    observing,
    read,
)
from medsuite.meda_kv.constructed import CODE, idle_entropy, lookup_entropy, retrieval_batch, retrieval_model
from medsuite.meda_kv.observe.observer import LayerObserver

ITEMS, BATCH = 1024, 6
LOOKUP = 2


def batch(items=ITEMS, size=BATCH):
    return retrieval_batch(items, np.random.default_rng(0), size)


def answers(model, lookups):
    with torch.no_grad():
        return model(inputs_embeds=lookups.embeddings).logits[:, -1].argmax(-1)


def recipe(ratio, allocator, selector=None):
    select, sinks = selector or SnapKV(queries=1, kernel=1), Protect(sinks=0)
    return Recipe(Budget(ratio=ratio), allocator, select, protect=sinks, rows=Exact())


def compressed(model, lookups, plan):
    with compress(model, plan, modality=lookups.vision) as session, torch.no_grad():
        model(inputs_embeds=lookups.embeddings)
    return session


@pytest.mark.parametrize("items", [64, 256, 1024])
def test_the_hand_set_weights_retrieve_without_an_error(items):
    lookups = batch(items, 32)
    assert torch.equal(answers(retrieval_model(), lookups), lookups.answers)


def test_entropies_are_the_closed_forms():
    session = compressed(retrieval_model(), batch(), recipe(0.05, CrossModalEntropy()))
    expected = [idle_entropy(ITEMS)] * 4
    expected[LOOKUP] = lookup_entropy(ITEMS)
    np.testing.assert_allclose(session.report.entropy, np.tile(expected, (BATCH, 1)), atol=1e-4)
    assert expected[0] == pytest.approx(6.931, abs=5e-4)
    assert expected[LOOKUP] == pytest.approx(5.545, abs=5e-4)


@pytest.mark.parametrize(("ratio", "slots"), [(0.05, [63, 63, 16, 63]), (0.2, [253, 253, 64, 253])])
def test_budgets_are_the_closed_forms(ratio, slots):
    # 0.2 * 4 layers * 1,029 tokens are 823 slots; 253.23 + 253.23 + 63.31 + 253.23, whose largest remainder is .31.
    session = compressed(retrieval_model(), batch(), recipe(ratio, CrossModalEntropy()))
    assert session.report.budgets.tolist() == [slots] * BATCH


@pytest.mark.parametrize("allocator", [Uniform(), CrossModalEntropy()])
@pytest.mark.parametrize("ratio", [0.05, 0.2])
def test_a_question_inside_the_prompt_keeps_its_needle(allocator, ratio):
    lookups = batch()
    session = compressed(retrieval_model(), lookups, recipe(ratio, allocator))
    assert needle_kept(session.cache, lookups).all()


def needle_kept(cache, lookups):
    return (cache.layers[LOOKUP].positions[:, 0] == lookups.needle[:, None]).any(1)


def ask_again(model, session, cache, lookups):
    """Ask the question behind a compressed context."""
    from medsuite.meda_kv.attention import cache_argument

    with torch.no_grad():
        out = model(inputs_embeds=lookups.embeddings[:, -1:], **{cache_argument(model): cache})
    return out.logits[:, -1].argmax(-1)


@pytest.mark.parametrize("allocator", [Uniform(), CrossModalEntropy()])
def test_a_question_after_compression_is_answered_exactly_when_its_needle_survived(allocator):
    lookups, model = batch(256, 64), retrieval_model()
    context = lookups.embeddings[:, :-1]
    plan = recipe(0.25, allocator, Random())
    with compress(model, plan, modality=lookups.vision) as session, torch.no_grad():
        model(inputs_embeds=context)
        kept = needle_kept(session.cache, lookups)
        right = ask_again(model, session, session.cache, lookups) == lookups.answers
    assert right[kept].all()
    assert 0 < kept.sum() < len(kept)
    # What was evicted can only be guessed, among 16 values.
    assert right[~kept].float().mean() < 4 / CODE


def test_entropy_of_the_context_alone_cannot_know_which_layer_will_be_asked():
    lookups, model = batch(), retrieval_model()
    with compress(model, recipe(0.2, CrossModalEntropy()), modality=lookups.vision) as session, torch.no_grad():
        model(inputs_embeds=lookups.embeddings[:, :-1])
    assert np.ptp(session.report.entropy) < 1e-4
    assert math.isclose(session.report.entropy[0, LOOKUP], idle_entropy(ITEMS), abs_tol=1e-4)


def test_reading_a_prompt_observes_without_compressing():
    ids = torch.arange(12)[None]
    model = retrieval_model()
    with observing(model, recipe(0.5, CrossModalEntropy()).observation()) as session:
        whole = read(session, ids)
        continued = read(session, ids[:, 8:], after=read(session, ids[:, :8]))
    assert whole.cache.get_seq_length() == 12
    assert all(isinstance(layer, LayerObserver) for layer in whole.observation.layers.values())
    torch.testing.assert_close(continued.logits, whole.logits)
    smaller, report = whole.compress(recipe(0.5, CrossModalEntropy()))
    assert report.kept_share == 0.5
    assert [layer.rows for layer in whole.cache.layers] == [12] * 4
    assert sum(layer.rows for layer in smaller.layers) == 24
