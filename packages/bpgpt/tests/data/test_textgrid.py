"""The reader against files in Praat's three forms, which say the same."""

import pytest

from medsuite.bpgpt.data.textgrid import Interval, Word, is_word, read_tiers, read_words
from medsuite.core.errors import InputError

PHONES = [(0.0, 0.2, "DH"), (0.2, 0.5, "AH0"), (0.5, 2.0, 'said "no"')]
WORDS = [(0.0, 0.5, "the"), (0.5, 0.7, "sp"), (0.7, 1.5, "KING"), (1.5, 2.0, "{BR}")]
TIERS = [("phone", PHONES), ("word", WORDS)]


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


def long_form(tiers=TIERS):
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", "xmax = 2", "tiers? <exists>"]
    lines += [f"size = {len(tiers)}", "item []:"]
    for number, (name, entries) in enumerate(tiers, start=1):
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f"        name = {quoted(name)}"]
        lines += ["        xmin = 0", "        xmax = 2", f"        intervals: size = {len(entries)}"]
        for index, (start, end, label) in enumerate(entries, start=1):
            lines += [f"        intervals [{index}]:", f"            xmin = {start}", f"            xmax = {end}"]
            lines += [f"            text = {quoted(label)}"]
    return "\n".join(lines) + "\n"


def short_form():
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", "2", "<exists>", str(len(TIERS))]
    for name, entries in TIERS:
        lines += ['"IntervalTier"', quoted(name), "0", "2", str(len(entries))]
        lines += [line for start, end, label in entries for line in (str(start), str(end), quoted(label))]
    return "\n".join(lines) + "\n"


def chronological_form():
    lines = ['"Praat chronological TextGrid text file"', "0 2   ! Time domain.", f"{len(TIERS)}   ! Number of tiers."]
    lines += [f'"IntervalTier" {quoted(name)} 0 2' for name, _ in TIERS]
    entries = [(start, tier, end, label) for tier, (_, rows) in enumerate(TIERS, start=1) for start, end, label in rows]
    for start, tier, end, label in sorted(entries):
        lines += ["", f"! {TIERS[tier - 1][0]}, 1 of 2:", f"{tier} {start} {end}", quoted(label)]
    return "\n".join(lines) + "\n"


@pytest.fixture
def write(tmp_path):
    def writer(text, encoding="utf-8", name="story.TextGrid"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return writer


@pytest.mark.parametrize("form", [long_form, short_form, chronological_form])
def test_the_three_forms_hold_the_same_tiers(write, form):
    assert read_tiers(write(form())) == {name: [Interval(*entry) for entry in entries] for name, entries in TIERS}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_encoding_and_byte_order_mark_is_read(write, encoding):
    assert [word.text for word in read_words(write(long_form(), encoding))] == ["the", "king"]


def test_words_are_lower_case_and_silences_and_noises_are_none(write):
    assert read_words(write(short_form())) == [Word("the", 0.0, 0.5), Word("king", 0.7, 1.5)]


def test_an_old_file_in_latin_1_is_read(write):
    path = write(short_form().replace("KING", "café"), "latin-1")
    assert [word.text for word in read_words(path)] == ["the", "café"]


def test_points_and_overlapping_intervals_are_read_over(write):
    overlapping = [("word", [(0.4, 1.0, "second"), (0.0, 0.6, "first")])]
    text = long_form(overlapping).replace("size = 1\nitem []:", "size = 2\nitem []:", 1)
    text += '    item [2]:\n        class = "TextTier"\n        name = "clicks"\n        xmin = 0\n        xmax = 2\n'
    text += '        points: size = 1\n        points [1]:\n            number = 0.5\n            mark = "x"\n'
    assert [word.text for word in read_words(write(text))] == ["first", "second"]


@pytest.mark.parametrize(
    ("label", "word"),
    [("don't", True), ("sp", False), ("{NS_laugh}", False), ("", False), ("uh", True), ("SENTENCE_START", False)],
)
def test_tags_are_told_from_words(label, word):
    assert is_word(label) is word


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
@pytest.mark.parametrize("form", [long_form, short_form, chronological_form])
def test_line_ends_of_any_system_are_read(write, form, ending):
    path = write(form().replace("\n", ending))
    assert [word.text for word in read_words(path)] == ["the", "king"]


@pytest.mark.parametrize(("start", "end"), [(1.5, 0.7), (0.7, "1e999")])
def test_an_interval_that_ends_before_it_begins_or_never_is_damage(write, start, end):
    with pytest.raises(InputError, match="is damaged"):
        read_words(write(long_form([("word", [(0.0, 0.5, "the"), (start, end, "king")])])))


@pytest.mark.parametrize("form", [long_form, short_form, chronological_form])
def test_a_file_that_is_cut_off_says_so(write, form):
    text = form()
    with pytest.raises(InputError, match="ends in the middle"):
        read_words(write(text[: text.rindex("1.5")]))


def test_a_file_without_words_names_its_tiers(write):
    with pytest.raises(InputError, match="has the tiers phone; expected a tier called word"):
        read_words(write(long_form(TIERS[:1])))


def test_another_file_and_a_missing_file_say_so(write, tmp_path):
    with pytest.raises(InputError, match="is no TextGrid"):
        read_words(write("once upon a time"))
    with pytest.raises(InputError, match=r"cannot read .*none\.TextGrid"):
        read_words(tmp_path / "none.TextGrid")
