"""Compare the speed of `medsuite.core.stats` with SciPy, scikit-learn and slow definitions, and check the agreement.

    python benchmarks/stats.py [--json stats.json] [--repeats 5]

Each row times both sides in this process, alternating, in CPU time, so that a busy machine changes little, and prints
the ratio of their medians. The sign flips are SciPy's on our side: the row shows what a matrix of signs would gain.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import scipy
from scipy import stats as scipy_stats
from sklearn.metrics import roc_auc_score

from medsuite.core.stats import (
    bootstrap_distribution,
    bootstrap_mean,
    bootstrap_weighted,
    delong,
    paired_permutation_test,
    weighted_auroc,
)


@dataclass(frozen=True)
class Row:
    """One comparison: median CPU seconds of both sides and the largest difference of their results."""

    task: str
    peer: str
    ours_s: float
    peer_s: float
    difference: float

    @property
    def ratio(self) -> float:
        """How many times faster than the peer."""
        return self.peer_s / self.ours_s


def seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def compare(task: str, peer: str, ours: Callable[[], object], theirs: Callable[[], object], repeats: int) -> Row:
    difference = float(np.max(np.abs(np.asarray(ours()) - np.asarray(theirs()))))
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(repeats)]
    ours_s, peer_s = (statistics.median(side) for side in zip(*pairs, strict=True))
    return Row(task, peer, ours_s, peer_s, difference)


def mean_against_scipy(units: int, repeats: int) -> Row:
    values = np.random.default_rng(0).exponential(size=units)

    def ours() -> tuple[float, float]:
        interval = bootstrap_mean(values, rng=np.random.default_rng(1))
        return interval.low, interval.high

    def theirs() -> tuple[float, float]:
        result = scipy_stats.bootstrap((values,), np.mean, batch=max(1, 2**20 // units), rng=np.random.default_rng(1))
        return tuple(result.confidence_interval)

    return compare(f"BCa of a mean, {units} units, 9999 resamples", "scipy.stats.bootstrap", ours, theirs, repeats)


def labelled_scores(cases: int, models: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = (np.arange(cases) % 3 == 0).astype(int)
    return np.round(rng.normal(size=(models, cases)) + labels, 2), labels


def auroc_against_scikit_learn(cases: int, resamples: int, repeats: int) -> Row:
    (scores,), labels = labelled_scores(cases, 1)

    def ours() -> np.ndarray:
        return bootstrap_distribution(
            lambda weights: weighted_auroc(scores, labels, weights),
            cases,
            rng=np.random.default_rng(1),
            resamples=resamples,
            strata=labels,
        )

    def theirs() -> np.ndarray:
        return bootstrap_distribution(
            lambda weights: np.array([roc_auc_score(labels, scores, sample_weight=row) for row in weights]),
            cases,
            rng=np.random.default_rng(1),
            resamples=resamples,
            strata=labels,
        )

    task = f"AUROC of {resamples} resamples, {cases} cases"
    return compare(task, "sklearn roc_auc_score in a loop", ours, theirs, repeats)


def auroc_interval_against_scipy(cases: int, repeats: int) -> Row:
    (scores,), labels = labelled_scores(cases, 1)
    positives, negatives = scores[labels == 1], scores[labels == 0]

    def rank_auroc(x: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
        ranks = scipy_stats.rankdata(np.concatenate([x, y], axis=axis), axis=axis)[..., : x.shape[-1]]
        return (ranks.mean(axis=axis) - (x.shape[-1] + 1) / 2) / y.shape[-1]

    def ours() -> tuple[float, float]:
        interval = bootstrap_weighted(
            lambda weights: weighted_auroc(scores, labels, weights), cases, rng=np.random.default_rng(1), strata=labels
        )
        return interval.low, interval.high

    def theirs() -> tuple[float, float]:
        options = {"batch": max(1, 2**20 // cases), "rng": np.random.default_rng(1)}
        return tuple(scipy_stats.bootstrap((positives, negatives), rank_auroc, **options).confidence_interval)

    return compare(f"BCa of an AUROC, {cases} cases", "scipy.stats.bootstrap of ranks", ours, theirs, repeats)


def delong_against_definition(cases: int, models: int, repeats: int) -> Row:
    scores, labels = labelled_scores(cases, models)

    def theirs() -> np.ndarray:
        positives, negatives = scores[:, labels == 1, None], scores[:, None, labels == 0]
        kernel = [(p > n) + (p == n) / 2 for p, n in zip(positives, negatives, strict=True)]
        of_positives, of_negatives = (np.array([k.mean(axis=axis) for k in kernel]) for axis in (1, 0))
        return np.cov(of_positives) / positives.shape[1] + np.cov(of_negatives) / negatives.shape[2]

    task = f"DeLong covariance, {models} scores, {cases} cases"
    return compare(task, "definition over all pairs", lambda: delong(scores, labels).covariance, theirs, repeats)


def flips_against_matrix(units: int, repeats: int) -> Row:
    differences = np.random.default_rng(0).normal(0.1, 1, size=units)

    def theirs() -> float:
        signs = np.random.default_rng(1).integers(2, size=(9999, units)) * 2.0 - 1
        extreme = np.abs(signs @ differences) >= abs(differences.sum()) * (1 - 1e-12)
        return float((extreme.sum() + 1) / 10_000)

    task = f"sign-flip test, {units} units, 9999 flips"
    return compare(
        task,
        "one matrix of signs",
        lambda: paired_permutation_test(differences, rng=np.random.default_rng(1)).p,
        theirs,
        repeats,
    )


def import_seconds(statement: str) -> float:
    code = f"import time; start = time.process_time(); {statement}; print(time.process_time() - start)"
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def import_against_scipy(repeats: int) -> Row:
    ours = statistics.median(import_seconds("import medsuite.core.stats") for _ in range(repeats))
    theirs = statistics.median(import_seconds("import scipy.stats") for _ in range(repeats))
    return Row("import medsuite.core.stats (numpy included)", "import scipy.stats", ours, theirs, 0.0)


def measure(repeats: int) -> list[Row]:
    return [
        mean_against_scipy(75, repeats),
        mean_against_scipy(2000, repeats),
        auroc_interval_against_scipy(1000, repeats),
        auroc_against_scikit_learn(1000, 500, repeats),
        delong_against_definition(2000, 2, repeats),
        delong_against_definition(10_000, 2, repeats),
        flips_against_matrix(400, repeats),
        import_against_scipy(repeats),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, default=Path("stats.json"))
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    rows = measure(options.repeats)
    print(f"{'task':<46} {'ours':>9} {'peer':>9} {'ratio':>7} {'differ by':>10}  peer")
    for row in rows:
        times = f"{1e3 * row.ours_s:>6.1f} ms {1e3 * row.peer_s:>6.0f} ms {row.ratio:>6.1f}x"
        print(f"{row.task:<46} {times} {row.difference:>10.1e}  {row.peer}")
    machine = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
    report = {
        "machine": machine | {"cpus": os.cpu_count()},
        "rows": [asdict(row) | {"ratio": row.ratio} for row in rows],
    }
    options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
