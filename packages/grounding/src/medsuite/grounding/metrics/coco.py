"""COCO average precision, by faster-coco-eval, whose values equal pycocotools'."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medsuite.core.errors import InputError
from medsuite.grounding.boxes import Boxes
from medsuite.grounding.metrics.cases import Case


@dataclass(frozen=True)
class CocoResult:
    """COCO's averages, in [0, 1].

    Attributes:
        mean: AP over IoU 0.50 to 0.95, mean over the classes that have a true box.
        at_50: AP at IoU 0.50.
        at_75: AP at IoU 0.75.
        recall: Average recall with up to 100 boxes an image.
        per_class: AP at IoU 0.50 of each class, NaN for a class without a true box.
    """

    mean: float
    at_50: float
    at_75: float
    recall: float
    per_class: Mapping[str, float]


def coco_ap(cases: Sequence[Case], classes: Sequence[str]) -> CocoResult:
    """Measure COCO AP.

    Args:
        cases: Images with their boxes and scores. With constant scores AP is a step on one operating point.
        classes: Class names by index.

    Raises:
        InputError: No image has a true box, or a score is not finite.
    """
    from faster_coco_eval import COCO, COCOeval_faster

    if not any(len(case.targets) for case in cases):
        raise InputError(f"none of {len(cases)} images has a true box", expected="at least one")
    for case in cases:
        if not np.isfinite(case.scores).all():
            raise InputError(f"image {case.image_id!r} has a score that is not finite")
    truth = COCO(_truth(cases, classes))
    evaluation = COCOeval_faster(truth, truth.loadRes(_answers(cases)), iouType="bbox", print_function=_say_nothing)
    evaluation.evaluate()
    evaluation.accumulate()
    # Axes: IoU threshold, recall, class, area (0 is all), boxes an image (last is 100); -1 where there is no true box.
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    recall = evaluation.eval["recall"][:, :, 0, -1]
    precision, recall = (np.where(values < 0, np.nan, values) for values in (precision, recall))
    at_50 = precision[0].mean(axis=0)
    return CocoResult(
        float(np.nanmean(precision)),
        float(np.nanmean(precision[0])),
        float(np.nanmean(precision[5])),
        float(np.nanmean(recall)),
        dict(zip(classes, at_50.tolist(), strict=True)),
    )


def _truth(cases: Sequence[Case], classes: Sequence[str]) -> dict[str, list[dict[str, object]]]:
    annotations: list[dict[str, object]] = []
    for image, case in enumerate(cases, start=1):
        for box, label in zip(_xywh(case.targets), case.target_classes.tolist(), strict=True):
            shared = {"id": len(annotations) + 1, "image_id": image, "category_id": label + 1}
            annotations.append({**shared, "bbox": box, "area": box[2] * box[3], "iscrowd": 0})
    return {
        "images": [{"id": image} for image in range(1, len(cases) + 1)],
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for number, name in enumerate(classes, start=1)],
    }


def _answers(cases: Sequence[Case]) -> list[dict[str, object]]:
    return [
        {"image_id": image, "category_id": label + 1, "bbox": box, "score": score}
        for image, case in enumerate(cases, start=1)
        for box, label, score in zip(_xywh(case.boxes), case.classes.tolist(), case.scores.tolist(), strict=True)
    ]


def _xywh(boxes: Boxes) -> list[list[float]]:
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).tolist()


def _say_nothing(*_: object) -> None:
    """Swallow the evaluator's progress messages."""
