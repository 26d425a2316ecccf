"""Brains that say nothing about the text: what a decoder reaches with them, it owes to the language model."""

import numpy as np
from jaxtyping import Float, Int

from medsuite.core.errors import InputError

LEAST_SHIFT = 30
"""TRs of the smallest circular shift: 60 s, beyond the haemodynamic response and most of a story's topics."""


def exchange(windows: int, rng: np.random.Generator) -> Int[np.ndarray, "window"]:
    """Draw a permutation of windows that leaves none in its place: a random cycle (Sattolo 1986).

    Args:
        windows: Number of windows.
        rng: Source of the permutation.

    Raises:
        InputError: There are fewer than two windows.
    """
    if windows < 2:
        raise InputError(f"a permutation of {windows} windows", expected="at least 2")
    cycle = rng.permutation(windows)
    permutation = np.empty(windows, dtype=np.int64)
    permutation[cycle] = np.roll(cycle, 1)
    return permutation


def shift(bold: Float[np.ndarray, "row voxel"], rng: np.random.Generator) -> Float[np.ndarray, "row voxel"]:
    """Turn a story's response around in time by at least 60 s either way: its autocorrelation stays, the text is lost.

    Args:
        bold: Response to one story.
        rng: Source of the shift.

    Raises:
        InputError: The story is too short for such a shift.
    """
    if len(bold) < 2 * LEAST_SHIFT + 1:
        raise InputError(f"a response of {len(bold)} TRs", expected=f"at least {2 * LEAST_SHIFT + 1}")
    return np.roll(bold, int(rng.integers(LEAST_SHIFT, len(bold) - LEAST_SHIFT + 1)), axis=0)
