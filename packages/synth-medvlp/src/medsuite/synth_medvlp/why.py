"""What a difference between two data sets is owed to: a 2 x 2 x 2 experiment, main effects and a Shapley split."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, product
from math import factorial

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError

FACTORS = ("balance", "cleanliness", "domain")
Cell = tuple[int, int, int]
CELLS: tuple[Cell, ...] = tuple((b, c, d) for b, c, d in product((0, 1), repeat=3))
"""Balance, cleanliness and domain, each 0 as in the real set or 1 as in the synthetic one."""


@dataclass(frozen=True)
class Effects:
    """The saturated model of eight cells, once for each seed, or for each seed and class.

    Attributes:
        main: For each factor, the mean over the four settings of the others of (factor at 1) - (factor at 0).
        interaction: For each pair of factors, half the difference of one's effects at the other's 1 and 0.
        shapley: Each factor's part of cell (1, 1, 1) - cell (0, 0, 0), averaged over all orders of turning the
            factors on; the parts add up exactly.
    """

    main: Mapping[str, Float[np.ndarray, "*values"]]
    interaction: Mapping[str, Float[np.ndarray, "*values"]]
    shapley: Mapping[str, Float[np.ndarray, "*values"]]


def factorial_effects(cells: Mapping[Cell, Float[np.ndarray, "*values"]]) -> Effects:
    """Split eight cells into effects.

    Args:
        cells: For each cell a value for each seed, or for each seed and class.

    Raises:
        InputError: A cell is missing.
    """
    if missing := [cell for cell in CELLS if cell not in cells]:
        raise InputError(f"cell {missing[0]} is missing", expected="all eight of balance, cleanliness and domain")
    return Effects(
        {name: _contrast(cells, (place,)) for place, name in enumerate(FACTORS)},
        {
            f"{FACTORS[first]} x {FACTORS[second]}": _contrast(cells, (first, second))
            for first, second in combinations(range(3), 2)
        },
        {name: _shapley(cells, place) for place, name in enumerate(FACTORS)},
    )


def _contrast(
    cells: Mapping[Cell, Float[np.ndarray, "*values"]], factors: tuple[int, ...]
) -> Float[np.ndarray, "*values"]:
    """Return ¼ Σ over cells of the product of the factors' signs."""
    signed = [np.prod([2 * cell[factor] - 1 for factor in factors]) * cells[cell] for cell in CELLS]
    return np.sum(signed, axis=0) / 4


def _shapley(cells: Mapping[Cell, Float[np.ndarray, "*values"]], factor: int) -> Float[np.ndarray, "*values"]:
    """Return Σ over settings S of the others of |S|! (2 - |S|)! / 3! (value with the factor - value without)."""
    total = np.zeros_like(cells[CELLS[0]], dtype=float)
    for cell in CELLS:
        if not cell[factor]:
            on = tuple(1 if place == factor else value for place, value in enumerate(cell))
            weight = factorial(sum(cell)) * factorial(2 - sum(cell)) / factorial(3)
            total += weight * (cells[on[0], on[1], on[2]] - cells[cell])
    return total
