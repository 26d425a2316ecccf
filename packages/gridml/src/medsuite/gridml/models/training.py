"""The training loop of all networks: AdamW with a cosine schedule on accelerate, seeded, a fixed number of steps."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from medsuite.core.errors import MedsuiteError
from medsuite.gridml.models.base import Budget

CLIP = 1.0
WARM_UP = 0.05  # of the steps

Loss = Callable[[Sequence[int], np.random.Generator], Tensor]


def train(network: nn.Module, loss: Loss, cases: int, budget: Budget, seed: int) -> None:
    """Fit a network's weights in place.

    Args:
        network: What to fit.
        loss: From indices of cases and a generator to a scalar.
        cases: How many cases there are; each epoch visits all in a new order.
        budget: Steps, batch and learning rate.
        seed: Fixes the order of the cases and what the loss draws.

    Raises:
        MedsuiteError: The loss is no longer finite.
    """
    from accelerate import Accelerator

    accelerator, generator = Accelerator(cpu=True), np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=budget.learning_rate, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: learning_rate_factor(step, budget.steps))
    network, optimiser, schedule = accelerator.prepare(network, optimiser, schedule)
    network.train()
    batches = _batches(cases, budget.batch, generator)
    for step in range(budget.steps):
        value = loss(next(batches), generator)
        if not torch.isfinite(value):
            raise MedsuiteError(f"the loss is {value.item()} at step {step}", fix="lower the learning rate")
        accelerator.backward(value)
        accelerator.clip_grad_norm_(network.parameters(), CLIP)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()


def learning_rate_factor(step: int, steps: int) -> float:
    """Return the factor on the peak learning rate: linear over the first twentieth, then half a cosine to zero."""
    warm_up = max(1, round(WARM_UP * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1.0 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


def _batches(cases: int, batch: int, generator: np.random.Generator) -> Iterator[list[int]]:
    """Yield batches for ever; an epoch's last batch may be short."""
    while True:
        order = generator.permutation(cases)
        for start in range(0, cases, batch):
            yield [int(index) for index in order[start : start + batch]]
