"""Where a probability becomes a prediction: the threshold with the best F1, never chosen on test patients."""

import numpy as np
from jaxtyping import Float, Shaped

from medsuite.core.errors import InputError


def best_f1_threshold(probability: Float[np.ndarray, " row"], positive: Shaped[np.ndarray, " row"]) -> float:
    """Return the threshold with the best F1 on rows with known outcomes; positive is at or above it. O(n log n).

    A half misjudges every model that learned at another prevalence than it meets: F1 = 2 hits / (predicted + true).

    Args:
        probability: Of the positive label, of validation patients.
        positive: Whether they have it.

    Raises:
        InputError: Nobody has the positive label.
    """
    if not np.any(positive):
        raise InputError("no validation patient with the positive label", expected="at least one")
    return _best(probability, np.asarray(positive, dtype=float), float(np.sum(positive)))


def expected_f1_threshold(probability: Float[np.ndarray, " row"]) -> float:
    """Return the threshold with the best expected F1 if the probabilities are true, without any outcome. O(n log n).

    The ratio of expectations, 2 sum of p above / (number above + sum of p), stands in for the expectation of the ratio.

    Args:
        probability: Of the positive label; that of a posterior is true.

    Raises:
        InputError: There is no row.
    """
    if len(probability) == 0:
        raise InputError("no probability", expected="at least one")
    return _best(probability, probability, float(probability.sum()))


def _best(probability: Float[np.ndarray, " row"], gain: Float[np.ndarray, " row"], total: float) -> float:
    order = np.argsort(-probability, kind="stable")
    scores = 2 * np.cumsum(gain[order]) / (np.arange(1, len(order) + 1) + total)
    ranked = probability[order]
    # Rows of one probability are predicted together: only the last of them is a cut.
    cuts = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    return float(ranked[cuts[np.argmax(scores[cuts])]])
