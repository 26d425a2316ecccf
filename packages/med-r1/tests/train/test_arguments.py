import json

import pytest
import torch
from transformers import TrainingArguments

from medsuite.med_r1 import SFTSettings, train_sft
from medsuite.med_r1.train.arguments import common_arguments


def rates(folder, steps):
    log = json.loads((folder / f"checkpoint-{steps}" / "trainer_state.json").read_text())["log_history"]
    return [entry["learning_rate"] for entry in log if "learning_rate" in entry]


@pytest.fixture
def targets(simulated):
    return [(question, question.letter) for question in simulated]


def options(tmp_path, **changes):
    given = {"steps": 8, "learning_rate": 1e-3, "warmup_steps": 0, "decay_steps": 0, "seed": 0, "save_every": 0}
    return common_arguments(tmp_path, **(given | changes))


def test_the_options_are_ones_that_transformers_takes(tmp_path):
    arguments = TrainingArguments(**options(tmp_path, decay_steps=3, save_every=2))
    assert (arguments.max_steps, arguments.adam_beta2, arguments.weight_decay) == (8, 0.95, 0.0)
    assert arguments.use_cpu == (not torch.cuda.is_available())
    assert (arguments.save_strategy.value, arguments.save_steps) == ("steps", 2)


def test_nothing_is_saved_unless_asked_for(tmp_path):
    assert options(tmp_path)["save_strategy"] == "no"
    assert "save_steps" not in options(tmp_path)


def test_the_rate_rises_stays_and_falls_linearly_to_zero(policy, simulated, targets, tmp_path):
    settings = SFTSettings(8, 4, 1e-3, warmup_steps=2, decay_steps=4, style="compact", save_every=8)
    train_sft(policy, simulated, targets, settings, tmp_path)
    expected = [0, 0.5, 1, 1, 1, 0.75, 0.5, 0.25]
    assert rates(tmp_path, 8) == pytest.approx([1e-3 * share for share in expected])


def test_without_a_decay_the_rate_stays(policy, simulated, targets, tmp_path):
    settings = SFTSettings(4, 4, 1e-3, warmup_steps=0, style="compact", save_every=4)
    train_sft(policy, simulated, targets, settings, tmp_path)
    assert rates(tmp_path, 4) == pytest.approx([1e-3] * 4)


def test_progress_is_told_after_each_step_and_nothing_is_printed(policy, simulated, targets, tmp_path, capsys):
    told = []
    settings = SFTSettings(4, 4, 1e-3, warmup_steps=0, style="compact")
    train_sft(policy, simulated, targets, settings, tmp_path, progress=told.append)
    assert told == [0.25, 0.5, 0.75, 1.0]
    assert "loss" not in capsys.readouterr().out


def test_a_finished_run_is_restored_and_not_trained_further(policy, simulated, targets, tmp_path, same_weights):
    settings = SFTSettings(2, 4, 1e-2, warmup_steps=0, style="compact", save_every=2)
    done = train_sft(policy, simulated, targets, settings, tmp_path / "a")
    again = train_sft(policy, simulated, targets, settings, tmp_path / "b", resume=tmp_path / "a" / "checkpoint-2")
    assert same_weights(done, again) == 0
