"""Readers of the released layouts, and what they say to whoever gives them something else."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from medsuite.core import tiny
from medsuite.core.errors import InputError, MedsuiteError
from medsuite.meda_kv import H2O, Budget, CrossModalEntropy, Drop, Protect, Recipe, SnapKV, Uniform, observing
from medsuite.meda_kv.constructed_vision import draw_lookup, key_word, value_word, vision_retrieval_model
from medsuite.meda_kv.evaluate.prompting import Opened, to_question
from medsuite.meda_kv.evaluate.questions import ask
from medsuite.meda_kv.evaluate.released import RELEASED, Source
from medsuite.meda_kv.evaluate.released.sample import PICTURE
from medsuite.meda_kv.evaluate.released.video import spread

SIDE = 4
OPENED = Opened(*vars(vision_retrieval_model(SIDE)).values(), "constructed")
LLAMA = Opened(tiny.llama().model, tiny.llama().processor, "tiny")


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def lines(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def samples(task, path, *datasets, **more):
    return list(RELEASED[task](Source(path, datasets, **more)))


LONG = {
    "input": "Who wrote it?",
    "context": "A long story. " * 30,
    "answers": ["Jane Austen", "Austen"],
    "length": 90,
    "dataset": "hotpotqa",
    "language": "en",
    "all_classes": None,
    "_id": "77",
}


def test_longbench_is_read_with_the_prompts_of_the_release(tmp_path):
    write(tmp_path / "data" / "hotpotqa.jsonl", lines(LONG))
    write(tmp_path / "config" / "dataset2prompt.json", {"hotpotqa": "Passages: {context} Question: {input} Answer:"})
    (sample,) = samples("longbench", tmp_path)
    assert sample.unit == "hotpotqa 77"
    assert sample.context == "Passages: " + LONG["context"]
    assert sample.question == " Question: Who wrote it? Answer:"
    assert (sample.most, sample.turn, sample.grade("It was Austen.")) == (32, True, pytest.approx(0.5))


def test_longbench_without_prompts_asks_plainly_and_examples_are_no_chat(tmp_path):
    row = {**LONG, "answers": ["Number"], "all_classes": ["Number", "Food"], "input": "Question: How many? Type:"}
    file = write(tmp_path / "trec_e.jsonl", lines(row))
    (sample,) = samples("longbench", file)
    assert LONG["context"] in sample.context
    assert "How many?" in sample.question
    assert (sample.turn, sample.grade("\nNumber\nFood")) == (False, 1.0)


def test_ruler_is_split_where_its_question_begins(tmp_path):
    text = "Some numbers are hidden.\nOne is 4417.\nWhat are all the special magic numbers for x?"
    write(tmp_path / "niah_single_1" / "validation.jsonl", lines({"index": 3, "input": text, "outputs": ["4417"]}))
    (sample,) = samples("ruler", tmp_path)
    assert (sample.unit, sample.context + sample.question, sample.most) == ("niah_single_1 3", text, 128)
    assert sample.question.startswith("\nWhat are all")
    assert sample.grade("They are 4417.") == 1.0


def test_ruler_with_parts_of_its_own_keeps_them(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    row = {"context": "c", "question": "q?", "answer_prefix": " It is", "answer": ["a", "b"], "task": "qa_1"}
    write_table(pyarrow.Table.from_pylist([row, {**row, "task": "vt"}]), tmp_path / "test.parquet")
    first, second = samples("ruler", tmp_path / "test.parquet")
    assert (first.context, first.question, first.opening, first.grade("B!")) == ("c", "q?", " It is", 1.0)
    assert second.grade("a") == 0.5
    assert len(samples("ruler", tmp_path / "test.parquet", "vt")) == 1


def milebench(folder, name, contexts, response="value3", kind="open-ended", **more):
    """Write a data set of two pictures a sample in the released layout."""
    rows = []
    for number, context in enumerate(contexts):
        lookup = draw_lookup(2, SIDE, np.random.default_rng(number))
        for place, picture in enumerate(lookup.pictures):
            path = folder / name / "images" / f"{number}_{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path)
        instance = {"context": context(lookup), "images_path": [f"{number}_0.png", f"{number}_1.png"], **more}
        reply = response(lookup) if callable(response) else response
        rows.append({"sample_id": number, "task_instruction_id": 0, "task_instance": instance, "response": reply})
    meta = {"task_instruction": ["Look at the pictures."], "question_type": kind}
    write(folder / name / f"{name}.json", {"meta_data": meta, "data": rows})
    return folder


def test_milebench_shows_its_pictures_at_their_places(tmp_path):
    milebench(tmp_path, "IEdit", [lambda _: "First {image#2} then {table#1} differ how?"])
    (sample,) = samples("milebench", tmp_path)
    assert sample.context == f"Look at the pictures.\nFirst {PICTURE} then {PICTURE}"
    assert sample.question == " differ how?"
    assert np.array_equal(
        np.asarray(sample.pictures()[0]), np.asarray(Image.open(tmp_path / "IEdit" / "images" / "0_1.png"))
    )
    assert sample.grade("Value3.") == 1.0


def test_milebench_lists_choices_with_letters(tmp_path):
    milebench(
        tmp_path,
        "action_sequence",
        [lambda _: "{image#1}{image#2} What next?"],
        "sits",
        "multi-choice",
        choice_list=["stands", "sits"],
    )
    (sample,) = samples("milebench", tmp_path, "action_sequence")
    assert sample.question == " What next?\nChoice list:\nA. stands\nB. sits\nYour answer is:"
    assert (sample.grade("B"), sample.grade("A")) == (1.0, 0.0)


def test_milebench_reads_pictures_that_were_put_together(tmp_path):
    milebench(tmp_path, "IEdit", [lambda _: "{image#1} and {image#2} differ how?"], combined_1_images=["0_0.png"])
    folder = tmp_path / "IEdit"
    (folder / "images").rename(folder / "combined_1_images")
    (folder / "IEdit.json").rename(folder / "IEdit_combined_1.json")
    (sample,) = samples("milebench", folder / "IEdit_combined_1.json")
    assert sample.context == f"Look at the pictures.\n{PICTURE}"
    assert sample.question == "\n<Image 1>  and <Image 2>  differ how?"
    assert len(sample.pictures()) == 1


def test_a_milebench_folder_is_answered_by_the_hand_set_model_exactly(tmp_path):
    """End to end in the released format: PNG files, processor, projector, cache, generation, needle match."""
    contexts = [
        lambda lookup: (
            "{image#1} {image#2} what stands at " + f"{key_word(lookup.asked[0])} : {key_word(lookup.asked[0])}"
        )
    ] * 3
    milebench(tmp_path, "ImageNeedleInAHaystack", contexts, lambda lookup: value_word(lookup.answers[0]))
    plan = Recipe(Budget(ratio=0.2), CrossModalEntropy(), SnapKV(queries=3, kernel=1), Drop(), Protect(sinks=0))
    with observing(OPENED.model, plan.observation()) as session:
        for sample in samples("milebench", tmp_path):
            question = to_question(OPENED, sample)
            scores = {(score.arm, score.protocol): score for score in ask(session, question, {"arm": plan})}
            assert scores["full", "after"].value == scores["full", "in prompt"].value == 1.0
            assert scores["arm", "in prompt"].value == 1.0
            assert scores["arm", "in prompt"].kept_share <= 0.2


def video_table(root, rows):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    (root / "videomme").mkdir(parents=True)
    write_table(pyarrow.Table.from_pylist(rows), root / "videomme" / "test-00000-of-00001.parquet")
    return root


VIDEO = {
    "video_id": "001",
    "duration": "short",
    "domain": "Knowledge",
    "sub_category": "Law",
    "url": "https://www.youtube.com/watch?v=abc",
    "videoID": "abc",
    "question_id": "001-1",
    "task_type": "Counting Problem",
    "question": "How many?",
    "options": ["A. one.", "B. two.", "C. three.", "D. four."],
    "answer": "B",
}


def frames(folder, count):
    folder.mkdir(parents=True)
    for place in range(count):
        Image.new("RGB", (8, 8), (10 * place, 0, 0)).save(folder / f"{place:03d}.png")


def test_video_mme_is_read_from_its_table_with_frames_evenly_spaced(tmp_path):
    video_table(tmp_path, [VIDEO, {**VIDEO, "duration": "long", "question_id": "002-1"}])
    frames(tmp_path / "video" / "abc", 8)
    (sample,) = samples("videomme", tmp_path, "short", frames=4)
    assert sample.unit == "short 001-1"
    assert sample.context == PICTURE * 4
    assert "How many?\nA. one.\nB. two." in sample.question
    assert [np.asarray(frame)[0, 0, 0] for frame in sample.pictures()] == [10, 30, 50, 70]
    assert (sample.grade("B."), sample.grade("D")) == (1.0, 0.0)


def test_video_mme_is_read_from_json_as_well(tmp_path):
    question = {"question_id": "9-1", "task_type": "x", "question": "Why?", "choices": ["A. a", "B. b"], "answer": "A"}
    video = {
        "video_id": "9",
        "duration_category": "medium",
        "video_category": "Law",
        "url": "",
        "questions": [question] * 2,
    }
    write(tmp_path / "all.json", [video])
    frames(tmp_path / "data" / "9", 2)
    first, second = samples("videomme", tmp_path)
    assert first.unit == second.unit == "medium 9-1"
    assert len(first.pictures()) == 8


def test_frames_of_a_video_file_are_those_at_the_middle_of_equal_parts(tmp_path):
    av = pytest.importorskip("av")
    video_table(tmp_path, [VIDEO])
    (tmp_path / "video").mkdir()
    with av.open(str(tmp_path / "video" / "abc.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=4)
        stream.width = stream.height = 32
        for place in range(12):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 20 * place, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    (sample,) = samples("videomme", tmp_path, frames=3)
    shown = [float(np.asarray(frame).mean()) for frame in sample.pictures()]
    np.testing.assert_allclose(shown, [40, 120, 200], atol=6)


@pytest.mark.parametrize(("length", "count", "places"), [(8, 4, [1, 3, 5, 7]), (3, 3, [0, 1, 2]), (2, 4, [0, 0, 1, 1])])
def test_frames_are_spread_over_the_whole_video(length, count, places):
    assert spread(length, count).tolist() == places


BAD = {
    "nothing there": ("longbench", lambda root: root / "none", (), "none does not exist"),
    "a folder without data": ("longbench", lambda root: root, (), "holds no data set of LongBench"),
    "a wrong name": ("longbench", lambda root: root, ("hotpotqq",), "did you mean 'hotpotqa'"),
    "a missing file": ("longbench", lambda root: root, ("qasper",), "qasper.jsonl does not exist"),
    "a cut line": ("longbench", lambda root: write(root / "qasper.jsonl", '{"input": "a", "con'), (), "cut off"),
    "an empty file": ("longbench", lambda root: write(root / "qasper.jsonl", ""), (), "holds no rows"),
    "a list for an object": ("longbench", lambda root: write(root / "qasper.jsonl", "[1]\n"), (), "expected an object"),
    "no answers": ("longbench", lambda root: write(root / "qasper.jsonl", lines({"context": "c"})), (), "'answers'"),
    "no task": ("ruler", lambda root: root, (), "holds no task of RULER"),
    "a wrong task": ("ruler", lambda root: root, ("niah_single_4",), "did you mean 'niah_single"),
    "another file": ("ruler", lambda root: write(root / "qa_1" / "validation.txt", "x"), (), "ends in .jsonl"),
    "no outputs": (
        "ruler",
        lambda root: write(root / "qa_1.jsonl", lines({"input": "a", "outputs": []})),
        (),
        "no outputs",
    ),
    "no sets": ("milebench", lambda root: root, (), "holds no data set of MileBench"),
    "a wrong set": ("milebench", lambda root: root, ("IEdti",), "did you mean 'IEdit'"),
    "no samples": ("milebench", lambda root: write(root / "x.json", {"meta_data": {}, "data": []}), (), "no samples"),
    "cut JSON": ("milebench", lambda root: write(root / "x.json", '{"data": ['), (), "download it again"),
    "no table": ("videomme", lambda root: root, (), "holds no table"),
    "a broken table": ("videomme", lambda root: write(root / "t.parquet", "PAR1"), (), "not a Parquet file"),
    "a wrong duration": ("videomme", lambda root: root, ("shrt",), "short, medium, long"),
    "a JSON object": ("videomme", lambda root: write(root / "t.json", {}), (), "expected a list"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told_in_one_line(case, tmp_path):
    task, make, datasets, message = BAD[case]
    with pytest.raises(MedsuiteError, match=message.replace("(", r"\(")) as caught:
        samples(task, make(tmp_path), *datasets)
    assert "\n" not in str(caught.value)


def test_a_picture_that_is_missing_or_damaged_is_named(tmp_path):
    milebench(tmp_path, "IEdit", [lambda _: "{image#1}{image#2} what?"])
    (tmp_path / "IEdit" / "images" / "0_1.png").write_bytes(b"no picture")
    (sample,) = samples("milebench", tmp_path)
    with pytest.raises(InputError, match=r"0_1.png is not a picture"):
        sample.pictures()
    (tmp_path / "IEdit" / "images" / "0_0.png").unlink()
    with pytest.raises(InputError, match=r"0_0.png does not exist"):
        sample.pictures()


def test_a_place_without_a_picture_is_named(tmp_path):
    milebench(tmp_path, "IEdit", [lambda _: "{image#3} what?"])
    with pytest.raises(InputError, match="shows picture 3 and names 2"):
        samples("milebench", tmp_path)


def test_a_video_that_is_missing_is_named(tmp_path):
    video_table(tmp_path, [VIDEO])
    (sample,) = samples("videomme", tmp_path)
    with pytest.raises(InputError, match="no video abc"):
        sample.pictures()


def test_a_video_that_is_cut_off_is_named(tmp_path):
    pytest.importorskip("av")
    video_table(tmp_path, [VIDEO])
    (tmp_path / "video").mkdir()
    (tmp_path / "video" / "abc.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42")
    (sample,) = samples("videomme", tmp_path)
    with pytest.raises(InputError, match=r"abc\.mp4 is not a video that can be read"):
        sample.pictures()


def test_a_text_model_refuses_pictures(tmp_path):
    milebench(tmp_path, "IEdit", [lambda _: "{image#1}{image#2} what?"])
    (sample,) = samples("milebench", tmp_path)
    with pytest.raises(InputError, match="tiny takes none"):
        to_question(LLAMA, sample)


def long_sample(tmp_path):
    (sample,) = samples("longbench", write(tmp_path / "hotpotqa.jsonl", lines(LONG)))
    return sample


def test_a_long_text_loses_its_middle(tmp_path):
    whole = to_question(LLAMA, long_sample(tmp_path))
    cut = to_question(LLAMA, long_sample(tmp_path), longest=100)
    kept = cut.context.shape[1]
    assert kept + cut.question.shape[1] + 1 == 101
    half = kept // 2
    assert torch.equal(cut.context[:, : kept - half], whole.context[:, : kept - half])
    assert torch.equal(cut.context[:, kept - half :], whole.context[:, whole.context.shape[1] - half :])


def test_the_last_token_of_the_prompt_is_read_behind_the_compressed_cache(tmp_path):
    question = to_question(LLAMA, long_sample(tmp_path))
    tail = torch.cat([question.question, question.opening], dim=1)
    assert question.opening.shape == (1, 1)
    assert LLAMA.tokenizer.decode(tail[0]).endswith("assistant\n")


def test_written_answers_are_those_of_generate_when_everything_is_kept(tmp_path):
    question = to_question(LLAMA, long_sample(tmp_path))
    plan = Recipe(Budget(ratio=0.5), Uniform(), H2O())
    with observing(LLAMA.model, plan.observation()) as session:
        scores = [score for score in ask(session, question, {}) if score.arm == "full"]
    prompt = torch.cat([question.context, question.question, question.opening], dim=1)
    out = LLAMA.model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=32, do_sample=False)
    expected = LLAMA.tokenizer.decode(out[0, prompt.shape[1] :], skip_special_tokens=True)
    assert {score.text for score in scores} == {expected}
    assert len(scores) == 2


@pytest.mark.parametrize("family", ["llava", "qwen2_vl"])
def test_a_vision_language_model_answers_alike_whenever_the_question_comes(family, tmp_path):
    """Random weights: the wiring of pictures, positions and both protocols, not what is answered."""
    model = getattr(tiny, family)()
    opened = Opened(model.model, model.processor, family)
    milebench(tmp_path, "IEdit", [lambda _: "{image#1} then {image#2} differ how?"])
    question = to_question(opened, samples("milebench", tmp_path)[0])
    plan = Recipe(Budget(ratio=0.4), CrossModalEntropy(), H2O())
    with observing(opened.model, plan.observation()) as session:
        scores = {(score.arm, score.protocol): score for score in ask(session, question, {"half": plan})}
    whole = torch.cat([question.context, question.question, question.opening], dim=1)
    inputs = {**question.inputs}
    if "mm_token_type_ids" in inputs:
        extra = whole.shape[1] - question.context.shape[1]
        inputs["mm_token_type_ids"] = torch.nn.functional.pad(inputs["mm_token_type_ids"], (0, extra))
    out = opened.model.generate(
        whole, attention_mask=torch.ones_like(whole), **inputs, max_new_tokens=128, do_sample=False
    )
    expected = opened.tokenizer.decode(out[0, whole.shape[1] :], skip_special_tokens=True)
    assert scores["full", "in prompt"].text == scores["full", "after"].text == expected
    assert scores["half", "after"].kept_share == pytest.approx(0.4, abs=0.01)
