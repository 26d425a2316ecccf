"""Tests of two arms on the same units, and of a count against chance: exact where that is affordable."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Shaped

from medsuite.core.stats.checks import binary, same_length, sample
from medsuite.core.stats.interval import check_counts
from medsuite.core.stats.results import HypothesisTest

SCIPY_CELLS = 2**17
"""Number of permuted values that SciPy holds at once: 1 MB; all at once would be gigabytes, fewer are slower."""


def binomial_test(successes: int | np.integer, trials: int | np.integer, *, chance: float = 0.5) -> HypothesisTest:
    """Test that a success has probability `chance`: the exact two-sided binomial test; the statistic is the count.

    Args:
        successes: How many trials succeeded.
        trials: How many there were.
        chance: Probability of a success under the null hypothesis.

    Raises:
        InputError: No trials, or more successes than trials.
    """
    from scipy.stats import binomtest

    check_counts(successes, trials)
    p = float(binomtest(int(successes), int(trials), chance).pvalue)
    return HypothesisTest(float(successes), p, int(trials), "exact binomial test")


def sign_test(differences: Shaped[np.ndarray, "unit"]) -> HypothesisTest:
    """Test that positive and negative differences are equally likely; zeros are left out, as is the custom.

    The statistic is the number of positive differences, `n` the number that are not zero; p = 1 if there is none.

    Args:
        differences: One paired difference per unit.

    Raises:
        InputError: No units, or a value that is not finite.
    """
    checked = sample(differences, "differences")
    return _even_split(int((checked > 0).sum()), int((checked < 0).sum()), "exact sign test")


def mcnemar_test(first: Shaped[np.ndarray, "unit"], second: Shaped[np.ndarray, "unit"]) -> HypothesisTest:
    """Test that two arms succeed equally often on the same units: the exact McNemar test (McNemar 1947).

    The statistic is the number of units where only `first` succeeds, `n` the number of discordant units: the
    binomial test of the one among the other. p = 1 if no unit is discordant.

    Args:
        first: 1 or True where the first arm succeeds.
        second: The same for the second arm.

    Raises:
        InputError: A value is not binary, there are no units, or the lengths differ.
    """
    same_length(first=first, second=second)
    of_first, of_second = binary(sample(first, "first"), "first"), binary(sample(second, "second"), "second")
    only_first, only_second = int((of_first & ~of_second).sum()), int((of_second & ~of_first).sum())
    return _even_split(only_first, only_second, "exact McNemar test")


def paired_permutation_test(
    differences: Shaped[np.ndarray, "unit"], *, rng: np.random.Generator, resamples: int = 9999
) -> HypothesisTest:
    """Test that paired differences are symmetric about zero, by flipping their signs; the statistic is their mean.

    SciPy's `permutation_test`: all 2ⁿ flips if they are no more than `resamples`, otherwise a random choice whose
    p-value counts the sample itself and so is valid. O(resamples x units).

    Args:
        differences: One paired difference per unit.
        rng: Source of randomness, used when the flips are not all enumerated.
        resamples: Number of random flips.

    Raises:
        InputError: Fewer than two units, or a value that is not finite.
    """
    checked = sample(differences, "differences", least=2)
    return _permute([checked], _mean, "samples", rng, resamples, "sign-flip permutation test")


def permutation_test(
    first: Shaped[np.ndarray, "unit"],
    second: Shaped[np.ndarray, "other_unit"],
    *,
    rng: np.random.Generator,
    resamples: int = 9999,
) -> HypothesisTest:
    """Test that two independent groups have one distribution, by exchanging units.

    The statistic is the difference of means. SciPy's `permutation_test`: all exchanges if they are no more than
    `resamples`. O(resamples x units).

    Args:
        first: One number per unit of one group.
        second: One number per unit of the other group.
        rng: Source of randomness, used when the exchanges are not all enumerated.
        resamples: Number of random exchanges.

    Raises:
        InputError: A group has fewer than two units, or a value is not finite.
    """
    data = [sample(first, "first", least=2), sample(second, "second", least=2)]
    return _permute(data, _difference_of_means, "independent", rng, resamples, "permutation test")


def _even_split(ups: int, downs: int, method: str) -> HypothesisTest:
    n = ups + downs
    return HypothesisTest(float(ups), binomial_test(ups, n).p if n else 1.0, n, method)


def _permute(
    data: list[Float[np.ndarray, "..."]],
    statistic: Callable[..., Float[np.ndarray, "..."] | np.float64],
    kind: str,
    rng: np.random.Generator,
    resamples: int,
    method: str,
) -> HypothesisTest:
    from scipy import stats

    units = sum(len(values) for values in data)
    result = stats.permutation_test(
        data,
        statistic,
        permutation_type=kind,
        vectorized=True,
        n_resamples=resamples,
        batch=max(1, SCIPY_CELLS // units),
        rng=rng,
    )
    return HypothesisTest(float(result.statistic), float(result.pvalue), units, method)


def _mean(values: Float[np.ndarray, "..."], axis: int) -> Float[np.ndarray, "..."] | np.float64:
    return np.mean(values, axis=axis)


def _difference_of_means(
    first: Float[np.ndarray, "*batch unit"], second: Float[np.ndarray, "*batch other_unit"], axis: int
) -> Float[np.ndarray, "*batch"] | np.float64:
    return np.mean(first, axis=axis) - np.mean(second, axis=axis)
