import json
import re
import subprocess
import sys

import numpy as np
import pytest

from medsuite.core.cli import main
from medsuite.med_r1.data.huatuo import write_huatuo
from medsuite.med_r1.simulation import simulate


def call(capsys, code, *words):
    with pytest.raises(SystemExit) as stop:
        main(["med-r1", *(str(word) for word in words)])
    assert stop.value.code == code
    return capsys.readouterr()


def succeed(capsys, *words):
    return call(capsys, 0, *words).out


def fail(capsys, *words):
    text = call(capsys, 2, *words).err
    assert text.startswith("medsuite: ")
    assert text.count("\n") == 1
    return text


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("set") / "questions"
    write_huatuo([simulate(8, "MR", np.random.default_rng(0), side=28)], path)
    return path


def model_words(policy, folder):
    return [folder / "questions.json", "--images", folder, "--model", policy.folder, "--style", "compact"]


def test_simulated_questions_are_written_and_audited(capsys, tmp_path):
    words = ["--count", 60, "--modality", "film", "--side", 28]
    assert "60 questions in" in succeed(capsys, "data", "simulate", "--out", tmp_path / "a", *words)
    assert "usable" in succeed(capsys, "data", "audit", tmp_path / "a" / "questions.json")
    succeed(capsys, "data", "simulate", "--out", tmp_path / "b", "--shortcut", 1, *words)
    assert "text-solvable" in call(capsys, 1, "data", "audit", tmp_path / "b" / "questions.json").out


def test_the_released_rewards_have_no_hole(capsys):
    shown = succeed(capsys, "probe")
    assert "an honest guess is paid 1.25" in shown
    assert "answer inside think" in shown


def test_a_reward_of_the_format_alone_pays_for_saying_nothing(capsys):
    shown = call(capsys, 1, "probe", "--reward", "format").out
    assert "paid as much or more: all letters, empty answer, empty everything" in shown


def test_answers_are_written_once_and_scored(capsys, policy, folder, tmp_path):
    words = [*model_words(policy, folder), "--new-tokens", 4, "--out", tmp_path / "answers.jsonl"]
    assert "8 questions asked" in succeed(capsys, "predict", *words)
    lines = (tmp_path / "answers.jsonl").read_text().splitlines()
    (tmp_path / "answers.jsonl").write_text("\n".join(lines[:5]) + '\n{"id": "7", "ans')
    assert "3 questions asked" in succeed(capsys, "predict", *words)
    assert (tmp_path / "answers.jsonl").read_text().splitlines() == lines
    shown = succeed(capsys, "report", tmp_path / "answers.jsonl", folder / "questions.json")
    assert shown.splitlines()[1].split()[:2] == ["MR", "8"]


def test_evaluate_prints_the_controls_and_writes_every_completion(capsys, policy, folder, tmp_path):
    words = [*model_words(policy, folder), "--new-tokens", 4, "--out", tmp_path / "all.json"]
    shown = succeed(capsys, "evaluate", *words)
    assert all(name in shown for name in ("swapped", "circular", "options", "compliance"))
    assert set(json.loads((tmp_path / "all.json").read_text())["completions"]) >= {"answers", "blank", "rotated 3"}


@pytest.mark.parametrize("arm", ["grpo", "letter"])
def test_training_resumes_where_it_stopped(capsys, policy, folder, tmp_path, arm):
    words = [*model_words(policy, folder), "--out", tmp_path / "run", "--arm", arm, "--new-tokens", 4]
    words += ["--steps", 2, "--prompts", 2, "--generations", 2, "--save-every", 1, "--beta", 0]
    assert "trained model in" in succeed(capsys, "train", *words)
    trained = tmp_path / "run" / "checkpoints"
    assert (trained / "model.safetensors").is_file()
    assert (trained / "checkpoint-2").is_dir()
    before = (trained / "model.safetensors").read_bytes()
    succeed(capsys, "train", *words)
    assert (trained / "model.safetensors").read_bytes() == before
    assert "holds another run (seed: 0 -> 1)" in fail(capsys, "train", *words, "--seed", 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("data", "audit", "absent.json"), "cannot be read"),
        (("data", "audit", "absent.json", "--format", "huato"), "did you mean 'huatuo'"),
        (("data", "simulate", "--out", "x", "--modality", "MRI"), "unknown modality 'MRI'"),
        (("probe", "--reward", "acuracy"), "did you mean 'accuracy'"),
        (("report", "absent.jsonl", "absent.json"), "cannot be read"),
        (("predict", "absent.json", "--images", ".", "--model", "m", "--out", "o"), "m"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in fail(capsys, *words)
    assert not list(tmp_path.iterdir())


def test_an_unknown_arm_and_a_missing_answer_are_named(capsys, policy, folder, tmp_path):
    words = [*model_words(policy, folder), "--out", tmp_path / "run"]
    assert "did you mean 'letter'" in fail(capsys, "train", *words, "--arm", "leter")
    assert "absent" in fail(capsys, "train", *words, "--model", tmp_path / "absent")
    assert not (tmp_path / "run").exists()
    (tmp_path / "a.jsonl").write_text('{"id": "0", "answer": "A"}\n')
    assert "lacks 7 of 8 answers" in fail(capsys, "report", tmp_path / "a.jsonl", folder / "questions.json")
    assert "is not there" in fail(capsys, "report", tmp_path / "b.jsonl", folder / "questions.json")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data", "simulate", "--modality", "MRI"], "did you mean 'MR'"),
        (
            ["data", "simulate", "--modality", "MR", "--modality", "MR", "--count", 2],
            "3 pictures are in two sets|2 pict",
        ),
        (["data", "simulate", "--count", 0], "0 questions"),
        (["data", "simulate", "--side", 4], "pictures of 4 pixels a side"),
        (["data", "simulate", "--shortcut", 1.5], "a share from 0 to 1"),
        (["data", "simulate", "--shortcut", "nan"], "a share from 0 to 1"),
        (["data", "simulate", "--difficulty", "hart"], "did you mean 'hard'"),
        (["data", "simulate", "--seed", -1], "seed -1"),
    ],
)
def test_a_simulation_that_cannot_be_made_is_one_line_and_no_folder(capsys, tmp_path, words, message):
    assert re.search(message, fail(capsys, *words, "--out", tmp_path / "new"))
    assert not (tmp_path / "new" / "questions.json").exists()


def test_numbers_of_options_and_of_seeds_that_cannot_be_are_one_line(capsys, folder):
    for options in (1, 0, -3, 11):
        assert f"{options} options; expected 2 to 10" in fail(capsys, "probe", "--options", options)
    assert "did you mean 'format'" in fail(capsys, "probe", "--reward", "fromat")
    assert "seed -2" in fail(capsys, "data", "audit", folder / "questions.json", "--seed", -2)
    assert "did you mean 'huatuo'" in fail(capsys, "data", "audit", folder / "questions.json", "--format", "huatou")


def test_a_folder_in_the_place_of_a_file_is_one_line(capsys, folder, tmp_path):
    assert "cannot be read" in fail(capsys, "data", "audit", folder)
    assert "holds no JSON file" in fail(capsys, "data", "audit", folder / "images", "--format", "omnimedvqa")


def test_answers_of_another_model_are_not_mixed(capsys, policy, folder, tmp_path):
    line = {"id": "0", "answer": "A", "model": "other", "prompt": "clean", "new_tokens": 512}
    (tmp_path / "a.jsonl").write_text(json.dumps(line) + "\n")
    words = [*model_words(policy, folder), "--out", tmp_path / "a.jsonl"]
    assert "holds answers of" in fail(capsys, "predict", *words)


def test_importing_the_package_its_commands_and_claims_is_light():
    code = (
        "import sys, medsuite.med_r1, medsuite.med_r1.cli, medsuite.med_r1.claims\n"
        "heavy = ('torch', 'transformers', 'trl', 'datasets', 'matplotlib', 'sklearn', 'numpy')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_every_public_name_exists():
    import medsuite.med_r1 as package

    assert sorted(package.__all__) == dir(package)
    assert all(getattr(package, name) is not None for name in dir(package))
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        getattr(package, "absent")  # noqa: B009
