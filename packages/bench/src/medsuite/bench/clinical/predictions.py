"""Predictions of one model for the test patients of one task and view, and their file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from medsuite.core.errors import InputError
from medsuite.core.runs import write_atomically


@dataclass(frozen=True)
class Predictions:
    """What a model predicted.

    Attributes:
        model: Name of the model.
        task: Name of the task, which names the view; two models are compared within one task alone.
        labels: All labels, in order.
        subject_id: Patients, in ascending order.
        truth: Their labels.
        state: `answered`, or why there is no answer.
        label: The predicted label; -1 where there is none.
        probability: One column a label; NaN where there is none.
        majority: The most frequent label of the training patients, which stands in for a missing answer.
        about: Whatever else describes how the predictions came about.
    """

    model: str
    task: str
    labels: tuple[int, ...]
    subject_id: Int[np.ndarray, " patient"]
    truth: Int[np.ndarray, " patient"]
    state: Shaped[np.ndarray, " patient"]
    label: Int[np.ndarray, " patient"]
    probability: Float[np.ndarray, "patient label"]
    majority: int
    about: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def answered(self) -> Shaped[np.ndarray, " patient"]:
        """Who has an answer."""
        return self.state == "answered"


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write predictions as JSON lines: the head, then one line a patient."""
    head = {name: getattr(predictions, name) for name in ("model", "task", "labels", "majority", "about")}
    columns = zip(
        predictions.subject_id.tolist(),
        predictions.truth.tolist(),
        predictions.state.tolist(),
        predictions.label.tolist(),
        [[None if np.isnan(p) else p for p in row] for row in predictions.probability.tolist()],
        strict=True,
    )
    names = ("subject_id", "truth", "state", "label", "probability")
    lines = [json.dumps(head), *(json.dumps(dict(zip(names, row, strict=True))) for row in columns)]
    write_atomically(path, "\n".join(lines) + "\n")


def read_predictions(path: Path) -> Predictions:
    """Read predictions.

    Raises:
        InputError: The file is missing, holds no patient, other labels than it names, or is no file of predictions.
    """
    if not path.is_file():
        raise InputError(
            f"{path} does not exist", expected="a file that `medsuite bench clinical classical` or `ask` wrote"
        )
    try:
        head, *rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        columns = {name: np.array([row[name] for row in rows]) for name in ("subject_id", "truth", "state", "label")}
        probability = np.array([row["probability"] for row in rows], dtype=float)
        described = {name: head[name] for name in ("model", "task", "majority", "about")}
        labels = tuple(head["labels"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no file of predictions", fix="make it again") from error
    if not rows:
        raise InputError(f"{path} holds no patient", expected="one line a patient")
    if probability.shape != (len(rows), len(labels)) or not np.isin(columns["truth"], labels).all():
        raise InputError(f"{path} has other labels than {labels}", fix="make it again")
    return Predictions(**described, **columns, labels=labels, probability=probability)  # type: ignore[arg-type]
