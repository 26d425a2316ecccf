"""Classical models from a split cohort to files of predictions."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from medsuite.bench.clinical.classical import MODELS, Data, Fitted, fit_paper, fit_tuned
from medsuite.bench.clinical.cohort import Cohort
from medsuite.bench.clinical.features import CodeFeatures, PaperFeatures
from medsuite.bench.clinical.predictions import Predictions, write_predictions
from medsuite.bench.clinical.splits import Split
from medsuite.core.errors import unknown_name


def predict_classical(
    cohort: Cohort,
    split: Split,
    out: Path,
    models: Sequence[str] | None = None,
    configurations: int = 1,
    restarts: int = 1,
    seed: int = 0,
) -> Iterator[tuple[Path, Fitted]]:
    """Fit models one after the other, write `MODEL.jsonl` for each, and yield its path.

    Features are the paper's word counts in the paper's preset, and codes with their version otherwise.

    Args:
        cohort: Labelled stays.
        split: Who is learned from, chosen on, and predicted.
        out: Folder of the files; made if it is not there.
        models: Names of `MODELS`; all when left out.
        configurations: Settings tried for each model; 1 keeps the paper's.
        restarts: Seeds tried for tree, forest and perceptron where the settings are the paper's.
        seed: Decides the fits.

    Raises:
        InputError: A name is unknown, or the cohort is too small.
        MissingDependencyError: A library is not installed.
    """
    chosen = list(models or MODELS)
    for name in chosen:
        if name not in MODELS:
            raise unknown_name("classical model", name, MODELS)
    features = (PaperFeatures() if cohort.task.preset == "paper" else CodeFeatures()).fit(cohort, split.train)
    first = cohort.task.labels[0]
    parts = [(features.transform(cohort, rows), cohort.label[rows] - first) for rows in (split.train, split.validation)]
    data = Data(*parts[0], *parts[1])
    X = features.transform(cohort, split.test)
    out.mkdir(parents=True, exist_ok=True)
    for name in chosen:
        tuned = configurations > 1
        fitted = fit_tuned(name, data, configurations, seed) if tuned else fit_paper(name, data, seed, restarts)
        path = out / f"{name.replace(' ', '-')}{'-tuned' if tuned else ''}.jsonl"
        write_predictions(path, _predictions(cohort, split, fitted, fitted.predict(X), tuned))
        yield path, fitted


def _predictions(cohort: Cohort, split: Split, fitted: Fitted, probability: np.ndarray, tuned: bool) -> Predictions:
    labels = np.array(cohort.task.labels)
    values, counts = np.unique(cohort.label[split.train], return_counts=True)
    return Predictions(
        f"{fitted.name}, tuned" if tuned else fitted.name,
        cohort.task.name,
        cohort.task.labels,
        cohort.subject_id[split.test],
        cohort.label[split.test],
        np.full(len(split.test), "answered"),
        labels[probability.argmax(axis=1)],
        probability,
        int(values[counts.argmax()]),
        {"settings": dict(fitted.settings), "fits": fitted.tried, "validation_auroc": fitted.validation},
    )
