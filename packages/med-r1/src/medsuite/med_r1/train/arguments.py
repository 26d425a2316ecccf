"""What both trainers are told in the same way: where to write, how to schedule, when to save, on which device."""

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from medsuite.core.errors import InputError
from medsuite.med_r1.seeds import check_seed

Progress = Callable[[float], None]
"""Told the share of a run that is done."""


def check_schedule(learning_rate: float, warmup_steps: int, decay_steps: int, seed: int, save_every: int) -> None:
    """Refuse what no run can be made with; see `common_arguments` for the numbers.

    Raises:
        InputError: A rate is not positive, a number of steps negative, or the seed no seed.
    """
    if not 0 < learning_rate < float("inf"):
        raise InputError(f"learning rate {learning_rate:g}", expected="a positive number")
    if min(warmup_steps, decay_steps, save_every) < 0:
        given = f"{warmup_steps} steps of warm-up, {decay_steps} of decay, a checkpoint every {save_every}"
        raise InputError(given, expected="no negative number")
    check_seed(seed)


def is_main_process() -> bool:
    """Tell whether this is the only process of a run, or the first of those that accelerate or torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def processes() -> int:
    """Return how many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def common_arguments(
    out: Path, *, steps: int, learning_rate: float, warmup_steps: int, decay_steps: int, seed: int, save_every: int
) -> dict[str, Any]:
    """Return the options of `transformers.TrainingArguments` that a run of any kind has.

    AdamW (0.9, 0.95) without weight decay; the rate rises linearly, stays, and falls linearly to zero. On a machine
    without CUDA everything runs on the CPU in float32.

    Args:
        out: Folder for checkpoints.
        steps: Optimiser steps.
        learning_rate: Peak.
        warmup_steps: Steps of linear increase.
        decay_steps: Steps of linear decrease to zero at the end.
        seed: Of sampling and of the order of the data.
        save_every: Steps between checkpoints; 0 for none.
    """
    gpu = torch.cuda.is_available()
    schedule: dict[str, Any] = {"lr_scheduler_type": "constant_with_warmup"}
    if decay_steps:
        schedule = {
            "lr_scheduler_type": "warmup_stable_decay",
            "lr_scheduler_kwargs": {"num_decay_steps": decay_steps, "decay_type": "linear"},
        }
    saving: dict[str, Any] = {"save_strategy": "no"}
    if save_every:
        saving = {"save_strategy": "steps", "save_steps": save_every, "save_total_limit": 2}
    return {
        "output_dir": str(out),
        "max_steps": steps,
        "learning_rate": learning_rate,
        "warmup_steps": warmup_steps,
        "adam_beta2": 0.95,
        "weight_decay": 0.0,
        "seed": seed,
        "data_seed": seed,
        "use_cpu": not gpu,
        "bf16": gpu,
        "activation_checkpointing": gpu,
        "report_to": [],
        "logging_steps": 1,
        "disable_tqdm": True,
        **schedule,
        **saving,
    }


class Telling(TrainerCallback):
    """Passes the share of the steps that are done to a function.

    Args:
        progress: That function.
    """

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Tell after each optimiser step."""
        self.progress(state.global_step / max(state.max_steps, 1))


def run(trainer: Trainer, resume: Path | None, progress: Progress | None) -> None:
    """Train without printing every step; a run whose last step is in the checkpoint is restored and not trained.

    The trainer itself would make one step more before it looks at the number of steps.

    Args:
        trainer: The trainer.
        resume: A checkpoint to go on from.
        progress: Told the share of steps that are done.
    """
    trainer.remove_callback(PrinterCallback)
    if progress:
        trainer.add_callback(Telling(progress))
    if resume is not None:
        state = TrainerState.load_from_json(str(resume / "trainer_state.json"))
        if state.global_step >= trainer.args.max_steps:
            trainer._load_from_checkpoint(str(resume))
            trainer.state = state
            return
    with warnings.catch_warnings():
        # trl asks transformers by a name that is going away; its users cannot mend that.
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing.*", FutureWarning)
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
