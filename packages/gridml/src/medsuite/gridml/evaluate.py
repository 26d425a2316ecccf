"""Errors of a surrogate over solved cases, in every norm, with the worst case by name."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medsuite.core.errors import InputError
from medsuite.gridml.case import Case
from medsuite.gridml.models.base import Surrogate
from medsuite.gridml.norms import relative_errors


@dataclass(frozen=True)
class ErrorRow:
    """One norm's relative error over cases: median, 90th centile, the worst and whose it is."""

    norm: str
    median: float
    high: float
    worst: float
    worst_case: str


def evaluate_surrogate(surrogate: Surrogate, cases: Sequence[Case]) -> list[ErrorRow]:
    """Predict each case and compare with its solution.

    Raises:
        InputError: A case without a solution, or without one that differs from zero; a prediction that is not finite.
    """
    errors: dict[str, list[float]] = {}
    for case in cases:
        if case.target is None:
            raise InputError(f"{case.name} has no solution to compare with", expected="point data 'u'")
        predicted = surrogate.predict(case)
        if not np.isfinite(predicted).all():
            raise InputError(
                f"{case.name}: {np.sum(~np.isfinite(predicted))} predicted values are not finite",
                fix="train again with a lower learning rate or other seed",
            )
        for norm, value in relative_errors(case.mesh, predicted, case.target).items():
            if np.isnan(value):
                raise InputError(
                    f"{case.name}: its solution is zero in the norm {norm}, so that no error is relative to it"
                )
            errors.setdefault(norm, []).append(value)
    return [
        ErrorRow(
            norm,
            float(np.median(values)),
            float(np.percentile(values, 90)),
            max(values),
            cases[int(np.argmax(values))].name,
        )
        for norm, values in errors.items()
    ]
