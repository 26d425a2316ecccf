"""A decoded story in a file beside what was heard, and the null of its own windows exchanged."""

import math

import numpy as np
import pytest

from medsuite.bpgpt.evaluate.metrics import bleu1, word_error_rate
from medsuite.bpgpt.evaluate.nulls import exchanges
from medsuite.bpgpt.evaluate.scoring import METRICS, find_metrics
from medsuite.bpgpt.evaluate.transcripts import EXCHANGES, exchanged_means, read_decoded, score_table
from medsuite.core.errors import InputError


def story(tmp_path, windows, name="story.TextGrid"):
    """A story of four words every 20 s, all different."""
    words = [f"w{number}" for number in range(4 * windows)]
    end = 20 * windows
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", str(end), "<exists>", "1"]
    lines += ['"IntervalTier"', '"word"', "0", str(end), str(len(words))]
    lines += [line for number, word in enumerate(words) for line in (str(5 * number), str(5 * number + 5), f'"{word}"')]
    (tmp_path / name).write_text("\n".join(lines))
    return tmp_path / name, [(5.0 * number, word) for number, word in enumerate(words)]


def decoded(tmp_path, entries, ending="\n", encoding="utf-8"):
    path = tmp_path / "decoded.tsv"
    path.write_bytes(ending.join(f"{onset}\t{word}" for onset, word in entries).encode(encoding))
    return path


def rows(table):
    return {line.split()[0]: line.split()[1:] for line in table.splitlines()[2:-1]}


@pytest.mark.parametrize(("windows", "cycles"), [(2, 1), (3, 2), (4, 6), (5, 24), (6, 120)])
def test_with_few_windows_no_p_is_smaller_than_their_exchanges_allow(tmp_path, windows, cycles):
    """Two windows can be exchanged in one way: a perfect decoder has p = 1/2 and not 1/201."""
    reference, entries = story(tmp_path, windows)
    table = score_table(reference, decoded(tmp_path, entries), ["wer", "bleu1"])
    for score, _, p in rows(table).values():
        assert float(score) in (0.0, 1.0)
        assert float(p) == pytest.approx(1 / (1 + cycles), abs=5e-4)
    assert table.splitlines()[-1] == f"{cycles} exchanges; no p can be below {1 / (1 + cycles):.3f}"


def test_many_windows_are_exchanged_at_random(tmp_path):
    reference, entries = story(tmp_path, 12)
    table = score_table(reference, decoded(tmp_path, entries), ["bleu1"])
    assert table.splitlines()[-1].startswith(f"{EXCHANGES} exchanges")
    assert rows(table)["bleu1"] == ["1.0000", "0.0000", f"{1 / (1 + EXCHANGES):.3f}"]


def test_every_cycle_of_few_windows_is_there_once():
    for windows in (2, 3, 4, 5):
        found = exchanges(windows, 200, np.random.default_rng(0))
        assert len({tuple(order) for order in found}) == len(found) == math.factorial(windows - 1)
        for order in found:
            place, seen = 0, set()
            while place not in seen:
                seen.add(place)
                place = int(order[place])
            assert len(seen) == windows, "one cycle through all windows"
    assert len(exchanges(7, 200, np.random.default_rng(0))) == 200


def test_exchanges_that_cannot_be_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="permutation of 1 windows"):
        exchanges(1, 5, rng)
    with pytest.raises(InputError, match="0 exchanges"):
        exchanges(5, 0, rng)


@pytest.mark.parametrize("metric", [word_error_rate, bleu1])
def test_the_null_is_the_mean_over_windows_in_the_wrong_order(metric):
    rng = np.random.default_rng(3)
    words = ["king", "hid", "drum", "a", "town"]
    heard, said = ([" ".join(rng.choice(words, 4)) for _ in range(6)] for _ in range(2))
    orders = exchanges(6, 30, rng)
    calls = []

    def counted(references, hypotheses):
        calls.append(len(references))
        return np.array([metric(*pair) for pair in zip(references, hypotheses, strict=True)])

    expected = [np.mean([metric(heard[i], said[j]) for i, j in enumerate(order)]) for order in orders]
    np.testing.assert_allclose(exchanged_means(counted, heard, said, orders), expected)
    assert calls == [30], "each of the 6 x 5 pairs is scored once"


@pytest.mark.parametrize(("ending", "encoding"), [("\n", "utf-8"), ("\r\n", "utf-8-sig"), ("\r", "utf-8")])
def test_line_ends_and_byte_order_marks_of_any_system_are_read(tmp_path, ending, encoding):
    path = decoded(tmp_path, [(0.0, "Łódź"), (1.5, "it's\x85odd")], ending, encoding)
    assert [(word.onset, word.text) for word in read_decoded(path)] == [(0.0, "łódź"), (1.5, "it's\x85odd")]


def test_words_outside_of_the_story_are_counted_and_onsets_in_milliseconds_refused(tmp_path):
    reference, entries = story(tmp_path, 5)
    table = score_table(reference, decoded(tmp_path, [*entries, (-1.0, "before"), (100.0, "after")]), ["wer"])
    assert table.splitlines()[0].endswith("2 of 22 decoded words lie outside of the story")
    assert rows(table)["wer"][0] == "0.0000"
    with pytest.raises(InputError, match=r"no word of .* lies in the 100 s of .*; expected onsets in seconds"):
        score_table(reference, decoded(tmp_path, [(1000 * onset + 1e6, word) for onset, word in entries]), ["wer"])


def test_nothing_decoded_in_a_window_is_the_worst_score_there(tmp_path):
    reference, entries = story(tmp_path, 5)
    table = score_table(reference, decoded(tmp_path, entries[:4]), ["wer", "bleu1"])
    assert rows(table)["wer"][0] == "0.8000"
    assert rows(table)["bleu1"][0] == "0.2000"


def test_a_story_of_one_window_has_no_null(tmp_path):
    reference, entries = story(tmp_path, 1)
    with pytest.raises(InputError, match="1 window of 20 s with words; expected at least 2"):
        score_table(reference, decoded(tmp_path, entries), ["wer"])


def test_metrics_are_found_by_name_and_bertscore_needs_a_model():
    assert set(find_metrics(list(METRICS))) == set(METRICS)
    with pytest.raises(InputError, match="no metric; expected some of"):
        find_metrics([])
    with pytest.raises(InputError, match="did you mean 'bertscore'"):
        find_metrics(["bert-score"])
    with pytest.raises(InputError, match="bertscore without a model"):
        find_metrics(["wer", "bertscore"])
