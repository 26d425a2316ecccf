"""What a user of the package meets first: from rows to a sentence, reproducibly, at the price of NumPy."""

import inspect
import subprocess
import sys

import numpy as np
import pytest

from medsuite.core import stats
from medsuite.core.claims import Measurement
from medsuite.core.stats import bootstrap_crossed_mean, bootstrap_mean, mcnemar_test, student_interval, tabulate


@pytest.fixture
def rows(rng):
    """Three seeds of two arms on the same 80 questions, of which the full cache answers 15 % more."""
    skill = rng.random(80)
    return [
        Measurement(arm, seed, f"question {unit}", "correct", float(skill[unit] < chance and rng.random() < 0.95))
        for arm, chance in (("full", 0.9), ("pruned", 0.75))
        for seed in range(3)
        for unit in range(80)
    ]


def test_rows_of_two_arms_become_one_sentence(rows):
    gain = tabulate(rows, arm="full", metric="correct") - tabulate(rows, arm="pruned", metric="correct")
    over_units = bootstrap_mean(gain.unit_means(), rng=np.random.default_rng(0))
    over_both = bootstrap_crossed_mean(gain.values, rng=np.random.default_rng(0))
    over_seeds = student_interval(gain.seed_means())
    assert over_units.estimate == pytest.approx(over_both.estimate)
    assert over_units.estimate == pytest.approx(over_seeds.estimate)
    assert not over_units.excludes(0.15)
    assert over_units.excludes(0.0)
    assert str(over_units).endswith("(95 % BCa bootstrap, n = 80)")


def test_rows_of_one_seed_become_a_paired_test(rows):
    full, pruned = (tabulate(rows, arm=arm, metric="correct").values[0] for arm in ("full", "pruned"))
    test = mcnemar_test(full, pruned)
    assert test.statistic - (test.n - test.statistic) == full.sum() - pruned.sum()


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_a_higher_level_gives_a_wider_interval(rng, method):
    values = rng.exponential(size=50)
    intervals = [
        bootstrap_mean(values, rng=np.random.default_rng(0), level=level, method=method)
        for level in (0.5, 0.8, 0.95, 0.99)
    ]
    lows, highs = np.array([(interval.low, interval.high) for interval in intervals]).T
    assert (np.diff(lows) < 0).all()
    assert (np.diff(highs) > 0).all()


def test_the_same_generator_gives_the_same_interval_and_another_nearly_so(rng):
    values = rng.exponential(size=50)
    first, again, other = (bootstrap_mean(values, rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert other.ends == pytest.approx(first.ends, abs=0.05 * (first.high - first.low))


def test_functions_leave_their_arguments_as_they_were(rng):
    values, labels = rng.random(20), np.arange(20) % 2
    for array in (values, labels):
        array.setflags(write=False)
    bootstrap_mean(values, rng=rng, resamples=10, strata=labels)
    assert stats.holm(values).max() <= 1
    assert stats.delong_test(values, values, labels).p == 1
    assert stats.brier_score(values, labels) > 0


def test_importing_loads_neither_scipy_nor_anything_heavier():
    code = (
        "import sys, medsuite.core.stats; print([name for name in ('scipy', 'pandas', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", stats.__all__)
def test_every_public_name_says_what_it_is(name):
    assert len(inspect.getdoc(getattr(stats, name))) > 40
