import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medsuite.core.errors import InputError, ResumeError
from medsuite.med_r1 import read
from medsuite.med_r1.data.huatuo import write_huatuo
from medsuite.med_r1.runs import TrainingRun, last_checkpoint, predict_file, read_answers
from medsuite.med_r1.simulation import simulate


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("set") / "questions"
    parts = [simulate(6, name, np.random.default_rng(0), side=28) for name in ("MR", "film")]
    write_huatuo(parts, path)
    return path


@pytest.fixture
def training(policy, folder):
    return TrainingRun(
        file=folder / "questions.json", layout="huatuo", images=folder, subset="MR", model=str(policy.folder),
        arm="empty-think", style="compact", steps=4, learning_rate=1e-2, prompts=2, generations=2, beta=0.0,
        new_tokens=4, save_every=1, seed=0,
    )  # fmt: skip


def weights(folder):
    return (folder / "model.safetensors").read_bytes()


def checkpoint(folder, number, whole=True):
    path = folder / f"checkpoint-{number}"
    path.mkdir(parents=True)
    if whole:
        (path / "trainer_state.json").write_text(json.dumps({"global_step": number}))
    return path


def test_the_newest_whole_checkpoint_counts(tmp_path):
    assert last_checkpoint(tmp_path) is None
    checkpoint(tmp_path, 9)
    newest = checkpoint(tmp_path, 10)
    checkpoint(tmp_path, 11, whole=False)
    assert last_checkpoint(tmp_path) == newest


def test_a_run_that_lost_its_end_goes_on_to_the_same_weights(training, tmp_path):
    whole = training.start(tmp_path / "a")
    stopped = training.start(tmp_path / "b")
    for name in ("model.safetensors", "checkpoint-4/trainer_state.json"):
        (stopped / name).unlink()
    assert last_checkpoint(stopped).name == "checkpoint-3"
    assert weights(training.start(tmp_path / "b")) == weights(whole)


def test_one_subset_is_trained_on(training, tmp_path):
    with pytest.raises(InputError, match="unknown subset 'CT'"):
        replace(training, subset="CT").start(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_policy_that_is_never_right_has_nothing_to_teach_itself(training, tmp_path):
    with pytest.raises(InputError, match="no targets"):
        replace(training, arm="own-samples").start(tmp_path / "run")


def test_another_run_s_folder_is_refused_before_the_model_is_looked_for(training, tmp_path):
    training.start(tmp_path)
    with pytest.raises(ResumeError, match=r"holds another run \(learning_rate: 0.01 -> 1.0, model"):
        replace(training, learning_rate=1.0, model="absent").start(tmp_path)


def test_a_run_says_what_a_step_consists_of(training):
    assert training.describe() == "4 steps of 2 questions"
    shown = replace(training, arm="grpo").describe()
    assert shown == "4 steps of 2 questions x 2 completions of at most 4 tokens, rate 0.01, beta 0"


@pytest.mark.parametrize(
    ("changes", "message"), [({"arm": "leter"}, "did you mean 'letter'"), ({"save_every": 0}, "0 steps between")]
)
def test_impossible_runs_are_refused(training, changes, message):
    with pytest.raises(InputError, match=message):
        replace(training, **changes)


def test_a_missing_file_leaves_nothing_behind(training, tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        replace(training, file=Path("absent.json")).start(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_torn_state_is_no_checkpoint(tmp_path):
    whole = checkpoint(tmp_path, 2)
    (checkpoint(tmp_path, 3) / "trainer_state.json").write_text('{"global_st')
    checkpoint(tmp_path, "last")
    assert last_checkpoint(tmp_path) == whole


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "0 steps of 2 questions"),
        ({"prompts": 0}, "4 steps of 0 questions"),
        ({"arm": "grpo", "prompts": 0}, "4 steps of 0 prompts"),
        ({"arm": "grpo", "generations": 1}, "1 generations"),
        ({"arm": "grpo", "new_tokens": 0}, "completions of 0 tokens"),
        ({"arm": "grpo", "beta": -0.1}, "beta -0.1"),
        ({"learning_rate": 0.0}, "learning rate 0"),
        ({"learning_rate": float("nan")}, "learning rate nan"),
        ({"seed": -1}, "seed -1"),
        ({"seed": 2**32}, "seed 4294967296"),
    ],
)
def test_numbers_that_train_nothing_are_refused_before_anything_is_read(training, changes, message):
    with pytest.raises(InputError, match=message):
        replace(training, file=Path("absent.json"), **changes)


def test_a_run_does_not_go_on_with_other_questions_or_another_base(training, tmp_path, policy):
    """The paths are the same; what lies there is not."""
    file, model = tmp_path / "questions.json", tmp_path / "base"
    entries = json.loads(training.file.read_text())
    file.write_text(json.dumps(entries))
    shutil.copytree(policy.folder, model)
    run = replace(training, file=file, model=str(model), steps=1)
    run.start(tmp_path / "run")

    entries[0]["question"] += " now"
    entries[0].pop("problem")
    file.write_text(json.dumps(entries))
    with pytest.raises(ResumeError, match=r"holds another run \(data: [0-9a-f]{16} -> [0-9a-f]{16}\)"):
        run.start(tmp_path / "run")
    file.write_text(training.file.read_text())
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"note": "trained further"}))
    with pytest.raises(ResumeError, match=r"\(weights: [0-9a-f]{16} -> [0-9a-f]{16}\)"):
        run.start(tmp_path / "run")


def test_questions_with_two_right_letters_are_not_trained_on(training, tmp_path):
    entries = json.loads(training.file.read_text())
    first = entries[0]
    first["options"] = [*first["options"][:-1], f" {first['answer'].upper()}."]
    if first["answer"] not in first["options"]:
        first["options"][0] = first["answer"]
    for name in ("problem", "solution"):
        first.pop(name)
    path = tmp_path / "questions.json"
    path.write_text(json.dumps(entries))
    with pytest.raises(InputError, match="1 questions have two right letters, such as 0"):
        replace(training, file=path).start(tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.fixture
def asked(policy, folder, tmp_path):
    questions = read(folder / "questions.json", images=folder)
    out = tmp_path / "answers.jsonl"
    assert predict_file(str(policy.folder), questions, out, "compact", 3, 8) == 12
    return questions, out


def test_answers_are_believed_for_the_questions_that_were_asked_alone(policy, asked):
    """Ids are numbers of lines, which another file has as well."""
    questions, out = asked
    other = replace(questions, questions=tuple(question.rotated(1) for question in questions))
    with pytest.raises(ResumeError, match="an answer to another question 0"):
        predict_file(str(policy.folder), other, out, "compact", 3, 8)
    with pytest.raises(InputError, match="answers another question 0"):
        read_answers(out, other)
    assert len(read_answers(out, questions).texts) == 12


def test_completions_of_another_length_are_not_mixed(policy, asked):
    questions, out = asked
    with pytest.raises(ResumeError, match="'new_tokens': 3"):
        predict_file(str(policy.folder), questions, out, "compact", 4, 8)
    for numbers in ((0, 8), (3, 0)):
        with pytest.raises(InputError, match="at least 1 of each"):
            predict_file(str(policy.folder), questions, out, "compact", *numbers)


def test_answers_that_another_program_wrote_are_scored(asked, tmp_path):
    questions, _ = asked
    path = tmp_path / "other.jsonl"
    path.write_text(
        "".join(json.dumps({"id": q.id, "answer": f"<answer>{q.letter}</answer>"}) + "\n" for q in questions)
    )
    assert read_answers(path, questions).accuracy() == 1
    path.write_text("[1]\n")
    # The core's reader promises objects: where types are checked at run time it refuses others by a TypeError.
    with pytest.raises((InputError, TypeError)):
        read_answers(path, questions)


def test_the_hash_of_a_set_changes_with_every_part_of_it_and_with_nothing_else(asked):
    questions, _ = asked
    first = questions.questions[0]
    changed = [
        replace(first, question="Other?"), replace(first, image="other.png"), first.rotated(1), replace(first, id="x"),
        replace(first, subset="CT"), replace(first, answer=(first.answer + 1) % len(first.options)),
    ]  # fmt: skip
    digests = {replace(questions, questions=(each, *questions.questions[1:])).digest for each in (first, *changed)}
    assert len(digests) == 1 + len(changed)
    assert replace(questions, pictures={}).digest == questions.digest
