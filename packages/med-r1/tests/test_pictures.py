import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from medsuite.core.errors import InputError
from medsuite.med_r1 import Question, QuestionSet, blank, swapped
from medsuite.med_r1.pictures import FolderPictures, GreyPictures, NoPictures, read_picture

ODD = "images/000153 (4)-52%11é.png"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    Image.fromarray(np.full((30, 40), 128, np.uint8)).save(tmp_path / ODD)
    return tmp_path


def test_a_name_is_taken_letter_by_letter(folder):
    pictures = FolderPictures(folder, [ODD, ODD])
    assert list(pictures) == [ODD]
    assert (pictures[ODD].size, pictures[ODD].mode) == ((40, 30), "RGB")
    with pytest.raises(KeyError):
        pictures["images/000153 (4)-52%2511.png"]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "CMYK", "I;16"])
def test_pictures_of_any_mode_come_as_rgb(tmp_path, mode):
    path = tmp_path / f"picture.{'tiff' if mode == 'CMYK' else 'png'}"
    ramp = np.tile(np.arange(32, dtype=np.uint8) * 8, (32, 1))
    picture = Image.fromarray(ramp.astype(np.uint16) * 256) if mode == "I;16" else Image.fromarray(ramp).convert(mode)
    picture.save(path)
    read = read_picture(path)
    assert read.mode == "RGB"
    shades = np.asarray(read.convert("L")).astype(int)
    assert shades[0, -1] > shades[0, 0] + 100


def test_missing_cut_and_thin_files_are_named(folder):
    with pytest.raises(InputError, match=r"1 of 2 pictures are not in .* 'images/b.png'"):
        FolderPictures(folder, [ODD, "images/b.png"])
    with pytest.raises(InputError, match="is no folder"):
        FolderPictures(folder / "absent", [])
    (folder / "cut.png").write_bytes((folder / ODD).read_bytes()[:60])
    with pytest.raises(InputError, match=r"cut\.png"):
        read_picture(folder / "cut.png")
    Image.fromarray(np.zeros((1, 300), np.uint8)).save(folder / "thin.png")
    with pytest.raises(InputError, match="300 x 1 pixels"):
        read_picture(folder / "thin.png")


def test_a_blank_picture_is_its_own_mean_and_keeps_its_size(simulated):
    question = simulated.questions[0]
    picture, empty = simulated.picture(question), blank(simulated).picture(question)
    assert empty.size == picture.size
    shades = np.unique(np.asarray(empty))
    assert shades.tolist() == [round(np.asarray(picture.convert("L")).mean())]


def test_swapping_gives_every_question_another_picture_of_its_subset(simulated, rng):
    moved = swapped(simulated, rng)
    before = {question.id: question.image for question in simulated}
    assert all(before[question.id] != question.image for question in moved)
    assert sorted(question.image for question in moved) == sorted(before.values())
    assert [question.answer for question in moved] == [question.answer for question in simulated]


def test_one_picture_cannot_be_swapped(question, rng):
    alone = QuestionSet((question,), GreyPictures(["a.png"], np.zeros((1, 4, 4), np.uint8)))
    with pytest.raises(InputError, match="at least 2 to swap"):
        swapped(alone, rng)


def test_a_set_read_for_its_text_says_so_when_a_picture_is_asked_for():
    assert len(NoPictures()) == 0
    with pytest.raises(InputError, match="read without pictures"):
        NoPictures()["a.png"]


def test_a_photograph_is_turned_as_its_camera_says(tmp_path):
    picture = Image.fromarray(np.tile(np.arange(40, dtype=np.uint8) * 6, (20, 1)))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    picture.save(tmp_path / "turned.jpg", exif=exif)
    assert read_picture(tmp_path / "turned.jpg").size == (20, 40)


@pytest.mark.parametrize(("shape", "fits"), [((1, 1), True), ((1, 200), True), ((1, 201), False), ((402, 2), False)])
def test_the_thinnest_picture_is_what_processors_take(tmp_path, shape, fits):
    Image.fromarray(np.zeros(shape, np.uint8)).save(tmp_path / "a.png")
    if fits:
        assert read_picture(tmp_path / "a.png").size == shape[::-1]
    else:
        with pytest.raises(InputError, match="within a factor of 200"):
            read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("content", [b"", b"GIF", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_a_file_that_is_no_picture_is_named(tmp_path, content):
    (tmp_path / "broken.png").write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.png"):
        read_picture(tmp_path / "broken.png")


@given(st.integers(2, 12), st.integers(0, 999))
def test_swapping_moves_pictures_along_one_cycle_and_shared_ones_together(count, seed):
    rng = np.random.default_rng(seed)
    names = [f"p{number}" for number in range(count)]
    items = tuple(
        Question(f"q{place}", names[place % count], "What?", ("a", "b"), place % 2, "MR") for place in range(2 * count)
    )
    moved = swapped(QuestionSet(items, GreyPictures(names, np.zeros((count, 4, 4), np.uint8))), rng)
    partner = {}
    for before, after in zip(items, moved, strict=True):
        assert partner.setdefault(before.image, after.image) == after.image, "one picture has one partner"
    place, seen = names[0], set()
    while place not in seen:
        seen.add(place)
        place = partner[place]
    assert len(seen) == count
