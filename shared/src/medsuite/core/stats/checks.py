"""The checks that every statistical function makes of its arguments, so that each mistake is said in one way."""

import numpy as np
from jaxtyping import Bool, Float, Shaped

from medsuite.core.errors import InputError


def numbers(values: Shaped[np.ndarray, "..."], name: str) -> Float[np.ndarray, "..."]:
    """Return values as float64.

    Raises:
        InputError: They are not numbers, or one of them is NaN or infinite.
    """
    return _finite(_as_float(values, name), name)


def sample(values: Shaped[np.ndarray, "unit"], name: str, *, least: int = 1) -> Float[np.ndarray, "unit"]:
    """Return one number per unit as float64.

    Raises:
        InputError: There are fewer than `least` units, or a value is not a finite number.
    """
    if len(values) < least:
        raise InputError(f"{name} has {len(values)} units", expected=f"at least {least}")
    return numbers(values, name)


def probabilities(values: Shaped[np.ndarray, "..."], name: str) -> Float[np.ndarray, "..."]:
    """Return probabilities as float64.

    Raises:
        InputError: A value lies outside [0, 1] or is NaN.
    """
    checked = numbers(values, name)
    if checked.size and (checked.min() < 0 or checked.max() > 1):
        raise InputError(f"{name} reaches from {checked.min():g} to {checked.max():g}", expected="values from 0 to 1")
    return checked


def binary(values: Shaped[np.ndarray, "..."], name: str) -> Bool[np.ndarray, "..."]:
    """Return outcomes as booleans.

    Raises:
        InputError: A value is neither 0 nor 1.
    """
    checked = numbers(values, name)
    others = checked[(checked != 0) & (checked != 1)]
    if others.size:
        raise InputError(f"{name} holds {others.flat[0]:g}", expected="only 0 and 1, or booleans")
    return checked == 1


def both_classes(labels: Shaped[np.ndarray, "unit"], name: str, *, least: int = 1) -> Bool[np.ndarray, "unit"]:
    """Return labels as booleans.

    Raises:
        InputError: One of the two classes has fewer than `least` members.
    """
    positive = binary(labels, name)
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if min(positives, negatives) < least:
        raise InputError(
            f"{name} holds {positives} positives and {negatives} negatives", expected=f"at least {least} of each class"
        )
    return positive


def same_length(**arrays: Shaped[np.ndarray, "..."]) -> None:
    """Check that arrays describe the same units.

    Raises:
        InputError: Their first axes differ.
    """
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) > 1:
        listing = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise InputError(f"the arrays differ in length: {listing}", expected="one entry per unit in each")


def confidence_level(level: float) -> float:
    """Return the level.

    Raises:
        InputError: It is not strictly between 0 and 1.
    """
    if not 0 < level < 1:
        fix = f"write {level / 100:g} for {level:g} %" if 1 < level < 100 else None
        raise InputError(f"level {level:g}", expected="a fraction between 0 and 1, such as 0.95", fix=fix)
    return level


def _as_float(values: Shaped[np.ndarray, "..."], name: str) -> Float[np.ndarray, "..."]:
    if values.dtype.kind not in "biuf":
        raise InputError(f"{name} has dtype {values.dtype}", expected="numbers")
    return values.astype(np.float64)


def _finite(values: Float[np.ndarray, "..."], name: str) -> Float[np.ndarray, "..."]:
    bad = int((~np.isfinite(values)).sum())
    if bad:
        fix = "drop those units, or give them the value that a failure deserves, and say which"
        raise InputError(f"{bad} of {values.size} in {name} are NaN or infinite", expected="finite numbers", fix=fix)
    return values
