"""Group-relative policy optimisation on trl, with the objective that MedVLM-R1 released."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from trl import GRPOConfig, GRPOTrainer

from medsuite.core.errors import InputError
from medsuite.med_r1.objective import divergence, released_loss
from medsuite.med_r1.policy import Policy
from medsuite.med_r1.prompts import conversation
from medsuite.med_r1.rewards.base import Reward
from medsuite.med_r1.schema import Question, QuestionSet
from medsuite.med_r1.train.arguments import Progress, check_schedule, common_arguments, run
from medsuite.med_r1.train.resume import Restoring
from medsuite.med_r1.train.sft import finished


@dataclass(frozen=True)
class GRPOSettings:
    """How a reinforcement-learning run is made; the defaults are the release's where it says.

    Attributes:
        steps: Optimiser steps.
        prompts: Questions a step.
        generations: Completions of each question, G.
        learning_rate: Peak.
        beta: Weight of the divergence from the base.
        new_tokens: Longest completion.
        temperature: Of the sampling.
        warmup_steps: Steps of linear increase of the rate.
        decay_steps: Steps of linear decrease to zero at the end.
        style: Prompt style, see `medsuite.med_r1.prompts.STYLES`.
        seed: Of the sampling and the order of the questions.
        save_every: Steps between checkpoints; 0 for none.
    """

    steps: int
    prompts: int = 2
    generations: int = 4
    learning_rate: float = 1e-6
    beta: float = 0.04
    new_tokens: int = 512
    temperature: float = 1.0
    warmup_steps: int = 0
    decay_steps: int = 0
    style: str = "clean"
    seed: int = 0
    save_every: int = 0

    def __post_init__(self) -> None:
        if self.generations < 2:
            raise InputError(
                f"{self.generations} generations", expected="at least 2: a reward is compared within its group"
            )
        if self.steps < 1 or self.prompts < 1:
            raise InputError(f"{self.steps} steps of {self.prompts} prompts", expected="at least 1 of each")
        if self.new_tokens < 1:
            raise InputError(f"completions of {self.new_tokens} tokens", expected="at least 1")
        if not (0 <= self.beta < math.inf and 0 < self.temperature < math.inf):
            given = f"beta {self.beta:g} and temperature {self.temperature:g}"
            raise InputError(given, expected="a beta of 0 or more and a positive temperature")
        check_schedule(self.learning_rate, self.warmup_steps, self.decay_steps, self.seed, self.save_every)

    def describe(self) -> str:
        """Say what a step consists of."""
        return (
            f"{self.steps} steps of {self.prompts} questions x {self.generations} completions of at most "
            f"{self.new_tokens} tokens, rate {self.learning_rate:g}, beta {self.beta:g}"
        )


class GroupTrainer(Restoring, GRPOTrainer):
    """trl's trainer, with the released objective as loss and all weights restored on resume."""

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Tensor:
        """Return `released_loss` of a batch; trl samples, rewards and normalises, and calls this for the loss."""
        ids, mask = inputs["completion_ids"], inputs["completion_mask"]
        log_probability, entropy, _ = self._get_per_token_logps_and_entropies(
            model,
            torch.cat([inputs["prompt_ids"], ids], dim=1),
            torch.cat([inputs["prompt_mask"], mask], dim=1),
            ids.size(1),
            compute_entropy=True,
            **{name: inputs.get(name) for name in PICTURE_INPUTS},
        )
        reference = inputs.get("ref_per_token_logps")
        loss = released_loss(log_probability, inputs["advantages"], mask, self.beta, reference)
        values = {"entropy": entropy}
        if reference is not None:
            values["kl"] = divergence(log_probability.detach(), reference)
        for name, value in values.items():
            totals = self.accelerator.reduce(torch.stack([(value * mask).sum(), mask.sum()]), reduction="sum")
            self._metrics["train"][name].append((totals[0] / totals[1].clamp(min=1)).item())
        return loss / self.current_gradient_accumulation_steps


PICTURE_INPUTS = (
    "pixel_values",
    "image_grid_thw",
    "num_images",
    "pixel_attention_mask",
    "spatial_shapes",
    "num_tiles",
    "image_sizes",
    "token_type_ids",
    "mm_token_type_ids",
    "image_position_ids",
)
"""What trl hands on of a batch's pictures."""


@dataclass(frozen=True)
class RewardAdapter:
    """A reward in the form that trl calls, which checks what it returns.

    Attributes:
        name: How it is called in the log.
        reward: The reward.
        questions: The questions of the run.
    """

    name: str
    reward: Reward
    questions: QuestionSet

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(self, *, completions: Sequence[Any], row: Sequence[int], **_: Any) -> list[float]:
        """Score completions of the questions in `row`.

        Raises:
            InputError: A reward fails, or is not finite: trl would take NaN for "no reward" and lose a group to
                infinity.
        """
        pairs = zip(completions, row, strict=True)
        return [self._score(turn[0]["content"], self.questions.questions[number]) for turn, number in pairs]

    def _score(self, text: str, question: Question) -> float:
        where = f"on question {question.id} for {text[:80]!r}"
        try:
            value = float(self.reward(text, question))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise InputError(f"reward {self.name} failed {where} ({reason})", expected="a finite number") from error
        if not math.isfinite(value):
            raise InputError(f"reward {self.name} gave {value} {where}", expected="a finite number")
        return value


@dataclass(frozen=True)
class Trained:
    """A finished reinforcement-learning run.

    Attributes:
        policy: The trained policy.
        history: What trl logged at each step: `reward`, `reward_std`, `frac_reward_zero_std`, `entropy`, `kl`, ...
    """

    policy: Policy
    history: tuple[dict[str, float], ...]


def train_grpo(
    policy: Policy,
    questions: QuestionSet,
    rewards: dict[str, Reward],
    settings: GRPOSettings,
    out: Path,
    *,
    resume: Path | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train a policy by GRPO; the sum of the rewards counts.

    Args:
        policy: Where to start. Its weights are read from its folder, which also is the reference of the divergence.
        questions: What to ask.
        rewards: Rewards by name.
        settings: How.
        out: Folder that receives the trained policy, and checkpoints.
        resume: A checkpoint to go on from.
        progress: Told the share of steps that are done.

    Raises:
        InputError: No rewards, or one that is not finite.
    """
    if not rewards:
        raise InputError("no rewards", expected="at least one, such as format and accuracy")
    arguments = GRPOConfig(
        **common_arguments(
            out,
            steps=settings.steps,
            learning_rate=settings.learning_rate,
            warmup_steps=settings.warmup_steps,
            decay_steps=settings.decay_steps,
            seed=settings.seed,
            save_every=settings.save_every,
        ),
        per_device_train_batch_size=settings.prompts * settings.generations,
        num_generations=settings.generations,
        max_completion_length=settings.new_tokens,
        temperature=settings.temperature,
        beta=settings.beta,
        scale_rewards="group",
        loss_type="grpo",
        use_bias_correction_kl=False,
        generation_kwargs={"suppress_tokens": policy.suppressed},
    )
    adapted: list[Any] = [RewardAdapter(name, reward, questions) for name, reward in rewards.items()]
    trainer = GroupTrainer(
        model=str(policy.folder),
        reward_funcs=adapted,
        args=arguments,
        train_dataset=_rows(questions, settings.style),
        processing_class=policy.processor,
    )
    run(trainer, resume, progress)
    history = tuple(entry for entry in trainer.state.log_history if "reward" in entry)
    return Trained(finished(trainer, policy, out), history)


def _rows(questions: QuestionSet, style: str) -> Dataset:
    return Dataset.from_dict(
        {
            "prompt": [conversation(question, style) for question in questions],
            "image": [questions.picture(question) for question in questions],
            "row": list(range(len(questions))),
        }
    )
