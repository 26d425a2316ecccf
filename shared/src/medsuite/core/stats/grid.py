"""The rows of an experiment as a matrix: seeds down, units across, and the difference of two arms cell by cell."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError, unknown_name


@runtime_checkable
class Row(Protocol):
    """One measured value; `medsuite.core.claims.Measurement` is one."""

    @property
    def arm(self) -> str:
        """Condition of the experiment."""

    @property
    def seed(self) -> int:
        """Seed of the run."""

    @property
    def unit(self) -> str:
        """Item that is resampled: patient, image, question."""

    @property
    def metric(self) -> str:
        """Name of the quantity."""

    @property
    def value(self) -> float:
        """The number; NaN where the quantity is undefined."""


@dataclass(frozen=True, eq=False)
class Grid:
    """One metric of one arm for every seed and unit; `first - second` pairs two arms by their common cells.

    Attributes:
        seeds: Seeds in sorted order, one per line.
        units: Units in sorted order, one per column.
        values: The metric; NaN where it was not measured or is undefined.
    """

    seeds: tuple[int, ...]
    units: tuple[str, ...]
    values: Float[np.ndarray, "seed unit"]

    def __sub__(self, other: "Grid") -> "Grid":
        """Subtract cell by cell over the common seeds and units; units without a common cell are left out.

        Raises:
            InputError: The grids have no seed or no measured unit in common.
        """
        seeds = tuple(sorted(set(self.seeds) & set(other.seeds)))
        if not seeds:
            raise InputError(
                f"no common seed: {_listing(self.seeds)} against {_listing(other.seeds)}",
                fix="pair by unit alone: first.over_seeds() - second.over_seeds()",
            )
        units = tuple(sorted(set(self.units) & set(other.units)))
        values = self._select(seeds, units) - other._select(seeds, units)
        measured = ~np.isnan(values).all(axis=0)
        if not measured.any():
            raise InputError(f"no common unit: {_listing(self.units)} against {_listing(other.units)}")
        kept = tuple(unit for unit, has_value in zip(units, measured, strict=True) if has_value)
        return Grid(seeds, kept, values[:, measured])

    def over_seeds(self) -> "Grid":
        """Average over the seeds of each unit into a grid of the one seed 0."""
        return Grid((0,), self.units, self.unit_means()[None])

    def unit_means(self) -> Float[np.ndarray, "unit"]:
        """Average over the seeds of each unit: one number per unit, for intervals over units."""
        return _mean_of_measured(self.values, axis=0)

    def seed_means(self) -> Float[np.ndarray, "seed"]:
        """Average over the units of each seed: one number per seed, for `student_interval`."""
        return _mean_of_measured(self.values, axis=1)

    def _select(self, seeds: tuple[int, ...], units: tuple[str, ...]) -> Float[np.ndarray, "seed unit"]:
        lines = {seed: index for index, seed in enumerate(self.seeds)}
        columns = {unit: index for index, unit in enumerate(self.units)}
        return self.values[np.ix_([lines[seed] for seed in seeds], [columns[unit] for unit in units])]


def tabulate(rows: Iterable[Row], *, arm: str, metric: str) -> Grid:
    """Arrange the rows of one arm and one metric by seed and unit; O(rows log rows).

    Args:
        rows: Rows of the experiment; those of other arms and metrics are skipped.
        arm: Name of the arm.
        metric: Name of the metric.

    Raises:
        InputError: No row has that arm or that metric, a cell was measured twice, or no value is a number.
    """
    rows = list(rows)
    of_arm = [row for row in rows if row.arm == arm]
    if not of_arm:
        raise unknown_name("arm", arm, {row.arm for row in rows})
    chosen = [row for row in of_arm if row.metric == metric]
    if not chosen:
        raise unknown_name(f"metric of arm {arm}", metric, {row.metric for row in of_arm})
    grid = _arrange(chosen)
    if np.isnan(grid.values).all():
        raise InputError(f"{metric} of arm {arm} is NaN everywhere", expected="at least one number")
    return grid


def _arrange(rows: list[Row]) -> Grid:
    seeds = sorted({row.seed for row in rows})
    units = sorted({row.unit for row in rows})
    lines = {seed: index for index, seed in enumerate(seeds)}
    columns = {unit: index for index, unit in enumerate(units)}
    values = np.full((len(seeds), len(units)), np.nan)
    cells = {(lines[row.seed], columns[row.unit]): row.value for row in rows}
    if len(cells) < len(rows):
        raise InputError(
            f"{len(rows)} rows for {len(cells)} cells of arm {rows[0].arm}, metric {rows[0].metric}",
            expected="one row per seed and unit",
            fix="average repeated measurements, or name the repetition in the unit",
        )
    for cell, value in cells.items():
        values[cell] = value
    return Grid(tuple(seeds), tuple(units), values)


def _mean_of_measured(values: Float[np.ndarray, "seed unit"], axis: int) -> Float[np.ndarray, "kept"]:
    measured = ~np.isnan(values)
    counts = measured.sum(axis=axis)
    sums = np.where(measured, values, 0).sum(axis=axis)
    return np.divide(sums, counts, out=np.full(counts.shape, np.nan), where=counts > 0)


def _listing(names: tuple[object, ...]) -> str:
    shown = ", ".join(str(name) for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
