import numpy as np
import pytest

from medsuite.bpgpt.data.textgrid import Word
from medsuite.bpgpt.evaluate.metrics import bleu1, word_error_rate
from medsuite.bpgpt.evaluate.scoring import score_windows, window_texts
from medsuite.core.errors import InputError

HEARD = ["the king hid", "", "a drum fell down"]
DECODED = ["the king fell", "noise", ""]


def test_words_fall_into_the_window_of_their_onset():
    words = [Word("late", 40.0, 41.0), Word("first", 0.0, 1.0), Word("edge", 19.99, 21.0), Word("next", 20.0, 20.5)]
    assert window_texts(words, 45.0) == ["first edge", "next", "late"]


def test_words_outside_the_story_belong_to_no_window():
    words = [Word("before", -0.1, 0.2), Word("after", 40.0, 41.0)]
    assert window_texts(words, 40.0) == ["", ""]


def test_windows_are_scored_one_by_one_and_silent_ones_are_counted():
    scores = score_windows(HEARD, DECODED)
    assert scores.windows == (0, 2)
    assert scores.silent == 1
    for name, metric in (("wer", word_error_rate), ("bleu1", bleu1)):
        expected = [metric(HEARD[index], DECODED[index]) for index in (0, 2)]
        np.testing.assert_allclose(scores.scores[name], expected)
        assert scores.means[name] == pytest.approx(np.mean(expected))


def test_the_length_ratio_counts_words_of_scored_windows():
    assert score_windows(HEARD, DECODED).length_ratio == pytest.approx(3 / 7)


def test_bad_requests_are_refused():
    with pytest.raises(InputError, match="2 decoded and 3 heard windows"):
        score_windows(HEARD, DECODED[:2])
    with pytest.raises(InputError, match="none of 2 windows has words"):
        score_windows(["", " "], ["a", "b"])
    with pytest.raises(InputError, match="did you mean 'bleu1'"):
        score_windows(HEARD, DECODED, ["bleu"])
    with pytest.raises(InputError, match="positive lengths"):
        window_texts([], 0.0)
