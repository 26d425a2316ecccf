"""Units of voltage: factors to millivolt, and what an implausible range is likely to mean."""

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError, unknown_name

MILLIVOLTS = {"V": 1e3, "mV": 1.0, "uV": 1e-3, "nV": 1e-6}
"""One unit in millivolt."""

_SPELLINGS = {unit.lower(): unit for unit in MILLIVOLTS} | {
    "µv": "uV",
    "μv": "uV",
    "millivolt": "mV",
    "microvolt": "uV",
}
PLAUSIBLE = (0.1, 10.0)
"""Median over the leads of the range of an electrocardiogram in mV."""


def factor(unit: str, where: str = "") -> float:
    """Return the number of millivolts in one unit.

    Args:
        unit: The unit in any usual spelling.
        where: The file and lead that it comes from, for the error.

    Raises:
        InputError: The unit is no unit of voltage.
    """
    key = unit.strip().lower()
    if key not in _SPELLINGS:
        error = unknown_name("unit", unit, MILLIVOLTS)
        if not where:
            raise error
        raise InputError(
            f"{where}: {error.what}", expected="a unit of voltage", fix="name the leads that you want (leads=)"
        )
    return MILLIVOLTS[_SPELLINGS[key]]


def median_range(signal: Float[np.ndarray, "lead sample"]) -> float:
    """Return the median over the leads of maximum minus minimum; NaN samples are left out."""
    finite = [lead[np.isfinite(lead)] for lead in signal]
    ranges = [float(np.ptp(lead)) for lead in finite if lead.size]
    return float(np.median(ranges)) if ranges else 0.0


def check_plausible(signal: Float[np.ndarray, "lead sample"], where: str) -> None:
    """Refuse numbers that are said, or assumed, to be millivolts and cannot be.

    Flat signals pass: there is nothing to judge.

    Raises:
        InputError: The median range of the leads lies outside 0.1 to 10 mV; the error names the likely factor.
    """
    size = median_range(signal)
    if size == 0 or PLAUSIBLE[0] <= size <= PLAUSIBLE[1]:
        return
    guess = "microvolts (units='uV') or ADC counts (divide by the gain)" if size > PLAUSIBLE[1] else "volts (units='V')"
    raise InputError(
        f"{where}: the leads range over {size:.3g}, which is no electrocardiogram in mV",
        expected=f"a median range of {PLAUSIBLE[0]} to {PLAUSIBLE[1]:g} mV",
        fix=f"the numbers may be {guess}; say so",
    )
