"""A training loop for losses of record indices: AdamW, one cycle of the learning rate, clipped gradients."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from medsuite.core.errors import InputError

Loss = Callable[[Int[Tensor, "record"]], Float[Tensor, ""]]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        steps: Optimiser steps.
        batch: Records in a step.
        rate: Highest learning rate.
        warmup: Share of the steps until it is reached.
        decay: Weight decay.
        clip: Largest norm of the gradient.
    """

    steps: int
    batch: int = 64
    rate: float = 3e-3
    warmup: float = 0.15
    decay: float = 0.02
    clip: float = 1.0


def use_one_thread() -> None:
    """Compute on one thread from now on, in the whole process.

    Models as small as the claims' gain nothing from a second thread, and on a busy machine two that wait for each
    other are thirty times slower than one. Independent jobs are what a second core is for.
    """
    torch.set_num_threads(1)


def fit(
    modules: Iterable[nn.Module],
    loss: Loss,
    records: int,
    schedule: Schedule,
    generator: torch.Generator,
    progress: Callable[[float], None] = lambda _: None,
) -> float:
    """Minimise a loss over batches of records drawn without replacement, epoch after epoch.

    Args:
        modules: What is trained.
        loss: Loss of the records with the given indices.
        records: Number of training records.
        schedule: How long and how fast.
        generator: Source of the order.
        progress: Told the share of the steps that are done.

    Returns:
        Mean loss of the last twentieth of the steps.

    Raises:
        InputError: There are fewer records than a batch holds.
    """
    if records < schedule.batch:
        raise InputError(f"{records} training records", expected=f"at least a batch of {schedule.batch}")
    parameters = [parameter for module in modules for parameter in module.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=schedule.rate, weight_decay=schedule.decay)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, schedule.rate, total_steps=schedule.steps, pct_start=schedule.warmup
    )
    order = torch.empty(0, dtype=torch.long)
    losses: list[float] = []
    for step in range(schedule.steps):
        if len(order) < schedule.batch:
            order = torch.randperm(records, generator=generator)
        batch, order = order[: schedule.batch], order[schedule.batch :]
        value = loss(batch)
        optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(parameters, schedule.clip)
        optimiser.step()
        cycle.step()
        losses.append(float(value.detach()))
        if (step + 1) % max(1, schedule.steps // 100) == 0:
            progress((step + 1) / schedule.steps)
    tail = losses[-max(1, len(losses) // 20) :]
    return sum(tail) / len(tail)
