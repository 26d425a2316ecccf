"""Classical models from a split cohort to files of predictions."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from medsuite.bench.clinical.classical import MODELS, Data, Fitted, fit_paper, fit_tuned
from medsuite.bench.clinical.cohort import Cohort
from medsuite.bench.clinical.features import CodeFeatures, PaperFeatures
from medsuite.bench.clinical.predictions import Predictions, write_predictions
from medsuite.bench.clinical.splits import Split
from medsuite.bench.clinical.thresholds import best_f1_threshold
from medsuite.bench.output import check_folder
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

    In the paper's preset features are its word counts and the likelier label is predicted; otherwise features are codes
    with their version, and two labels part where F1 is best on validation.

    Args:
        cohort: Labelled stays.
        split: Who is learned from, chosen on, and predicted.
        out: Folder of the files; made if it is not there.
        models: Names of `MODELS`; all when left out.
        configurations: Settings tried for each model; 1 keeps the paper's.
        restarts: Seeds tried for tree, forest and perceptron where the settings are the paper's.
        seed: Decides the fits.

    Raises:
        InputError: A name is unknown, the cohort is too small, or `out` is a file.
        MissingDependencyError: A library is not installed.
    """
    check_folder(out)
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
        threshold = _threshold(cohort, fitted, data)
        write_predictions(path, _predictions(cohort, split, fitted, fitted.predict(X), threshold, tuned))
        yield path, fitted


def _threshold(cohort: Cohort, fitted: Fitted, data: Data) -> float | None:
    """Choose where two labels part, on validation; the paper takes the likelier one, and so do three labels."""
    if cohort.task.preset == "paper" or len(cohort.task.labels) > 2:
        return None
    return best_f1_threshold(fitted.predict(data.X_validation)[:, 1], data.y_validation == 1)


def _predictions(
    cohort: Cohort,
    split: Split,
    fitted: Fitted,
    probability: Float[np.ndarray, "row label"],
    threshold: float | None,
    tuned: bool,
) -> Predictions:
    labels = np.array(cohort.task.labels)
    chosen = probability.argmax(axis=1) if threshold is None else (probability[:, 1] >= threshold).astype(int)
    values, counts = np.unique(cohort.label[split.train], return_counts=True)
    return Predictions(
        f"{fitted.name}, tuned" if tuned else fitted.name,
        cohort.task.name,
        cohort.task.labels,
        cohort.subject_id[split.test],
        cohort.label[split.test],
        np.full(len(split.test), "answered"),
        labels[chosen],
        probability,
        int(values[counts.argmax()]),
        {
            "settings": dict(fitted.settings),
            "fits": fitted.tried,
            "validation_auroc": fitted.validation,
            "threshold": threshold,
        },
    )
