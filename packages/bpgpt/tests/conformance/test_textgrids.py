"""The reader against praatio and textgrid, on files that these libraries write and on files that both read."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medsuite.bpgpt.data.textgrid import Interval, read_tiers, read_words

praat = pytest.importorskip("praatio.textgrid")
grids = pytest.importorskip("textgrid")

labels = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=6)
LENGTHS = st.integers(1, 400)


@st.composite
def tiers(draw):
    """Tiers of words without gaps; times in hundredths of a second."""
    rows, at = [], 0
    for length, label in draw(st.lists(st.tuples(LENGTHS, labels), min_size=1, max_size=8)):
        rows.append((at / 100, (at + length) / 100, label))
        at += length
    return rows


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tiers(), st.sampled_from(["short_textgrid", "long_textgrid"]))
def test_what_praatio_writes_is_read_back(tmp_path, rows, form):
    grid = praat.Textgrid()
    end = rows[-1][1]
    grid.addTier(praat.IntervalTier("phone", [(0, end, "AH0")], 0, end))
    grid.addTier(praat.IntervalTier("word", rows, 0, end))
    path = tmp_path / "story.TextGrid"
    grid.save(str(path), format=form, includeBlankSpaces=True)
    read = read_tiers(path)
    assert list(read) == ["phone", "word"]
    assert [entry.label for entry in read["word"]] == [label for _, _, label in rows]
    for entry, (start, stop, _) in zip(read["word"], rows, strict=True):
        assert (entry.start, entry.end) == pytest.approx((start, stop))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tiers())
def test_what_textgrid_writes_is_read_back(tmp_path, rows):
    tier = grids.IntervalTier("word", 0, rows[-1][1])
    for row in rows:
        tier.add(*row)
    grid = grids.TextGrid(maxTime=rows[-1][1])
    grid.append(tier)
    grid.write(str(tmp_path / "story.TextGrid"))
    assert read_tiers(tmp_path / "story.TextGrid")["word"] == [Interval(*row) for row in rows]


def test_gaps_that_praatio_fills_are_silences(tmp_path):
    grid = praat.Textgrid()
    grid.addTier(praat.IntervalTier("word", [(0.5, 1.0, "KING"), (2.0, 2.5, "HID")], 0, 3))
    grid.save(str(tmp_path / "story.TextGrid"), format="long_textgrid", includeBlankSpaces=True)
    assert [(word.text, word.onset) for word in read_words(tmp_path / "story.TextGrid")] == [
        ("king", 0.5),
        ("hid", 2.0),
    ]
