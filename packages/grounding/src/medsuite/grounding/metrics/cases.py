"""What a measure compares: the boxes of an image and those that were predicted for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from medsuite.core.errors import InputError, unknown_name
from medsuite.grounding.boxes import Boxes
from medsuite.grounding.data import Annotations, Record


@dataclass(frozen=True, eq=False)
class Case:
    """One image.

    Attributes:
        image_id: Its name.
        targets: True boxes, xyxy in pixels.
        target_classes: Class index of each true box.
        boxes: Predicted boxes.
        classes: Class index of each predicted box.
        scores: Confidence of each predicted box, all 1 where the model gives none.
    """

    image_id: str
    targets: Float[np.ndarray, "target 4"]
    target_classes: Int[np.ndarray, "target"]
    boxes: Boxes
    classes: Int[np.ndarray, "box"]
    scores: Float[np.ndarray, "box"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model answered for one image; see `Case` for the fields."""

    image_id: str
    labels: tuple[str, ...]
    boxes: Boxes
    scores: Float[np.ndarray, "box"]


def cases_of(
    annotations: Annotations, predictions: Sequence[Prediction], classes: Sequence[str] | None = None
) -> tuple[tuple[Case, ...], tuple[str, ...]]:
    """Pair predictions with annotations by image; an image without prediction counts as empty-handed, never padded.

    Args:
        annotations: The truth.
        predictions: At most one per image.
        classes: Class names; those of the annotations when left out.

    Returns:
        The cases and the class names that their indices refer to.

    Raises:
        InputError: A prediction for an unknown image or class, or two for one image.
    """
    names = tuple(classes or annotations.labels)
    numbers = {name: number for number, name in enumerate(names)}
    answers: dict[str, Prediction] = {}
    known = {record.image_id for record in annotations}
    for answer in predictions:
        if answer.image_id not in known:
            raise InputError(f"prediction for image {answer.image_id!r}, which has no annotation")
        if answers.setdefault(answer.image_id, answer) is not answer:
            raise InputError(f"two predictions for image {answer.image_id!r}", expected="one with all its boxes")
    return tuple(_case(record, answers.get(record.image_id), numbers) for record in annotations), names


def _case(record: Record, answer: Prediction | None, numbers: Mapping[str, int]) -> Case:
    found = answer or Prediction(record.image_id, (), np.zeros((0, 4)), np.zeros(0))
    return Case(
        record.image_id,
        record.boxes,
        _indices(record.labels, numbers),
        found.boxes,
        _indices(found.labels, numbers),
        found.scores,
    )


def _indices(labels: Sequence[str], numbers: Mapping[str, int]) -> Int[np.ndarray, "box"]:
    for label in labels:
        if label not in numbers:
            raise unknown_name("class", label, numbers)
    return np.array([numbers[label] for label in labels], dtype=int)
