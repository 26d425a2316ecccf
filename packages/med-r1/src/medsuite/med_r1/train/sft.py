"""Supervised fine-tuning on trl: the same questions as GRPO's, with written targets."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trl import SFTConfig, SFTTrainer

from medsuite.core.errors import InputError
from medsuite.med_r1.policy import Policy
from medsuite.med_r1.schema import Question, QuestionSet
from medsuite.med_r1.train.arguments import Progress, check_schedule, common_arguments, run
from medsuite.med_r1.train.batches import Collator
from medsuite.med_r1.train.resume import Restoring


@dataclass(frozen=True)
class SFTSettings:
    """How a supervised run is made.

    Attributes:
        steps: Optimiser steps.
        batch: Questions a step.
        learning_rate: Peak.
        warmup_steps: Steps of linear increase before it.
        decay_steps: Steps of linear decrease to zero at the end.
        style: Prompt style, see `medsuite.med_r1.prompts.STYLES`.
        seed: Of the order of the questions.
        save_every: Steps between checkpoints; 0 for none.
    """

    steps: int
    batch: int = 64
    learning_rate: float = 1e-3
    warmup_steps: int = 5
    decay_steps: int = 0
    style: str = "clean"
    seed: int = 0
    save_every: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1:
            raise InputError(f"{self.steps} steps of {self.batch} questions", expected="at least 1 of each")
        check_schedule(self.learning_rate, self.warmup_steps, self.decay_steps, self.seed, self.save_every)


class SupervisedTrainer(Restoring, SFTTrainer):
    """trl's trainer, with all weights restored on resume."""


def train_sft(
    policy: Policy,
    questions: QuestionSet,
    targets: Sequence[tuple[Question, str]],
    settings: SFTSettings,
    out: Path,
    *,
    resume: Path | None = None,
    progress: Progress | None = None,
) -> Policy:
    """Fine-tune a policy on written answers; the loss is on the answers alone.

    Args:
        policy: Where to start. Its weights are read from its folder; the one given is left as it is.
        questions: The set whose pictures the questions show.
        targets: Questions with the completion to learn; one question can occur with several.
        settings: How.
        out: Folder that receives the trained policy, and checkpoints.
        resume: A checkpoint to go on from.
        progress: Told the share of steps that are done.

    Raises:
        InputError: There are no targets.
    """
    if not targets:
        raise InputError("no targets to fine-tune on", expected="at least one question with its completion")
    collator = Collator(policy.processor, questions)
    arguments = SFTConfig(
        **common_arguments(
            out,
            steps=settings.steps,
            learning_rate=settings.learning_rate,
            warmup_steps=settings.warmup_steps,
            decay_steps=settings.decay_steps,
            seed=settings.seed,
            save_every=settings.save_every,
        ),
        per_device_train_batch_size=settings.batch,
        max_length=None,
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    trainer = SupervisedTrainer(
        model=str(policy.folder),
        args=arguments,
        train_dataset=collator.rows(targets, settings.style),
        data_collator=collator,
        processing_class=policy.processor,
    )
    run(trainer, resume, progress)
    return finished(trainer, policy, out)


def finished(trainer: Any, policy: Policy, out: Path) -> Policy:
    """Save a trained model with its processor and return it as a policy.

    Args:
        trainer: A trainer after `train`.
        policy: What it started from.
        out: Folder that receives the model.
    """
    model = trainer.accelerator.unwrap_model(trainer.model).eval()
    trainer.save_model(str(out))
    if trainer.is_world_process_zero():
        policy.processor.save_pretrained(out)
    return Policy(model, policy.processor, out)
