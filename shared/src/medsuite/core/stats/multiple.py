"""P-values adjusted for their number: Holm for the family-wise error, Benjamini-Hochberg for false discoveries."""

import numpy as np
from jaxtyping import Float, Shaped

from medsuite.core.stats.checks import probabilities


def holm(p_values: Shaped[np.ndarray, "test"]) -> Float[np.ndarray, "test"]:
    """Adjust p-values so that rejecting those up to α keeps the family-wise error at α (Holm 1979).

    The i-th smallest of m becomes max over j <= i of min(1, (m - j + 1) p₍ⱼ₎); valid under any dependence. O(m log m).

    Args:
        p_values: One p-value per hypothesis, in any order.

    Raises:
        InputError: A value is NaN or outside [0, 1].
    """
    checked = probabilities(p_values, "p_values")
    order = np.argsort(checked, kind="stable")
    stepped = np.maximum.accumulate(np.arange(len(checked), 0, -1) * checked[order])
    adjusted = np.empty_like(checked)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


def benjamini_hochberg(p_values: Shaped[np.ndarray, "test"]) -> Float[np.ndarray, "test"]:
    """Adjust p-values so that rejecting those up to q keeps the false discovery rate at q (Benjamini, Hochberg 1995).

    The i-th smallest of m becomes min over j >= i of min(1, m p₍ⱼ₎ / j); valid for independent or positively
    dependent tests. SciPy's `false_discovery_control`; O(m log m).

    Args:
        p_values: One p-value per hypothesis, in any order.

    Raises:
        InputError: A value is NaN or outside [0, 1].
    """
    from scipy.stats import false_discovery_control

    checked = probabilities(p_values, "p_values")
    return false_discovery_control(checked, method="bh") if len(checked) else checked
