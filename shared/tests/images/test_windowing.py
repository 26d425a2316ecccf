"""Windows follow the equations of DICOM PS3.3 C.11.2, written out here one value at a time."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from pydicom.dataset import Dataset
from pydicom.pixels import apply_windowing

from medsuite.core.errors import InputError
from medsuite.core.images import LookupTable, Window
from medsuite.core.images.windowing import data_window, range_window

FUNCTIONS = ["LINEAR", "LINEAR_EXACT", "SIGMOID"]


def linear(x: float, c: float, w: float) -> float:
    """Write out C.11.2.1.2.1 with the output range 0 to 1."""
    if x <= c - 0.5 - (w - 1) / 2:
        return 0.0
    if x > c - 0.5 + (w - 1) / 2:
        return 1.0
    return (x - (c - 0.5)) / (w - 1) + 0.5


def linear_exact(x: float, c: float, w: float) -> float:
    """Write out C.11.2.1.3.2."""
    if x <= c - w / 2:
        return 0.0
    if x > c + w / 2:
        return 1.0
    return (x - c) / w + 0.5


def sigmoid(x: float, c: float, w: float) -> float:
    """Write out C.11.2.1.3.1."""
    exponent = -4 * (x - c) / w
    return 1 / (1 + math.exp(exponent)) if exponent < 700 else 0.0


SLOW = {"LINEAR": linear, "LINEAR_EXACT": linear_exact, "SIGMOID": sigmoid}


@pytest.mark.parametrize("function", FUNCTIONS)
@settings(deadline=None)
@given(
    values=st.lists(st.integers(-(2**15), 2**15 - 1), min_size=1, max_size=20),
    center=st.integers(-2000, 2000),
    width=st.integers(1, 4000),
)
def test_a_window_is_the_equation_of_the_standard(function, values, center, width):
    window = Window(center, width, function)
    expected = [SLOW[function](x, center, width) for x in values]
    np.testing.assert_allclose(window.apply(np.array(values, np.int16)), expected, atol=2e-5)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_window_is_that_of_pydicom(function):
    dataset = Dataset()
    dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = 40, 400, function
    dataset.PhotometricInterpretation, dataset.PixelRepresentation, dataset.BitsStored = "MONOCHROME2", 0, 12
    values = np.arange(-500, 700, dtype=np.int16)
    expected = apply_windowing(values, dataset) / 4095
    np.testing.assert_allclose(Window(40, 400, function).apply(values), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("window", "values", "expected"),
    [
        # The examples of the standard: for w = 4096 and c = 2048 linear is x / 4095, and for w = 1 it is a step.
        (Window(2048, 4096), [0, 4095, 2047.5], [0, 1, 0.5]),
        (Window(1, 1), [0, 0.5, 1], [0, 0, 1]),
        (Window(128, 256, "LINEAR_EXACT"), [0, 128, 256], [0, 0.5, 1]),
        (Window(0, 4, "SIGMOID"), [0, 1, -1e6], [0.5, 1 / (1 + math.exp(-1)), 0]),
    ],
)
def test_known_points_of_a_window(window, values, expected):
    np.testing.assert_allclose(window.apply(np.array(values)), expected, atol=1e-7)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.float32, np.float64])
def test_a_window_never_darkens_a_higher_value_and_leaves_its_input_alone(function, dtype):
    values = np.arange(0, 250, dtype=dtype)
    shown = Window(100, 50, function).apply(values)
    assert (np.diff(shown) >= 0).all()
    assert shown.dtype == np.float32
    np.testing.assert_array_equal(values, np.arange(0, 250, dtype=dtype))


@pytest.mark.parametrize(
    ("center", "width", "function", "named"),
    [
        (0, 0.5, "LINEAR", "at least 1"),
        (0, 0, "SIGMOID", "above 0"),
        (0, -3, "LINEAR_EXACT", "above 0"),
        (math.nan, 3, "LINEAR", "finite"),
        (0, math.inf, "LINEAR", "finite"),
        (0, 1, "CUBIC", "LINEAR, LINEAR_EXACT or SIGMOID"),
    ],
)
def test_an_impossible_window_is_refused(center, width, function, named):
    with pytest.raises((InputError, TypeCheckError), match=f"{named}|Type-check error"):
        Window(center, width, function)


@settings(deadline=None)
@given(values=st.lists(st.integers(-50, 50), min_size=1, max_size=20), first=st.integers(-20, 20))
def test_a_lookup_table_is_an_index_limited_to_both_ends(values, first):
    entries = np.array([7, 3, 250, 0, 255], np.uint16)
    table = LookupTable(first, entries, bits=8)
    expected = [entries[min(max(x - first, 0), 4)] for x in values]
    np.testing.assert_array_equal(table.look_up(np.array(values, np.int16)), expected)
    np.testing.assert_allclose(table.apply(np.array(values, np.int16)), np.array(expected) / 255, rtol=1e-6)


def test_a_value_between_integers_takes_the_nearest_entry():
    table = LookupTable(0, np.array([0, 10, 20], np.uint16), bits=16)
    np.testing.assert_array_equal(table.look_up(np.array([0.4, 0.6, 1.9], np.float32)), [0, 10, 20])


def test_an_entry_beyond_the_stated_bits_is_white():
    assert LookupTable(0, np.array([300], np.uint16), bits=8).apply(np.array([0])) == [1]


@settings(deadline=None)
@given(low=st.floats(-1e5, 1e5), extent=st.floats(1e-3, 1e5))
def test_a_range_is_spread_from_black_to_white(low, extent):
    high = low + extent
    np.testing.assert_allclose(range_window(low, high, "").apply(np.array([low, high])), [0, 1], atol=1e-5)


def test_the_range_of_the_data_leaves_the_padding_out():
    values = np.array([[-2000, 10], [20, 30]])
    window = data_window(values, values == -2000)
    np.testing.assert_allclose(window.apply(values), [[0, 0], [0.5, 1]])


@pytest.mark.parametrize("padding", [None, np.ones((2, 2), bool)])
def test_a_constant_or_empty_range_divides_by_nothing(padding):
    assert np.isfinite(data_window(np.full((2, 2), 7), padding).apply(np.full((2, 2), 7))).all()
