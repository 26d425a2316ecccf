"""Closed-form intervals: a mean over few seeds and a proportion."""

import numpy as np
from jaxtyping import Shaped

from medsuite.core.errors import InputError
from medsuite.core.stats.checks import confidence_level, sample
from medsuite.core.stats.results import Interval


def student_interval(values: Shaped[np.ndarray, "unit"], *, level: float = 0.95) -> Interval:
    """Return the Student-t interval of a mean: x̄ ± t(n-1) s / √n, for few values such as one per seed.

    Exact for normal values at any n of two or more, where a bootstrap of three seeds is far too narrow.

    Args:
        values: One number per independent unit.
        level: Confidence level.

    Raises:
        InputError: Fewer than two values, or a value that is not finite.
    """
    from scipy.special import stdtrit

    checked = sample(values, "values", least=2)
    mean, n = float(checked.mean()), len(checked)
    half = float(stdtrit(n - 1, (1 + confidence_level(level)) / 2) * checked.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half, level, n, "Student t")


def wilson_interval(successes: int | np.integer, trials: int | np.integer, *, level: float = 0.95) -> Interval:
    """Return Wilson's score interval of a proportion (Wilson 1927), which holds up at 0 and at 1.

    Args:
        successes: How many trials succeeded.
        trials: How many there were.
        level: Confidence level.

    Raises:
        InputError: No trials, or more successes than trials.
    """
    from scipy.stats import binomtest

    check_counts(successes, trials)
    limits = binomtest(int(successes), int(trials)).proportion_ci(confidence_level(level), method="wilson")
    return Interval(int(successes) / int(trials), float(limits.low), float(limits.high), level, int(trials), "Wilson")


def check_counts(successes: int | np.integer, trials: int | np.integer) -> None:
    """Check the counts of a binomial experiment.

    Raises:
        InputError: No trials, or successes that are negative or more than the trials.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise InputError(f"{successes} successes of {trials} trials", expected="0 <= successes <= trials, 1 <= trials")
