"""MEDA as its paper states it and as its released code computes it: each difference, by hand."""

import math

import numpy as np
import pytest
import torch

from medsuite.meda_kv import H2O, AverageMerge, TextPrior, compress, method
from medsuite.meda_kv.constructed import idle_entropy, lookup_entropy, retrieval_batch, retrieval_model
from medsuite.meda_kv.select.base import Choice

ITEMS, LAYERS, LOOKUP, RATIO = 1024, 4, 2, 0.2
TOKENS = ITEMS + 5


@pytest.fixture(scope="module")
def reports():
    """Compress the same lookup by both presets; every entropy of that model is a closed form."""
    model, lookups = retrieval_model(), retrieval_batch(ITEMS, np.random.default_rng(0))
    found = {}
    for name in ("meda", "meda_released"):
        with compress(model, method(name, ratio=RATIO), modality=lookups.vision) as session, torch.no_grad():
            model(inputs_embeds=lookups.embeddings)
        found[name] = session.report
    return found


def test_the_paper_measures_attention_between_modalities_and_the_code_the_whole_row(reports):
    # A causal row i that attends evenly has ln(i + 1); in the lookup layer the question's row, the last one, has 0.
    idle = math.lgamma(TOKENS + 1) / TOKENS
    whole = [idle - (math.log(TOKENS) / TOKENS if layer == LOOKUP else 0) for layer in range(LAYERS)]
    between = [lookup_entropy(ITEMS) if layer == LOOKUP else idle_entropy(ITEMS) for layer in range(LAYERS)]
    np.testing.assert_allclose(reports["meda"].entropy[0], between, atol=1e-4)
    np.testing.assert_allclose(reports["meda_released"].entropy[0], whole, atol=1e-4)


def test_so_the_paper_tells_the_lookup_layer_from_the_others_and_the_code_hardly_does(reports):
    paper, released = (reports[name].budgets[0] for name in ("meda", "meda_released"))
    assert paper.tolist() == [253, 253, 64, 253]
    assert np.ptp(released) <= 2


def test_the_paper_spends_the_whole_budget_and_the_code_rounds_and_clips_it_away(reports):
    target = int(RATIO * LAYERS * TOKENS)
    assert reports["meda"].budgets.sum() == target
    assert reports["meda_released"].budgets.sum() < target


def test_the_paper_merges_values_alone_and_the_code_keys_as_well():
    paper, released = (method(name, ratio=RATIO) for name in ("meda", "meda_released"))
    assert (paper.merge, released.merge) == (AverageMerge(), AverageMerge(keys=True))
    assert paper.select == released.select == TextPrior(H2O())


def released_merge(kept, evicted, values):
    """The released code's merge of values: the targets are filtered by similarity, their sources are not.

    Source `i` goes to the target of the `i`-th row that passed the filter, whichever row that was.
    """
    cosine = torch.cosine_similarity(evicted[:, None], kept[None], dim=-1)
    best, target = cosine.max(1)
    passed = best > best.mean()
    return target[passed], values[: int(passed.sum())], values[passed]


def test_the_code_merges_rows_that_its_own_filter_left_out_and_this_package_does_not():
    """Thirty evicted rows unlike anything, then thirty that equal a kept key: the code takes the first thirty."""
    kept = torch.eye(3, 8, dtype=torch.float64)
    unlike = torch.zeros(30, 8, dtype=torch.float64)
    unlike[:, 5] = 1.0
    alike = kept[torch.arange(30) % 3]
    evicted, values = torch.cat([unlike, alike]), torch.arange(60.0, dtype=torch.float64)[:, None]
    target, taken, meant = released_merge(kept, evicted, values)
    assert len(target) == 30
    assert not bool((taken == meant).any())

    keys = torch.cat([kept, evicted])[None, None]
    rows = torch.cat([torch.zeros(3, 1, dtype=torch.float64), values])[None, None]
    choice = Choice(torch.tensor([[[0, 1, 2]]]), torch.ones(1, 3, dtype=torch.bool))
    merged = AverageMerge(threshold=0.5).merge(keys, rows, choice, torch.ones(1, 63, dtype=torch.bool))
    right = [values[30 + head :: 3].sum() / 11 for head in range(3)]
    torch.testing.assert_close(merged.values[0, 0, :, 0], torch.stack(right))
