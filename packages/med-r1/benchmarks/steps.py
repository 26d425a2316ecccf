"""CPU time of a training step, and how much of it trl's handling of data takes, alternating in one process.

    python packages/med-r1/benchmarks/steps.py [--steps 30] [--out steps.json]

Compares a supervised step of batch 64 with this package's collator and with trl's own, and times a GRPO step of 8
questions x 8 completions, all on the tiny Qwen2-VL of the claim.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from medsuite.med_r1 import (
    GRPOSettings,
    Policy,
    QuestionSet,
    SFTSettings,
    accuracy_reward,
    format_reward,
    simulate,
    tiny_policy,
    train_grpo,
    train_sft,
)
from medsuite.med_r1.prompts import conversation
from medsuite.med_r1.train.arguments import common_arguments, run
from medsuite.med_r1.transfer.base import NEW_TOKENS, STYLE, corpus, rationale


def stock(policy: Policy, questions: QuestionSet, steps: int, out: Path) -> None:
    """The stock trainer with the stock collator."""
    rows = {
        "prompt": [conversation(each, STYLE) for each in questions],
        "completion": [[{"role": "assistant", "content": rationale(each)}] for each in questions],
        "image": [questions.picture(each) for each in questions],
    }
    options = common_arguments(
        out, steps=steps, learning_rate=1e-3, warmup_steps=0, decay_steps=0, seed=0, save_every=0
    )
    arguments = SFTConfig(**options, per_device_train_batch_size=64, max_length=None)
    run(
        SFTTrainer(
            model=str(policy.folder),
            args=arguments,
            train_dataset=Dataset.from_dict(rows),
            processing_class=policy.processor,
        ),
        None,
        None,
    )


def timed(function: Callable[[int, Path], object], steps: int) -> float:
    """CPU seconds a step: a long run less a short one, so that the start is not counted."""
    spans = []
    for count in (2, 2 + steps):
        begin = time.process_time()
        with TemporaryDirectory() as folder:
            function(count, Path(folder))
        spans.append(time.process_time() - begin)
    return (spans[1] - spans[0]) / steps


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    questions = simulate(256, "MR", np.random.default_rng(0))
    rewards = {"format": format_reward, "accuracy": accuracy_reward}
    with TemporaryDirectory() as folder:
        policy = tiny_policy(corpus(), Path(folder))
        targets = [(each, rationale(each)) for each in questions]

        def ours(steps: int, out: Path) -> None:
            train_sft(policy, questions, targets, SFTSettings(steps, style=STYLE), out)

        def grouped(steps: int, out: Path) -> None:
            settings = GRPOSettings(steps, 8, 8, learning_rate=2e-4, beta=0.0, new_tokens=NEW_TOKENS, style=STYLE)
            train_grpo(policy, questions, rewards, settings, out)

        rows: dict[str, list[float]] = {
            "supervised, our collator": [],
            "supervised, trl's collator": [],
            "GRPO, 64 completions": [],
        }
        for _ in range(2):
            rows["supervised, our collator"].append(timed(ours, given.steps))
            rows["supervised, trl's collator"].append(
                timed(lambda n, out: stock(policy, questions, n, out), given.steps)
            )
            rows["GRPO, 64 completions"].append(timed(grouped, given.steps))
    for name, values in rows.items():
        print(f"{name:28} {min(values):.3f} CPU s a step (two rounds: {values[0]:.3f}, {values[1]:.3f})")
    if given.out:
        given.out.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
