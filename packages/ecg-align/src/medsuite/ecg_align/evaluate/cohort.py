"""Simulated records as tensors, in the unit that the encoders read."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from medsuite.core.claims import Context
from medsuite.core.errors import InputError
from medsuite.ecg_align.leads import LEADS12, positions
from medsuite.ecg_align.simulate import Simulator

HALF_MILLIVOLT = 0.5
"""The encoders' unit in mV; brings R waves to about two."""


@dataclass(frozen=True)
class Cohort:
    """Records of one population.

    Attributes:
        signal: The twelve standard leads in units of 0.5 mV.
        labels: The causes put in.
    """

    signal: Float[Tensor, "record 12 sample"]
    labels: Bool[np.ndarray, "record finding"]

    def leads(self, names: Collection[str]) -> Float[Tensor, "record lead sample"]:
        """Return some leads."""
        return self.signal[:, positions(list(names), LEADS12)]

    def targets(self) -> Float[Tensor, "record finding"]:
        """Return the labels as 0 and 1."""
        return torch.from_numpy(self.labels.astype(np.float32))


def refuse_data(context: Context) -> None:
    """Refuse a data folder: the claims simulate, and would otherwise pass their figures off as that data set's.

    Raises:
        InputError: There is one.
    """
    if context.data is not None:
        raise InputError("the claims of ecg-align simulate and read no data set", fix="leave --data out")


def draw_cohort(records: int, rng: np.random.Generator, *, forbid: Collection[str] = ()) -> Cohort:
    """Simulate records of 5 s at 100 Hz, every person with lead fields of their own."""
    batch = Simulator().draw(records, rng, forbid=forbid)
    return Cohort(torch.from_numpy((batch.signal / HALF_MILLIVOLT).astype(np.float32)), batch.labels)
