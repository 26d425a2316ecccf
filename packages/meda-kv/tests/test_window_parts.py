"""Selectors and allocators that read the attention of the prompt's last queries."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool1d

from medsuite.core.errors import InputError
from medsuite.meda_kv.allocate import Density, LayerTable, MinimumSlots, Preference
from medsuite.meda_kv.observe.observer import LayerObserver, ObservationPlan
from medsuite.meda_kv.select import (
    H2O,
    TOVA,
    FastV,
    KeyDiff,
    KeyNorm,
    LayerView,
    MeanVariance,
    Pages,
    PostVision,
    SnapKV,
    TextPrior,
)

SCALE = 0.8


def view(seed=0, tokens=14, window=4, index=0, vision=(), sharpness=1.0):
    """A layer with four query heads on two key heads and its window of queries."""
    generator = torch.Generator().manual_seed(seed)
    query = sharpness * torch.randn(1, 4, window, 6, generator=generator, dtype=torch.float64)
    keys = torch.randn(1, 2, tokens, 6, generator=generator, dtype=torch.float64)
    picture = torch.zeros(1, tokens, dtype=torch.bool)
    picture[0, list(vision)] = True
    observed = LayerObserver(ObservationPlan(window=window), queries=query, scale=SCALE)
    return LayerView(index, keys, torch.ones_like(picture), picture, observed)


def eager(layer):
    """Attention of the window written out, four query heads."""
    query, keys = layer.observed.queries, layer.keys.repeat_interleave(2, dim=1)
    window, slots = query.shape[2], keys.shape[2]
    seen = torch.ones(slots, slots).tril()[-window:].bool()
    return (query @ keys.transpose(2, 3) * SCALE).masked_fill(~seen, -torch.inf).softmax(-1)


def per_key_head(scores):
    return scores.view(1, 2, 2, -1).mean(2)


def test_snapkv_pools_the_mean_of_the_window_along_the_prompt():
    layer = view()
    pooled = avg_pool1d(eager(layer)[..., :10].mean(2), 5, stride=1, padding=2)
    scores = SnapKV(queries=4).scores(layer)
    torch.testing.assert_close(scores[..., :10], per_key_head(pooled))
    assert not scores[..., 10:].any()


def test_tova_takes_the_last_row_averaged_over_all_heads():
    layer = view()
    expected = eager(layer)[:, :, -1].mean(1)
    torch.testing.assert_close(TOVA().scores(layer), expected[:, None].expand(1, 2, 14))


def test_mean_variance_is_cakes_indicator():
    layer = view()
    attention = eager(layer)
    indicator = attention.mean(2) + 200 * attention.var(2)
    pooled = avg_pool1d(indicator[..., :10], 5, stride=1, padding=2)
    torch.testing.assert_close(MeanVariance(queries=4).scores(layer)[..., :10], per_key_head(pooled))


def test_post_vision_looks_at_the_rows_behind_the_last_picture_only():
    layer = view(vision=[2, 3, 11])
    torch.testing.assert_close(PostVision(queries=4).scores(layer), per_key_head(eager(layer)[:, :, 2:].mean(2)))


@pytest.mark.parametrize("vision", [(), (12, 13)])
def test_post_vision_looks_at_the_whole_window_when_no_text_lies_behind_a_picture(vision):
    layer = view(vision=vision)
    torch.testing.assert_close(PostVision(queries=4).scores(layer), per_key_head(eager(layer).mean(2)))


def test_keydiff_prefers_the_key_that_points_elsewhere():
    layer = view()
    keys = torch.zeros(1, 1, 5, 2, dtype=torch.float64)
    keys[0, 0] = torch.tensor([[1.0, 0.1], [2.0, 0.0], [0.5, 0.0], [-1.0, 0.2], [3.0, 0.3]])
    layer = LayerView(0, keys, torch.ones(1, 5, dtype=torch.bool), torch.zeros(1, 5, dtype=torch.bool), layer.observed)
    assert int(KeyDiff().scores(layer).argmax()) == 3


def test_padding_has_no_part_in_keydiffs_mean_direction():
    layer = view()
    valid = layer.valid.clone()
    valid[0, :3] = False
    padded = LayerView(0, layer.keys, valid, layer.vision, layer.observed)
    alone = LayerView(0, layer.keys[:, :, 3:], valid[:, 3:], layer.vision[:, 3:], layer.observed)
    torch.testing.assert_close(KeyDiff().scores(padded)[..., 3:], KeyDiff().scores(alone))


def test_fastv_ranks_pictures_by_one_layer_and_keeps_text_above_them():
    layers = [view(seed, index=seed, vision=range(3, 9)) for seed in range(3)]
    bound = FastV(layer=2).bind(layers.__getitem__)
    ranking = bound.scores(layers[0])
    assert torch.equal(ranking, bound.scores(layers[1]))
    last = eager(layers[2])[0, :, -1].mean(0)
    order = ranking[0, 0].argsort(descending=True).tolist()
    assert set(order[:8]) == {0, 1, 2, 9, 10, 11, 12, 13}
    assert order[8:] == sorted(range(3, 9), key=lambda slot: -last[slot])


def test_fastv_must_be_bound_to_a_prompt():
    with pytest.raises(InputError, match="not bound"):
        FastV().scores(view())


def test_the_text_prior_binds_its_base():
    layers = [view(seed, index=seed, vision=range(3, 9)) for seed in range(3)]
    bound = TextPrior(FastV(layer=1)).bind(layers.__getitem__)
    assert bound.scores(layers[0]).shape == (1, 2, 14)


def test_pages_are_kept_whole_in_the_order_of_their_best_slot():
    keys = -torch.tensor([[[3.0, 9.0, 5.0, 5.0, 1.0, 8.0, 4.0]]]).unsqueeze(-1)
    flags = torch.zeros(1, 7, dtype=torch.bool)
    layer = LayerView(0, keys, ~flags, flags, view().observed)
    assert Pages(KeyNorm(), size=2).scores(layer)[0, 0].tolist() == [-3, -3, -5, -5, -1, -1, -4]


def test_pages_are_the_same_for_all_heads():
    layer = view()
    scores = Pages(SnapKV(queries=4), size=4).scores(layer)
    assert torch.equal(scores[:, 0], scores[:, 1])
    assert Pages(H2O()).needs == H2O().needs
    assert Pages(SnapKV(queries=4)).window == 4


def test_a_window_that_was_not_kept_is_named():
    layer = view()
    blind = LayerView(0, layer.keys, layer.valid, layer.vision, LayerObserver(ObservationPlan()))
    with pytest.raises(InputError, match="no window of queries"):
        TOVA().scores(blind)


def test_the_preference_is_dispersion_times_change():
    layer = view()
    before = eager(layer)[..., :10]
    dispersion = sum(-float(a) * math.log(float(a)) for a in before.flatten())
    change = float(before.var(2).sum())
    assert Preference(queries=4).measure(layer).item() == pytest.approx(dispersion * change)
    flat = Preference(queries=4, spatial=2.0, temporal=4.0).measure(layer).item()
    assert flat == pytest.approx(dispersion**0.5 * change**0.25)


def test_uniform_attention_needs_nine_tenths_of_the_slots_and_sharp_attention_one():
    assert MinimumSlots(queries=1).measure(view(tokens=20, window=1, sharpness=0.0)).item() == 18
    assert MinimumSlots(queries=1).measure(view(tokens=20, window=1, sharpness=1e3)).item() == 1


def test_minimum_slots_counts_the_fewest_slots_that_hold_the_mass():
    layer = view()
    counts = []
    for head in eager(layer).mean(2)[0]:
        held, slots = 0.0, 0
        for share in sorted(head.tolist(), reverse=True):
            if held >= 0.7:
                break
            held, slots = held + share, slots + 1
        counts.append(slots)
    assert MinimumSlots(mass=0.7, queries=4).measure(layer).item() == pytest.approx(np.mean(counts))


def test_half_of_the_slots_are_shared_equally_and_half_by_the_minimum():
    table = LayerTable(100, 200, np.zeros(4, int), np.full(4, 100), np.array([10.0, 10.0, 20.0, 40.0]))
    assert MinimumSlots(base=0.5).budgets(table).tolist() == [38, 37, 50, 75]


def test_uniform_attention_is_dense_and_sharp_attention_is_not():
    assert Density(queries=4).measure(view(sharpness=0.0)).item() == 1.0
    sharp = Density(queries=4).measure(view(sharpness=1e3)).item()
    assert sharp == pytest.approx(np.mean([1 / 11, 1 / 12, 1 / 13, 1 / 14]))


def test_density_counts_the_entries_above_the_threshold():
    layer = view(vision=[2, 11])
    rows = eager(layer)[:, :, 2:]
    dense = (rows >= 0.3 * rows.amax(-1, keepdim=True)).sum(-1) / torch.tensor([13, 14])
    assert Density(threshold=0.3, queries=4).measure(layer).item() == pytest.approx(dense.mean().item())


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: MeanVariance(queries=1),
        lambda: PostVision(queries=0),
        lambda: FastV(layer=-1),
        lambda: Pages(size=0),
        lambda: Preference(spatial=0.0),
        lambda: MinimumSlots(mass=1.0),
        lambda: Density(threshold=0.0),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError, match="expected"):
        wrong()
