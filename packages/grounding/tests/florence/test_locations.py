import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.grounding.florence import BINS, dequantise, quantise
from medsuite.grounding.florence.locations import first_location

SIDE = st.integers(20, 4000)


@given(width=SIDE, height=SIDE, seed=st.integers(0, 999))
def test_quantising_and_back_moves_an_edge_by_at_most_half_a_bin_unless_the_box_is_thinner(width, height, seed):
    rng = np.random.default_rng(seed)
    near = rng.uniform(0, 0.8, (5, 2))
    unit = np.concatenate([near, near + rng.uniform(0.01, 0.19, (5, 2))], axis=1)
    boxes = unit * np.tile([width, height], 2)
    error = np.abs(dequantise(quantise(boxes, (width, height)), (width, height)) - boxes)
    assert (error <= np.tile([width, height], 2) / BINS / 2 + 1e-9).all()


def test_the_right_and_bottom_edge_fall_into_the_last_bin():
    assert quantise(np.array([[0.0, 0, 512, 512]]), (512, 512)).tolist() == [[0, 0, 999, 999]]


@pytest.mark.parametrize("box", [[5.0, 5, 5.001, 5.001], [999.99, 999.99, 1000, 1000]])
def test_a_box_thinner_than_a_bin_keeps_an_area(box):
    (bins,) = quantise(np.array([box]), (1000, 1000))
    assert bins[2] == bins[0] + 1
    assert bins[3] == bins[1] + 1
    assert bins.max() < BINS


def test_bins_equal_those_of_the_processor_of_transformers(tiny, rng, random_boxes):
    boxes = random_boxes(rng, 50, 640.0)
    from transformers.models.florence2.processing_florence2 import Florence2PostProcessor

    peer = Florence2PostProcessor(config=tiny.processor.post_processor_config, tokenizer=tiny.tokenizer)
    import torch

    expected = peer.quantize(torch.tensor(boxes), (640, 480)).numpy()
    np.testing.assert_array_equal(quantise(boxes, (640, 480)), expected)


def test_a_tokenizer_without_locations_is_refused():
    from medsuite.core.tiny import gpt2

    with pytest.raises(InputError, match="has no tokens <loc_0>"):
        first_location(gpt2().tokenizer)
