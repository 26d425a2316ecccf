"""Released files with odd but legal content, and the corners of each reader."""

import json

import numpy as np
import pytest
from PIL import Image

from medsuite.core.errors import InputError
from medsuite.meda_kv.evaluate.released import RELEASED, Source, files, video
from medsuite.meda_kv.evaluate.released.longbench import TASKS
from medsuite.meda_kv.evaluate.released.milebench import DATASETS, GROUPS
from medsuite.meda_kv.evaluate.released.sample import PICTURE

ROW = {"input": "Who?", "context": "A story.", "answers": ["Austen"], "_id": "1", "all_classes": None}


def samples(task, path, *datasets, **more):
    return list(RELEASED[task](Source(path, datasets, **more)))


def lines(*rows, end="\n"):
    return "".join(json.dumps(row, ensure_ascii=False) + end for row in rows)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


LEGAL = {
    "windows line ends": lines(ROW, end="\r\n"),
    "no end of the last line": lines(ROW).rstrip("\n"),
    "empty lines": "\n" + lines(ROW) + "\n   \n",
    "a byte order mark": "\ufeff" + lines(ROW),
    "letters outside ascii": lines({**ROW, "context": "Ein Stück über 北京."}),
    "a line separator inside a text": lines({**ROW, "context": "one\u2028two\x85three"}),
    "more fields than are known": lines({**ROW, "license": "x", "length": None}),
    "one answer that is a number": lines({**ROW, "answers": [7]}),
}


@pytest.mark.parametrize("case", LEGAL)
def test_legal_lines_are_read(case, tmp_path):
    (sample,) = samples("longbench", write(tmp_path / "hotpotqa.jsonl", LEGAL[case]))
    assert sample.unit == "hotpotqa 1"
    assert "Who?" in sample.question


def test_a_file_in_another_encoding_is_refused_in_one_line(tmp_path):
    file = write(tmp_path / "hotpotqa.jsonl", lines({**ROW, "context": "Stück"}).encode("latin-1"))
    with pytest.raises(InputError, match=r"hotpotqa\.jsonl is not UTF-8") as caught:
        samples("longbench", file)
    assert "\n" not in str(caught.value)


def test_a_list_behind_a_byte_order_mark_is_read(tmp_path):
    assert list(files.read_rows(write(tmp_path / "x.json", '\ufeff[{"a": 1}]'))) == [{"a": 1}]


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_rows_are_the_same_from_a_list_and_from_lines(ending, tmp_path):
    rows = [{"a": 1}, {"a": [2, {"b": None}]}]
    text = json.dumps(rows) if ending == "json" else lines(*rows)
    assert list(files.read_rows(write(tmp_path / f"x.{ending}", text))) == rows


def test_more_rows_than_a_batch_are_read_from_a_table_in_order(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    rows = [{"number": number} for number in range(2 * files.BATCH + 3)]
    write_table(pyarrow.Table.from_pylist(rows), tmp_path / "t.parquet")
    assert list(files.read_rows(tmp_path / "t.parquet")) == rows


def test_a_missing_field_is_named_with_those_that_are_there():
    assert files.field({"a": None, "b": 0}, ("a", "b"), "row 1") == 0
    with pytest.raises(InputError, match="row 1 has no field 'c' or 'd'; its fields are a, b"):
        files.field({"b": 1, "a": 2}, ("c", "d"), "row 1")


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1", "I;16"])
def test_pictures_of_any_mode_are_opened_in_colour(mode, tmp_path):
    Image.new(mode, (3, 2)).save(tmp_path / "p.png")
    opened = files.open_picture(tmp_path / "p.png")
    assert (opened.mode, opened.size) == ("RGB", (3, 2))


@pytest.mark.parametrize("layout", ["data/hotpotqa.jsonl", "hotpotqa.jsonl"])
@pytest.mark.parametrize("config", ["config", "../config"])
def test_the_releases_prompts_are_found_beside_or_above_the_data(layout, config, tmp_path):
    root = tmp_path / "root"
    write(root / layout, lines(ROW))
    write(root / config / "dataset2prompt.json", json.dumps({"hotpotqa": "P {context} Q {input}"}))
    (sample,) = samples("longbench", root)
    assert (sample.context, sample.question) == ("P A story.", " Q Who?")


def test_braces_in_a_text_are_no_places_of_the_prompt(tmp_path):
    odd = {**ROW, "input": "{context}?", "context": "f'{input}' {x}"}
    (sample,) = samples("longbench", write(tmp_path / "lcc.jsonl", lines(odd)))
    assert sample.context.endswith("f'{input}' {x}")


def test_a_question_that_stands_before_the_text_may_hold_any_word(tmp_path):
    write(tmp_path / "config" / "dataset2prompt.json", json.dumps({"hotpotqa": "Q {input}\nP {context}\nA"}))
    write(tmp_path / "hotpotqa.jsonl", lines({**ROW, "input": "What is {context}?"}))
    (sample,) = samples("longbench", tmp_path)
    assert (sample.context, sample.question) == ("Q What is {context}?\nP A story.", "\nA")


def test_files_that_are_no_data_set_are_passed_over_and_even_ones_counted_by_their_file(tmp_path):
    for name in ("hotpotqa", "hotpotqa_e", "notes"):
        write(tmp_path / f"{name}.jsonl", lines(ROW))
    assert [sample.unit for sample in samples("longbench", tmp_path)] == ["hotpotqa 1", "hotpotqa_e 1"]
    assert [sample.unit for sample in samples("longbench", tmp_path, "hotpotqa_e")] == ["hotpotqa_e 1"]


def test_the_data_sets_are_graded_and_cut_as_the_release_says():
    """Lengths of `dataset2maxlen.json`; few-shot and code sets are no chat."""
    most = {name: task.most for name, task in TASKS.items()}
    assert [most[name] for name in ("narrativeqa", "multifieldqa_zh", "hotpotqa", "gov_report", "lcc")] == [
        128,
        64,
        32,
        512,
        64,
    ]
    plain = {name for name, task in TASKS.items() if not task.turn}
    assert plain == {"trec", "triviaqa", "samsum", "lsht", "lcc", "repobench-p"}
    assert {name for name, task in TASKS.items() if task.first_line} == plain - {"lcc", "repobench-p"}
    assert len(TASKS) == 21


QUESTIONS = {
    "niah_multikey_2": (
        "Hidden.\nWhat is it? \nWhat is the special magic number",
        "\nWhat is the special magic number",
        128,
    ),
    "vt": ("VAR A = 1\nQuestion: which?", "\nQuestion: which?", 30),
    "cwe": ("1. a 2. b\nQuestion: common?", "\nQuestion: common?", 120),
    "fwe": ("a b a\nQuestion: frequent?", "\nQuestion: frequent?", 50),
    "qa_2": ("Docs.\nAnswer the question based on", "\nAnswer the question based on", 32),
}


@pytest.mark.parametrize("task", QUESTIONS)
def test_each_family_of_ruler_is_split_at_the_last_of_its_words(task, tmp_path):
    text, question, most = QUESTIONS[task]
    write(tmp_path / task / "validation.jsonl", lines({"input": text, "outputs": ["x"]}))
    (sample,) = samples("ruler", tmp_path / task)
    assert (sample.unit, sample.question, sample.most) == (f"{task} 0", question, most)
    assert sample.context + sample.question == text
    assert not sample.turn


@pytest.mark.parametrize(("text", "context"), [("one\ntwo\nthree\n", "one\ntwo"), ("one line", ""), ("\nx", "")])
def test_a_text_without_those_words_is_split_at_its_last_line(text, context, tmp_path):
    (sample,) = samples("ruler", write(tmp_path / "qa_1.jsonl", lines({"input": text, "outputs": ["x"]})))
    assert (sample.context, sample.context + sample.question) == (context, text)


def test_a_row_of_an_unknown_task_is_refused(tmp_path):
    file = write(tmp_path / "qa_1.jsonl", lines({"input": "a", "outputs": ["b"], "task": "sums"}))
    with pytest.raises(InputError, match="task of RULER 'sums'"):
        samples("ruler", file)


def test_a_folder_gives_rulers_tasks_in_their_order_as_far_as_they_are_there(tmp_path):
    for task in ("vt", "qa_1", "niah_single_2"):
        write(tmp_path / task / "validation.jsonl", lines({"index": 5, "input": "a\nb", "outputs": "one"}))
    assert [sample.unit for sample in samples("ruler", tmp_path)] == ["niah_single_2 5", "vt 5", "qa_1 5"]
    assert [sample.unit for sample in samples("ruler", tmp_path, "qa_1")] == ["qa_1 5"]
    assert samples("ruler", tmp_path, "vt")[0].grade("ONE") == 1.0


def mile(
    folder, name="IEdit", kind="open-ended", context="{image#1} what?", response="a dog", paths=("a.png",), **instance
):
    rows = [
        {
            "sample_id": "7",
            "task_instance": {"context": context, "images_path": list(paths), **instance},
            "response": response,
        }
    ]
    meta = {"task_instruction": ["Look.", "See."], "question_type": kind}
    write(folder / name / f"{name}.json", json.dumps({"meta_data": meta, "data": rows}))
    return folder


def test_one_data_sets_own_folder_and_its_file_are_read_alike(tmp_path):
    mile(tmp_path)
    units = [
        [sample.unit for sample in samples("milebench", tmp_path / path)] for path in ("", "IEdit", "IEdit/IEdit.json")
    ]
    assert units == [["IEdit 7"]] * 3


def test_pictures_without_places_come_first(tmp_path):
    (sample,) = samples("milebench", mile(tmp_path, context="what?", paths=("a.png", "b.png")))
    assert sample.context + sample.question == f"Look.\n{PICTURE}{PICTURE}what?"


def test_a_picture_may_be_shown_twice(tmp_path):
    (sample,) = samples("milebench", mile(tmp_path, context="{image#1} {image#1} same?"))
    assert sample.context.count(PICTURE) == 2


def test_a_needle_in_text_alone_has_no_context_of_its_own(tmp_path):
    (sample,) = samples("milebench", mile(tmp_path, "TextNeedleInAHaystack", context="Find it.", paths=()))
    assert (sample.context, sample.question, sample.most) == ("", "Look.\nFind it.", 16)
    assert (sample.grade("a dog"), sample.pictures()) == (0.0, ())


def test_choices_of_gpr1200_have_no_letters(tmp_path):
    choices = ["a dog", "a cat"]
    (sample,) = samples("milebench", mile(tmp_path, "GPR1200", "multi-choice", choice_list=choices))
    assert sample.question.endswith("Choice list:\na dog\na cat\nYour answer is:")
    assert (sample.grade("a dog"), sample.most) == (1.0, 16)


def test_mmcoqa_asks_for_the_words_anywhere(tmp_path):
    (sample,) = samples("milebench", mile(tmp_path, "MMCoQA"))
    assert (sample.grade("It is a dog, I think."), sample.grade("a cat")) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("kind", "choices", "message"),
    [("essay", None, "question_type 'essay'"), ("multi-choice", ["a cat"], "response 'a dog' is none of its choices")],
)
def test_samples_that_cannot_be_graded_are_named(kind, choices, message, tmp_path):
    with pytest.raises(InputError, match=f"IEdit 7.*{message}"):
        samples("milebench", mile(tmp_path, kind=kind, choice_list=choices))


def test_milebenchs_29_data_sets_are_in_three_groups():
    assert [len(names) for names in GROUPS.values()] == [13, 13, 3]
    assert len(set(DATASETS)) == 29


@pytest.mark.parametrize("folder", ["video", "data", "frames", ""])
@pytest.mark.parametrize("name", ["abc.mp4", "abc.webm", "001.mkv", "abc/0.png"])
def test_a_video_is_found_under_any_of_its_names_and_endings(folder, name, tmp_path):
    file = write(tmp_path / folder / name, b"x")
    expected = file.parent if file.suffix == ".png" else file
    assert video.find_video(tmp_path, ("abc", "001")) == expected


def test_a_folder_of_frames_is_read_in_the_order_of_its_names(tmp_path):
    for place, ending in enumerate(("png", "JPG", "jpeg")):
        Image.new("RGB", (8, 8), (60 * place,) * 3).save(tmp_path / f"{place}.{ending}")
    (tmp_path / "notes.txt").write_text("no frame")
    shown = [np.asarray(frame)[0, 0, 0] for frame in video.sample_frames(tmp_path, 3)]
    np.testing.assert_allclose(shown, [0, 60, 120], atol=2)


def test_a_folder_without_frames_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds no frames; expected pictures that end in \.jpg, \.jpeg, \.png"):
        video.sample_frames(tmp_path, 3)


@pytest.mark.parametrize("count", [1, 3, 7])
@pytest.mark.parametrize("length", [1, 2, 7, 100])
def test_frames_are_the_middles_of_equal_parts(length, count):
    places = video.spread(length, count)
    assert places.tolist() == [int((part + 0.5) * length / count) for part in range(count)]
    assert 0 <= places.min() <= places.max() < length
