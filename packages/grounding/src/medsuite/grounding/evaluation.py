"""Everything a table about grounding should say: AP, RoDeO, pointing, their intervals, and the reading aids."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError
from medsuite.core.stats import Interval
from medsuite.grounding.boxes import as_boxes
from medsuite.grounding.data import Annotations
from medsuite.grounding.knowledge import KnowledgeBase
from medsuite.grounding.metrics import (
    CocoResult,
    RodeoResult,
    ap_interval,
    cases_of,
    coco_ap,
    found_interval,
    pointing_interval,
    rodeo,
    rodeo_interval,
)
from medsuite.grounding.metrics.cases import Prediction


@dataclass(frozen=True)
class Evaluation:
    """The measures of one set of predictions, under the protocol of AG-KD: only findings that are present are asked.

    Attributes:
        images: Number of images.
        coco: COCO AP.
        rodeo: RoDeO over all boxes (micro average).
        rodeo_total: RoDeO's total with its interval.
        pointing: Pointing game with its interval.
        found: Share of queries whose best box reaches IoU 0.5, with its interval.
        ap_50: COCO AP at IoU 0.5 with its interval.
    """

    images: int
    coco: CocoResult
    rodeo: RodeoResult
    rodeo_total: Interval
    pointing: Interval
    found: Interval
    ap_50: Interval

    def to_json(self) -> dict[str, Any]:
        """Return all numbers as JSON values; an undefined one is null."""
        return _without_nan(asdict(self))


def evaluate(
    annotations: Annotations,
    predictions: Sequence[Prediction],
    *,
    classes: Sequence[str] | None = None,
    knowledge: KnowledgeBase | None = None,
    seed: int = 0,
) -> Evaluation:
    """Measure predictions against annotations.

    Args:
        annotations: The truth; images without boxes take part.
        predictions: At most one per image.
        classes: Class names; those of the annotations when left out.
        knowledge: Other names of the classes, under which predictions may list them.
        seed: Seed of the resampling of images.

    Raises:
        InputError: A prediction does not belong to the annotations, or there is nothing to measure.
    """
    cases, names = cases_of(annotations, predictions, classes, knowledge)
    rng = np.random.default_rng(seed)
    return Evaluation(
        images=len(cases),
        coco=coco_ap(cases, names),
        rodeo=rodeo(cases, len(names)),
        rodeo_total=rodeo_interval(cases, len(names), rng),
        pointing=pointing_interval(cases, rng),
        found=found_interval(cases, rng),
        ap_50=ap_interval(cases, len(names), rng),
    )


def read_predictions(path: Path) -> list[Prediction]:
    """Read predictions: a JSON list of `{"image_id", "labels", "boxes", "scores"}`, boxes xyxy in original pixels.

    `scores` may be left out where a model gives none: all boxes then count alike.

    Raises:
        InputError: The file is missing, no JSON or another layout, or a box has no area.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error})", expected="predictions as JSON") from error
    if not isinstance(content, list):
        raise InputError(f"{path} holds a {type(content).__name__}", expected="a list with an entry per image")
    return [_prediction(entry, f"{path} entry {number}") for number, entry in enumerate(content)]


def write_predictions(predictions: Sequence[Prediction]) -> str:
    """Return the JSON text that `read_predictions` reads."""
    entries = [
        {
            "image_id": each.image_id,
            "labels": list(each.labels),
            "boxes": each.boxes.tolist(),
            "scores": each.scores.tolist(),
        }
        for each in predictions
    ]
    return json.dumps(entries, indent=1, ensure_ascii=False) + "\n"


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_nan(part) for name, part in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def _prediction(entry: Any, where: str) -> Prediction:
    if not isinstance(entry, Mapping) or not {"image_id", "labels", "boxes"} <= set(entry):
        raise InputError(f"{where} is no prediction", expected="image_id, labels and boxes")
    labels = entry["labels"]
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise InputError(f"{where} has the labels {labels!r}", expected="a list of names, one a box")
    boxes = as_boxes(entry["boxes"], where=where)
    given = entry.get("scores")
    scores = _scores([1.0] * len(labels) if given is None else given, where)
    if not len(boxes) == len(labels) == len(scores):
        raise InputError(f"{where} has {len(boxes)} boxes, {len(labels)} labels and {len(scores)} scores")
    return Prediction(str(entry["image_id"]), tuple(labels), boxes, scores)


def _scores(values: Any, where: str) -> Float[np.ndarray, "box"]:
    try:
        scores = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where} has the scores {values!r}", expected="a list of numbers, one a box") from error
    if scores.ndim != 1 or not np.isfinite(scores).all():
        raise InputError(f"{where} has the scores {values!r}", expected="a list of finite numbers, one a box")
    return scores
