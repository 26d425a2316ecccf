"""The cost–accuracy plane with the solver in it: time ratio at equal error, and when training pays off."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from medsuite.core.errors import InputError

Prepared = TypeVar("Prepared")


@dataclass(frozen=True)
class CostPoint:
    """One method's place in the plane.

    Attributes:
        name: Method and resolution.
        seconds: For one case, from the raw case to the field; the mesh is given to all methods.
        error: In whatever norm the plane is drawn for.
    """

    name: str
    seconds: float
    error: float

    def __post_init__(self) -> None:
        if not (self.seconds > 0 and self.error > 0):
            raise InputError(f"{self.name}: {self.seconds} s at an error of {self.error}", expected="both above 0")


def frontier(points: Sequence[CostPoint]) -> list[CostPoint]:
    """Return the points that no other one beats in both time and error, slowest first: the strongest baseline."""
    best: list[CostPoint] = []
    for point in sorted(points, key=lambda point: (point.seconds, point.error)):
        if not best or point.error < best[-1].error:
            best.append(point)
    return best[::-1]


def seconds_at_error(points: Sequence[CostPoint], error: float) -> float:
    """Return the time in which the frontier of a solver's points reaches an error; log-log between its points.

    Where the cheapest point is more accurate than asked, its time is the answer: a solver may not be charged for
    accuracy that nobody needs. NaN where no point is accurate enough: nothing is extrapolated.
    """
    curve = frontier(points)
    errors, seconds = (np.log([getattr(point, name) for point in curve]) for name in ("error", "seconds"))
    if np.log(error) < errors[0]:
        return float("nan")
    return float(np.exp(np.interp(np.log(error), errors, seconds)))


def time_ratio(surrogate: CostPoint, solver: Sequence[CostPoint]) -> float:
    """Return surrogate time over solver time at the surrogate's error; below one, the surrogate is faster."""
    return surrogate.seconds / seconds_at_error(solver, surrogate.error)


def cases_to_pay_off(training_seconds: float, surrogate_seconds: float, solver_seconds: float) -> float:
    """Return N* = (simulation and training) / (solver at equal error − inference); infinity where it never pays."""
    saved = solver_seconds - surrogate_seconds
    return training_seconds / saved if saved > 0 else float("inf")


def median_seconds(prepare: Callable[[], Prepared], function: Callable[[Prepared], object], repeats: int) -> float:
    """Return the median wall time of `function` over repeats, after one call that is not counted.

    Args:
        prepare: Makes a fresh argument for each call, outside the clock, so that nothing cached in it is reused.
        function: What is measured.
        repeats: How many times.
    """
    function(prepare())
    times = []
    for _ in range(repeats):
        argument = prepare()
        start = time.perf_counter()
        function(argument)
        times.append(time.perf_counter() - start)
    return float(np.median(times))
