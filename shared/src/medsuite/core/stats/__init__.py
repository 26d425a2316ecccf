"""Statistics of experiments: intervals and tests over the units that were measured.

Functions take arrays and an explicit `numpy.random.Generator` and return an `Interval` or a `HypothesisTest`. A row
`(arm, seed, unit, metric, value)` becomes an array by `tabulate`; two arms are paired by subtracting their grids.

For example::

    gain = tabulate(rows, arm="full", metric="correct") - tabulate(rows, arm="pruned", metric="correct")
    print(bootstrap_mean(gain.unit_means(), rng=np.random.default_rng(0)))
"""

from medsuite.core.stats.auroc import (
    DeLong,
    auroc,
    auroc_difference,
    auroc_interval,
    delong,
    delong_test,
    weighted_auroc,
)
from medsuite.core.stats.bootstrap import (
    bootstrap,
    bootstrap_clusters,
    bootstrap_distribution,
    bootstrap_mean,
    bootstrap_sums,
    bootstrap_weighted,
)
from medsuite.core.stats.calibration import (
    BrierDecomposition,
    Reliability,
    brier_decomposition,
    brier_score,
    expected_calibration_error,
    reliability,
)
from medsuite.core.stats.crossed import bootstrap_crossed, bootstrap_crossed_mean
from medsuite.core.stats.grid import Grid, tabulate
from medsuite.core.stats.interval import student_interval, wilson_interval
from medsuite.core.stats.multiple import benjamini_hochberg, holm
from medsuite.core.stats.paired import (
    binomial_test,
    mcnemar_test,
    paired_permutation_test,
    permutation_test,
    sign_test,
)
from medsuite.core.stats.resampling import ratio, resample_weights, sum_by_unit
from medsuite.core.stats.results import HypothesisTest, Interval

__all__ = [
    "BrierDecomposition",
    "DeLong",
    "Grid",
    "HypothesisTest",
    "Interval",
    "Reliability",
    "auroc",
    "auroc_difference",
    "auroc_interval",
    "benjamini_hochberg",
    "binomial_test",
    "bootstrap",
    "bootstrap_clusters",
    "bootstrap_crossed",
    "bootstrap_crossed_mean",
    "bootstrap_distribution",
    "bootstrap_mean",
    "bootstrap_sums",
    "bootstrap_weighted",
    "brier_decomposition",
    "brier_score",
    "delong",
    "delong_test",
    "expected_calibration_error",
    "holm",
    "mcnemar_test",
    "paired_permutation_test",
    "permutation_test",
    "ratio",
    "reliability",
    "resample_weights",
    "sign_test",
    "student_interval",
    "sum_by_unit",
    "tabulate",
    "weighted_auroc",
    "wilson_interval",
]
