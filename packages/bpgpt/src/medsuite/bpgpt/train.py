"""The two stages of BP-GPT, and the null of a tuned constant prompt, on one small training loop.

Stage 1 (text to text): the language model and the text mapper learn to write a text from its own text prompt.
Stage 2 (brain to text): the brain encoder alone learns, L = L_brain + alpha L_alignment, with all else frozen.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from medsuite.bpgpt.model.alignment import alignment
from medsuite.bpgpt.model.language import Tokens, start_prompt, text_losses
from medsuite.bpgpt.model.prompts import TextMapper
from medsuite.core.errors import InputError


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train: AdamW with a linear warm-up and a linear decay to zero.

    Attributes:
        steps: Optimiser steps.
        batch: Windows per step.
        rate: Peak learning rate.
        warmup: Share of the steps in which the rate rises.
    """

    steps: int
    batch: int = 32
    rate: float = 1e-4
    warmup: float = 0.05

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1:
            raise InputError(f"{self.steps} steps of {self.batch} windows", expected="at least 1 of each")
        if not (0 < self.rate < float("inf") and 0 <= self.warmup <= 1):
            given = f"rate {self.rate:g} after a share {self.warmup:g} of warm-up"
            raise InputError(given, expected="a positive rate and a share from 0 to 1")


@dataclass(frozen=True)
class Alignment:
    """How the brain prompt is pulled towards the text prompt.

    Attributes:
        name: `"infonce"`, `"paper"` or `"released"`; see `medsuite.bpgpt.model.alignment`.
        weight: alpha; 0 leaves the alignment out.
        temperature: tau.
    """

    name: str = "infonce"
    weight: float = 1.0
    temperature: float = 0.1


def fit_language(lm: Any, tokens: Tokens, schedule: Schedule, generator: torch.Generator) -> list[float]:
    """Train a language model on plain text, as GPT-2 was before anybody prompted it with a brain.

    Returns:
        The loss of every step, in nats per token; so do the other functions of this module.
    """

    def loss(chosen: Int[Tensor, "chosen"]) -> Float[Tensor, ""]:
        return text_losses(lm, start_prompt(lm, len(chosen)), tokens[chosen]).mean()

    return minimise(loss, lm.parameters(), len(tokens), schedule, generator)


def fit_text_prompt(
    lm: Any,
    mapper: TextMapper,
    sentences: Float[Tensor, "window feature"],
    tokens: Tokens,
    schedule: Schedule,
    generator: torch.Generator,
) -> list[float]:
    """Stage 1: train mapper and language model to write each text from its own sentence vector."""
    _same_length(sentences=sentences, texts=tokens.ids)

    def loss(chosen: Int[Tensor, "chosen"]) -> Float[Tensor, ""]:
        return text_losses(lm, mapper(sentences[chosen]), tokens[chosen]).mean()

    return minimise(loss, [*lm.parameters(), *mapper.parameters()], len(tokens), schedule, generator)


def fit_prompt(
    lm: Any,
    encoder: nn.Module,
    bold: Float[Tensor, "window row voxel"],
    tokens: Tokens,
    schedule: Schedule,
    generator: torch.Generator,
    *,
    text_prompts: Float[Tensor, "window prompt width"] | None = None,
    align: Alignment | None = None,
) -> list[float]:
    """Stage 2: train what makes a prompt, `L = L_brain + alpha L_alignment`, in front of a frozen language model.

    The encoder is a `BrainEncoder`, or a `ConstantPrompt` for the null without a brain.

    Args:
        lm: The language model of stage 1; no gradient reaches its weights, and its dropout is off.
        encoder: Makes prompts from windows.
        bold: The windows.
        tokens: Their texts.
        schedule: How long and how fast.
        generator: Source of the order of the windows.
        text_prompts: The text prompts of the windows, already made; needed for an alignment.
        align: The alignment; None trains on the language-model loss alone.

    Raises:
        InputError: Lengths differ, or an alignment has no text prompts to align to.
    """
    _same_length(windows=bold, texts=tokens.ids)
    if align is not None and text_prompts is None:
        raise InputError("an alignment without text prompts", fix="make them with the mapper of stage 1")
    pull = alignment(align.name) if align is not None else None
    lm.requires_grad_(False).eval()

    def loss(chosen: Int[Tensor, "chosen"]) -> Float[Tensor, ""]:
        prompts = encoder(bold[chosen])
        total = text_losses(lm, prompts, tokens[chosen]).mean()
        if pull is None or align is None or text_prompts is None:
            return total
        aligned = pull(prompts.flatten(1), text_prompts[chosen].detach().flatten(1), align.temperature)
        return total + align.weight * aligned

    return minimise(loss, encoder.parameters(), len(tokens), schedule, generator)


def minimise(
    loss: Callable[[Int[Tensor, "chosen"]], Float[Tensor, ""]],
    parameters: Iterable[nn.Parameter],
    windows: int,
    schedule: Schedule,
    generator: torch.Generator,
) -> list[float]:
    """Take AdamW steps on a loss over random batches of different windows.

    Args:
        loss: From the numbers of the chosen windows to their loss.
        parameters: What to train.
        windows: How many windows there are.
        schedule: How long and how fast.
        generator: Source of the choice.

    Raises:
        InputError: There are fewer windows than a batch takes, or the loss is no longer finite.
    """
    if windows < schedule.batch:
        raise InputError(f"{windows} windows", expected=f"at least a batch of {schedule.batch}")
    trained = list(parameters)
    optimizer = torch.optim.AdamW(trained, lr=schedule.rate)
    rising = max(1, round(schedule.warmup * schedule.steps))
    rates = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / rising, (schedule.steps - step) / max(1, schedule.steps - rising))
    )
    history: list[float] = []
    for step in range(schedule.steps):
        chosen = torch.randperm(windows, generator=generator)[: schedule.batch]
        value = loss(chosen)
        if not torch.isfinite(value):
            raise InputError(f"the loss at step {step} is {value.item()}", fix="lower the rate, or look for NaN voxels")
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        rates.step()
        history.append(value.item())
    return history


def _same_length(**arrays: Tensor) -> None:
    counts = {name: len(array) for name, array in arrays.items()}
    if len(set(counts.values())) > 1:
        raise InputError(
            ", ".join(f"{count} {name}" for name, count in counts.items()), expected="equally many of each"
        )
