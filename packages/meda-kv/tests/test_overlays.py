"""What was evicted, drawn over pictures and text, pixel by pixel and word by word."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from medsuite.meda_kv.evaluate import overlays
from medsuite.meda_kv.evaluate.details import ArmDetail, Detail

CELL, GAP = overlays.CELL, overlays.GAP


def png(colour, side=8):
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def detail(pictures, grid=(2, 2), marks=(), first=3):
    """Pictures of one colour each, whose tokens start at a column."""
    cells = grid[0] * grid[1]
    vision = list(range(first, first + cells * len(pictures)))
    return Detail("q", [], list(marks), vision, [grid] * len(pictures), [png(colour) for colour in pictures])


def arm(kept):
    return ArmDetail("a 0.5", "after", [0], [0.5], list(kept))


def pixels(drawn):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(drawn)))).astype(int)


@pytest.mark.parametrize(("count", "size"), [(1, (1, 1)), (6, (6, 1)), (7, (6, 2)), (13, (6, 3))])
def test_pictures_stand_in_rows_of_six(count, size):
    sheet = pixels(overlays.sheet(detail(["red"] * count), None))
    assert sheet.shape[:2] == tuple(each * (CELL + GAP) - GAP for each in reversed(size))


def test_each_picture_has_its_place_and_the_gaps_show_the_page():
    sheet = pixels(overlays.sheet(detail(["red", "lime", "blue"]), None))
    centres = [sheet[CELL // 2, place * (CELL + GAP) + CELL // 2, :3].tolist() for place in range(3)]
    assert centres == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    assert sheet[CELL // 2, CELL + GAP // 2, 3] == 0


def test_a_patch_is_mixed_with_grey_by_the_share_that_was_evicted():
    kept = np.ones(20)
    kept[3:7] = [1.0, 0.5, 0.0, 0.25]
    sheet = pixels(overlays.sheet(detail(["black"]), arm(kept)))
    quarter = CELL // 4
    found = [
        sheet[row * CELL // 2 + quarter, column * CELL // 2 + quarter, :3] for row in range(2) for column in range(2)
    ]
    for colour, share in zip(found, (1.0, 0.5, 0.0, 0.25), strict=True):
        expected = (1 - (0.12 + 0.88 * share)) * np.array(overlays.PAPER)
        np.testing.assert_allclose(colour, expected, atol=2)


def test_a_needle_is_framed_at_its_own_patch_only():
    plain, marked = (pixels(overlays.sheet(detail(["gray"], marks=marks), None)) for marks in ((), (5,)))
    rows, columns = (plain != marked).any(-1).nonzero()
    assert rows.min() >= CELL // 2 - 3
    assert columns.max() <= CELL // 2 + 3


def test_the_pictures_with_needles_replace_the_last_of_the_first():
    many = detail(["red"] * 30, grid=(1, 2), marks=[3 + 2 * 28, 3 + 2 * 4 + 1, 0])
    assert overlays._chosen_pictures(many) == [*range(23), 28]


def test_pictures_that_do_not_account_for_every_vision_token_are_not_drawn():
    whole = detail(["red", "lime"])
    assert overlays.can_draw(whole)
    assert not overlays.can_draw(Detail("q", [], [], whole.vision[1:], whole.grids, whole.pictures))
    assert not overlays.can_draw(Detail("q", ["a"], [], [], [], []))


def words(count, marks=(), kept=None):
    text = [f"w{number}" for number in range(count)]
    return overlays.text_around_needles(Detail("q", text, list(marks), [], [], []), arm(kept or [0.5] * count))


def test_a_text_without_needles_is_shown_from_its_beginning():
    shown = words(400)
    assert [word.text for word in shown[:2]] == ["w0", "w1"]
    assert len(shown) == 3 * overlays.AROUND + 1
    assert shown[-1].text == ""


def test_a_short_text_is_shown_whole_and_without_a_gap():
    assert [word.text for word in words(4, marks=[2])] == ["w0", "w1", "w2", "w3"]


def test_between_distant_needles_stands_one_gap():
    shown = [word.text for word in words(500, marks=[50, 400])]
    assert shown.count("") == 2
    assert shown[shown.index("") - 1 : shown.index("") + 2] == ["w100", "", "w350"]


def test_shares_are_whole_percents_and_line_breaks_are_visible():
    shown = overlays.text_around_needles(Detail("q", ["a\n", "b"], [1], [], [], []), arm([0.126, 1.0]))
    assert [(word.text, word.kept, word.needle) for word in shown] == [("a↵", 13, False), ("b", 100, True)]


def test_a_question_behind_the_context_has_no_words_to_show():
    """Under the protocol with the question in the prompt more tokens are kept than the context has words."""
    assert [word.text for word in words(3, kept=[0.5] * 9)] == ["w0", "w1", "w2"]
