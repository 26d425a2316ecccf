"""Two processes that train together (gloo, on CPUs), as accelerate and torchrun start them."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from medsuite.core.errors import ResumeError
from medsuite.med_r1.data.huatuo import write_huatuo
from medsuite.med_r1.runs import TrainingRun
from medsuite.med_r1.simulation import simulate

MEDSUITE = Path(sys.executable).parent / "medsuite"


@pytest.fixture(scope="module")
def run(policy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("set") / "questions"
    write_huatuo([simulate(8, "MR", np.random.default_rng(0), side=28)], folder)
    return TrainingRun(
        file=folder / "questions.json", layout="huatuo", images=folder, subset=None, model=str(policy.folder),
        arm="letter", style="compact", steps=4, learning_rate=1e-2, prompts=2, generations=2, beta=0.0, new_tokens=4,
        save_every=1, seed=0,
    )  # fmt: skip


def launch(run, out, processes=2):
    options = {
        "images": run.images, "model": run.model, "out": out, "arm": run.arm, "style": run.style, "steps": run.steps,
        "learning-rate": run.learning_rate, "prompts": run.prompts, "save-every": run.save_every,
    }  # fmt: skip
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", str(MEDSUITE)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        [sys.executable, *launcher, "med-r1", "train", str(run.file), *words],
        capture_output=True, text=True, env=environment, timeout=240,
    )  # fmt: skip


def weights(folder):
    return load_file(folder / "checkpoints" / "model.safetensors")


@pytest.fixture(scope="module")
def together(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("two") / "run"
    done = launch(run, out)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "4 steps of 2 questions, in each of 2 processes" in done.stdout
    return out


def test_two_processes_learn_what_one_does_from_twice_as_many_questions(run, together, tmp_path):
    replace(run, prompts=4).start(tmp_path / "run")
    alone, both = weights(tmp_path / "run"), weights(together)
    start = load_file(Path(run.model) / "model.safetensors")
    assert alone.keys() == both.keys()
    apart = max(np.abs(alone[name] - both[name]).max() for name in alone)
    moved = max(np.abs(alone[name] - start[name]).max() for name in alone if name in start)
    assert apart < 0.02 * moved


def test_a_run_of_two_that_lost_its_end_goes_on_to_the_same_weights(run, together):
    expected = weights(together)
    for name in ("model.safetensors", "checkpoint-4/trainer_state.json"):
        (together / "checkpoints" / name).unlink()
    done = launch(run, together)
    assert done.returncode == 0, done.stderr[-3000:]
    assert all(np.array_equal(value, expected[name]) for name, value in weights(together).items())


def test_another_number_of_processes_is_refused(run, together):
    with pytest.raises(ResumeError, match="processes: 2 -> 1"):
        run.start(together)
