"""The control: a reward that knows nothing of the question."""

import numpy as np

from medsuite.core.errors import InputError
from medsuite.med_r1.schema import Question


class RandomReward:
    """Pays 1 or 0 by a coin, whatever the completion says.

    A model that gains under it gains from the format or from drift, not from being told what is right. Unlike the
    other rewards it is not a function of its arguments: each call tosses anew.

    Args:
        rng: The coin.
        probability: Of being paid.

    Raises:
        InputError: The probability is not between 0 and 1.
    """

    def __init__(self, rng: np.random.Generator, probability: float = 0.5) -> None:
        if not 0 < probability < 1:
            raise InputError(f"probability {probability}", expected="between 0 and 1")
        self.rng = rng
        self.probability = probability

    def __call__(self, completion: str, question: Question) -> float:
        """Return 0 or 1."""
        return float(self.rng.random() < self.probability)
