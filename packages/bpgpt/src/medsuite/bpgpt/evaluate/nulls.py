"""Brains that say nothing about the text: what a decoder reaches with them, it owes to the language model."""

import math
from collections.abc import Sequence
from itertools import permutations

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
    return _cycle(rng.permutation(windows).tolist())


def exchanges(windows: int, most: int, rng: np.random.Generator) -> list[Int[np.ndarray, "window"]]:
    """Return the exchanges of a permutation test: every cycle once if there are at most `most`, else `most` at random.

    Few windows have few cycles, (windows - 1)! of them: drawing the same ones over and over would pretend to a smaller
    p value than they can give.

    Args:
        windows: Number of windows.
        most: Largest number of exchanges.
        rng: Source of the random ones.

    Raises:
        InputError: There are fewer than two windows, or no exchange is asked for.
    """
    if most < 1:
        raise InputError(f"{most} exchanges", expected="at least 1")
    if windows > 1 and math.factorial(min(windows - 1, 20)) <= most:
        return [_cycle((0, *rest)) for rest in permutations(range(1, windows))]
    return [exchange(windows, rng) for _ in range(most)]


def _cycle(order: Sequence[int]) -> Int[np.ndarray, "window"]:
    permutation = np.empty(len(order), dtype=np.int64)
    permutation[list(order)] = np.roll(order, 1)
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
