import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medsuite.core.errors import InputError, ResumeError
from medsuite.med_r1.data.huatuo import write_huatuo
from medsuite.med_r1.runs import TrainingRun, last_checkpoint
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
