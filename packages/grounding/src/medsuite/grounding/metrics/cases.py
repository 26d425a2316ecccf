"""What a measure compares: the boxes of an image and those that were predicted for it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from medsuite.core.errors import InputError, unknown_name
from medsuite.grounding.boxes import Boxes, as_boxes, refuse_unit_boxes
from medsuite.grounding.data import Annotations, Record
from medsuite.grounding.knowledge import KnowledgeBase

IMAGE_SUFFIXES = frozenset({"png", "jpg", "jpeg", "tif", "tiff", "dcm", "dicom"})


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
    annotations: Annotations,
    predictions: Sequence[Prediction],
    classes: Sequence[str] | None = None,
    knowledge: KnowledgeBase | None = None,
) -> tuple[tuple[Case, ...], tuple[str, ...]]:
    """Pair predictions with annotations by image; an image without prediction counts as empty-handed, never padded.

    A prediction belongs to the image of its id, or to that of its id without the suffix of an image file
    (`film.png` to VinDr-CXR's `film`). Its labels are class names, or other names of the same findings.

    Args:
        annotations: The truth.
        predictions: At most one per image.
        classes: Class names; those of the annotations when left out.
        knowledge: Knows that `nodule or mass` is `Nodule/Mass`; without it, names have to be the classes'.

    Returns:
        The cases and the class names that their indices refer to.

    Raises:
        InputError: A prediction for an unknown image or class, two for one image, boxes without area, or boxes in
            unit coordinates.
    """
    names = tuple(classes or annotations.labels)
    numbers = {name: number for number, name in enumerate(names)}
    answers: dict[str, Prediction] = {}
    known = {record.image_id for record in annotations}
    for answer in predictions:
        image = answer.image_id if answer.image_id in known else _without_suffix(answer.image_id)
        if image not in known:
            raise unknown_image(answer.image_id, known)
        if image in answers:
            raise InputError(f"two predictions for image {image!r}", expected="one with all its boxes")
        as_boxes(answer.boxes, where=f"prediction for image {image!r}")
        if not len(answer.labels) == len(answer.boxes) == len(answer.scores):
            raise InputError(
                f"prediction for image {image!r} has {len(answer.boxes)} boxes, {len(answer.labels)} labels and "
                f"{len(answer.scores)} scores"
            )
        answers[image] = replace(answer, labels=tuple(_class_of(label, names, knowledge) for label in answer.labels))
    refuse_unit_boxes([answer.boxes for answer in answers.values()], where="predictions")
    return tuple(_case(record, answers.get(record.image_id), numbers) for record in annotations), names


def unknown_image(image_id: str, known: Collection[str]) -> InputError:
    """Build the error for a prediction whose image is not in the data set, with an id that is."""
    example = f", such as {min(known)!r}" if known else ""
    return InputError(
        f"prediction for image {image_id!r}, which has no annotation", expected=f"one of {len(known)} images{example}"
    )


def _without_suffix(image_id: str) -> str:
    stem, _, suffix = image_id.rpartition(".")
    return stem if suffix.lower() in IMAGE_SUFFIXES else image_id


def _class_of(label: str, names: Sequence[str], knowledge: KnowledgeBase | None) -> str:
    """Return the class that a label means: itself, or the only one that the knowledge base calls the same finding."""
    if label in names or knowledge is None or label not in knowledge:
        return label
    meant = knowledge[label]
    same = [name for name in names if name in knowledge and knowledge[name] is meant]
    if len(same) > 1:
        raise InputError(f"label {label!r} may mean any of {', '.join(same)}", expected="the name of one class")
    return same[0] if same else label


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
