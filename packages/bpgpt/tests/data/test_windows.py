import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.bpgpt.data.lebel import LebelDataset
from medsuite.bpgpt.data.textgrid import Word
from medsuite.bpgpt.data.windows import Scaler, WindowShape, cut, stack
from medsuite.core.errors import InputError

TIMES = 10 + 2.0 * np.arange(31)
WORDS = [Word(f"w{second}", float(second), second + 0.5) for second in range(0, 100, 2)]


def test_a_window_holds_the_words_of_its_twenty_seconds_and_the_rows_of_their_response():
    windows = cut("UTS01", "alpha", TIMES, WORDS, WindowShape(length=10, hop=10, delay=4))
    assert [(window.span.start, window.span.stop) for window in windows] == [(0, 14), (10, 24)]
    assert windows[0].text == "w10 w12 w14 w16 w18 w20 w22 w24 w26 w28"
    assert windows[1].text.split()[0] == "w30"


def test_a_stretch_without_words_is_kept_as_an_empty_text():
    assert [window.text for window in cut("UTS01", "alpha", TIMES, WORDS[:3], WindowShape())] == ["", ""]


@given(st.integers(1, 12), st.integers(0, 5))
def test_windows_without_overlap_share_no_word_and_lose_none(length, delay):
    windows = cut("UTS01", "alpha", TIMES, WORDS, WindowShape(length, length, delay))
    words = " ".join(window.text for window in windows).split()
    assert words == [word.text for word in WORDS if 10 <= word.onset < 10 + 2 * length * len(windows)]


def test_rows_are_stacked_by_window(lebel_folder):
    dataset = LebelDataset(lebel_folder)
    run = dataset.run("UTS01", "alpha")
    windows = cut("UTS01", "alpha", run.times, dataset.words("alpha"), WindowShape())
    stacked = stack(run.bold(), windows)
    np.testing.assert_array_equal(stacked[1], run.bold()[10:24])
    assert windows[0].text.startswith("alpha5 alpha6")


def test_a_story_shorter_than_a_window_and_a_wrong_tr_are_refused():
    with pytest.raises(InputError, match="has 13 rows; expected at least the 14"):
        cut("UTS01", "alpha", TIMES[:13], WORDS, WindowShape())
    with pytest.raises(InputError, match=r"are 1\.5 s apart; expected 2 s"):
        cut("UTS01", "alpha", TIMES * 0.75, WORDS, WindowShape())


def test_windows_of_no_length_are_refused():
    with pytest.raises(InputError, match="length and hop of at least 1 TR"):
        WindowShape(length=0)


def test_training_rows_are_standardised_and_useless_voxels_are_dropped():
    bold = np.random.default_rng(0).normal(3, 5, (40, 4))
    bold[:, 1] = 7.0
    bold[5, 2] = np.nan
    scaler = Scaler.fit(bold)
    scaled = scaler(bold)
    assert scaler.kept.tolist() == [True, False, False, True]
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_constant_voxel_is_constant_in_any_precision(dtype):
    """The mean of a thousand 0.1 in single precision is not 0.1, and its deviation not 0."""
    bold = np.random.default_rng(0).normal(0, 1, (1000, 3)).astype(dtype)
    bold[:, 1] = 0.1
    scaler = Scaler.fit(bold)
    assert scaler.kept.tolist() == [True, False, True]
    assert np.abs(scaler(bold)).max() < 6


def test_large_values_in_half_precision_are_standardised():
    bold = (3e4 + 100 * np.random.default_rng(0).normal(0, 1, (500, 2))).astype(np.float16)
    scaled = Scaler.fit(bold)(bold)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-3)


def test_windows_of_several_stories_lengths_or_beyond_the_response_are_not_stacked():
    shape = WindowShape(length=3, hop=3, delay=0)
    windows = cut("UTS01", "alpha", TIMES, WORDS, shape)
    bold = np.zeros((31, 2), dtype=np.float32)
    other = cut("UTS01", "beta", TIMES, WORDS, shape)
    for chosen, rows, message in (
        ([], bold, "windows of nothing"),
        ([windows[0], other[0]], bold, "UTS01 alpha, UTS01 beta"),
        ([windows[0], cut("UTS01", "alpha", TIMES, WORDS, WindowShape(4, 4, 0))[0]], bold, r"with \[3, 4\] rows"),
        (windows, bold[:20], "a window up to row 29 of alpha; expected at most the 20 rows"),
    ):
        with pytest.raises(InputError, match=message):
            stack(rows, chosen)


def test_new_rows_are_scaled_by_the_training_rows_and_gaps_become_their_mean():
    scaler = Scaler.fit(np.array([[0.0, 0.0], [2.0, 4.0]]))
    np.testing.assert_allclose(scaler(np.array([[3.0, np.nan]])), [[2.0, 0.0]])


def test_data_without_a_usable_voxel_or_of_another_subject_are_refused():
    with pytest.raises(InputError, match="2 voxels, all constant"):
        Scaler.fit(np.ones((5, 2)))
    with pytest.raises(InputError, match="no training row"):
        Scaler.fit(np.ones((0, 2)))
    with pytest.raises(InputError, match="3 voxels; expected the 2"):
        Scaler.fit(np.eye(2))(np.ones((1, 3)))
