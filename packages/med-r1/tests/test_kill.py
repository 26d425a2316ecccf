"""A training run that is killed with signal 9 somewhere ends, run again, in the very same bytes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from medsuite.med_r1.data.huatuo import write_huatuo
from medsuite.med_r1.runs import TrainingRun, last_checkpoint
from medsuite.med_r1.simulation import simulate

MEDSUITE = Path(sys.executable).parent / "medsuite"


@pytest.fixture
def run(policy, tmp_path):
    folder = tmp_path / "questions"
    write_huatuo([simulate(8, "MR", np.random.default_rng(0), side=28)], folder)
    return TrainingRun(
        file=folder / "questions.json", layout="huatuo", images=folder, subset="MR", model=str(policy.folder),
        arm="grpo", style="compact", steps=12, learning_rate=1e-2, prompts=2, generations=4, beta=0.04, new_tokens=6,
        save_every=1, seed=3,
    )  # fmt: skip


def start(run, out):
    names = {
        "learning_rate": "learning-rate",
        "new_tokens": "new-tokens",
        "save_every": "save-every",
        "layout": "format",
    }
    words = []
    for name, value in vars(run).items():
        if name != "file":
            words += [f"--{names.get(name, name)}", str(value)]
    command = [MEDSUITE, "med-r1", "train", run.file, "--out", out, *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_a_killed_run_goes_on_to_the_same_bytes(run, tmp_path):
    whole = run.start(tmp_path / "whole") / "model.safetensors"
    process = start(run, tmp_path / "killed")
    checkpoints = tmp_path / "killed" / "checkpoints"
    deadline = time.monotonic() + 180
    while last_checkpoint(checkpoints) is None and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the run was to be killed before its end"
    reached = int(last_checkpoint(checkpoints).name.rpartition("-")[2])
    assert reached < run.steps
    assert not (checkpoints / "model.safetensors").exists()
    assert (run.start(tmp_path / "killed") / "model.safetensors").read_bytes() == whole.read_bytes()
