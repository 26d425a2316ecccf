"""Seeds of the commands."""

import numpy as np

from medsuite.core.errors import InputError

LARGEST = 2**32
"""One more than the largest seed that all libraries take."""


def check_seed(seed: int) -> None:
    """Refuse a seed that some library does not take.

    Raises:
        InputError: It is negative or too large.
    """
    if not 0 <= seed < LARGEST:
        raise InputError(f"seed {seed}", expected=f"0 to {LARGEST - 1}")


def generator(seed: int) -> np.random.Generator:
    """Return NumPy's generator of a seed.

    Raises:
        InputError: As `check_seed`.
    """
    check_seed(seed)
    return np.random.default_rng(seed)
