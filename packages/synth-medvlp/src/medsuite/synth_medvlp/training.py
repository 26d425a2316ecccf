"""Pre-training on pairs of films and reports with one of the three losses."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from medsuite.core.errors import InputError, unknown_name
from medsuite.synth_medvlp.losses import clip_loss, convirt_loss, gloria_global, gloria_local
from medsuite.synth_medvlp.model import DualEncoder, same_texts
from medsuite.synth_medvlp.texts import PADDING, SentenceBank


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        steps: Optimiser steps.
        batch: Pairs in a step.
        rate: Highest learning rate.
        warmup: Share of the steps until it is reached.
        decay: Weight decay.
        shift: Most pixels by which films are moved, in both directions.
    """

    steps: int
    batch: int = 64
    rate: float = 4e-3
    warmup: float = 0.15
    decay: float = 0.05
    shift: int = 2

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 2:
            raise InputError(f"{self.steps} steps of {self.batch} pairs", expected="at least 1 step of 2 pairs")
        if not (0 < self.rate < inf and 0 < self.warmup < 1 and 0 <= self.decay < inf and self.shift >= 0):
            given = f"rate {self.rate:g}, warm-up {self.warmup:g}, decay {self.decay:g}, shift {self.shift}"
            raise InputError(given, expected="a positive rate, a share of warm-up, decay and shift of 0 or more")


@dataclass(frozen=True)
class Pairs:
    """Films with the rows of their reports' sentences in a bank."""

    films: UInt8[Tensor, "pair height width"]
    reports: Int[Tensor, "report sentence"]

    def __post_init__(self) -> None:
        if len(self.films) != len(self.reports):
            raise InputError(f"{len(self.films)} films and {len(self.reports)} reports", expected="pairs")

    def __len__(self) -> int:
        return len(self.films)


@dataclass(frozen=True)
class Fitted:
    """How a training went.

    Attributes:
        first: Loss of the first step.
        last: Mean loss of the last twentieth of the steps.
        chance: The logarithm of the batch: the loss (of one direction) of a model that has learned nothing.
    """

    first: float
    last: float
    chance: float


def use_one_thread() -> None:
    """Compute on one thread from now on, in the whole process; independent jobs are what a second core is for."""
    torch.set_num_threads(1)


def fit(
    model: DualEncoder,
    pairs: Pairs,
    bank: SentenceBank,
    loss: str,
    schedule: Schedule,
    generator: torch.Generator,
    progress: Callable[[float], None] = lambda _: None,
) -> Fitted:
    """Train a model in place: AdamW, one cycle of the learning rate, shifted films, pairs without replacement.

    Films are never mirrored: a mirrored chest is another diagnosis.

    Args:
        model: The model; leaves in evaluation mode.
        pairs: Training pairs.
        bank: The sentences of their reports.
        loss: Name of the loss.
        schedule: How long and how fast.
        generator: Source of order, shifts and ConVIRT's sentences.
        progress: Told the share of the steps that are done.

    Raises:
        InputError: There are fewer pairs than a batch holds, or the loss is unknown.
    """
    if loss not in LOSSES:
        raise unknown_name("loss", loss, LOSSES)
    if len(pairs) < schedule.batch:
        raise InputError(f"{len(pairs)} training pairs", expected=f"at least a batch of {schedule.batch}")
    model.centre_texts(bank.pooled[pairs.reports[pairs.reports != PADDING].unique()])
    optimiser = torch.optim.AdamW(model.parameters(), lr=schedule.rate, weight_decay=schedule.decay, fused=True)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, schedule.rate, total_steps=schedule.steps, pct_start=schedule.warmup
    )
    model.train()
    values: list[float] = []
    order = torch.empty(0, dtype=torch.long)
    for step in range(schedule.steps):
        if len(order) < schedule.batch:
            order = torch.randperm(len(pairs), generator=generator)
        chosen, order = order[: schedule.batch], order[schedule.batch :]
        films = shifted(pairs.films[chosen], schedule.shift, generator)
        value = LOSSES[loss](model, films, pairs.reports[chosen], bank, generator)
        optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        cycle.step()
        values.append(value.item())
        if step % 20 == 0:
            progress(step / schedule.steps)
    model.eval()
    tail = values[-max(1, len(values) // 20) :]
    return Fitted(values[0], sum(tail) / len(tail), log(schedule.batch))


def shifted(
    films: UInt8[Tensor, "film height width"], most: int, generator: torch.Generator
) -> UInt8[Tensor, "film height width"]:
    """Move each film by up to `most` pixels in both directions; the edge is repeated."""
    if not most:
        return films
    count, height, width = films.shape
    rows, columns = torch.randint(-most, most + 1, (2, count, 1), generator=generator)
    rows = (rows + torch.arange(height)).clamp(0, height - 1)
    columns = (columns + torch.arange(width)).clamp(0, width - 1)
    return films[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]


def random_sentences(reports: Int[Tensor, "report sentence"], generator: torch.Generator) -> Int[Tensor, "report 1"]:
    """Choose one sentence of each report, as ConVIRT does at each step."""
    keys = torch.rand(reports.shape, generator=generator).masked_fill(reports == PADDING, -1)
    return reports.gather(1, keys.argmax(1, keepdim=True))


Films = UInt8[Tensor, "pair height width"]
Reports = Int[Tensor, "pair sentence"]
Value = Float[Tensor, ""]


def _clip(model: DualEncoder, films: Films, reports: Reports, bank: SentenceBank, _generator: torch.Generator) -> Value:
    text = model.encode_reports(reports, bank)
    return clip_loss(model.encode_images(films), text, model.scale, same_texts(reports))


def _convirt(
    model: DualEncoder, films: Films, reports: Reports, bank: SentenceBank, generator: torch.Generator
) -> Value:
    sentences = random_sentences(reports, generator)
    text = model.encode_reports(sentences, bank)
    return convirt_loss(model.encode_images(films), text, same=same_texts(sentences))


def _gloria(
    model: DualEncoder, films: Films, reports: Reports, bank: SentenceBank, _generator: torch.Generator
) -> Value:
    image, regions = model.encode_regions(films)
    words, is_word = model.encode_words(reports, bank)
    text = model.encode_reports(reports, bank)
    same = same_texts(reports)
    return gloria_global(image, text, same=same) + gloria_local(regions, words, is_word, same=same)


LOSSES: dict[str, Callable[..., Value]] = {"clip": _clip, "convirt": _convirt, "gloria": _gloria}
"""How each named loss reads a batch."""
