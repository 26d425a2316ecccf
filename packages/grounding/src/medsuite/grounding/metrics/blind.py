"""The blind prior: one constant box per class, drawn without looking at any image. Grounding has to beat it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError
from medsuite.grounding.data import Annotations
from medsuite.grounding.geometry import Size
from medsuite.grounding.metrics.cases import Prediction

Box = Float[np.ndarray, "edge"]


@dataclass(frozen=True, eq=False)
class BlindPrior:
    """Where each class usually is.

    Attributes:
        boxes: Median box of each class in unit coordinates.
    """

    boxes: Mapping[str, Box]

    @classmethod
    def fit(cls, training: Annotations, sizes: Mapping[str, Size]) -> "BlindPrior":
        """Take the median of each edge over the training boxes of a class.

        Args:
            training: Annotations that the test set does not contain.
            sizes: Width and height of each image, by its id.

        Raises:
            InputError: An image with boxes has no size, or there is no box.
        """
        unit: dict[str, list[Box]] = {}
        for record in training:
            for label, box in zip(record.labels, record.boxes, strict=True):
                unit.setdefault(label, []).append(box / _extent(record.image_id, sizes))
        if not unit:
            raise InputError("the training set has no boxes", expected="at least one")
        return cls({label: np.median(boxes, axis=0) for label, boxes in unit.items()})

    def predict(self, asked: Annotations, sizes: Mapping[str, Size]) -> list[Prediction]:
        """Answer each class that an image shows with the class's box, if training had one.

        Args:
            asked: Images and the classes to ask for.
            sizes: Width and height of each image.

        Raises:
            InputError: An image has no size.
        """
        answers = []
        for record in asked:
            labels = tuple(label for label in dict.fromkeys(record.labels) if label in self.boxes)
            unit = np.array([self.boxes[label] for label in labels]).reshape(-1, 4)
            boxes = unit * _extent(record.image_id, sizes) if labels else unit
            answers.append(Prediction(record.image_id, labels, boxes, np.ones(len(labels))))
        return answers


def _extent(image_id: str, sizes: Mapping[str, Size]) -> Box:
    if image_id not in sizes:
        raise InputError(f"image {image_id!r} has no size", fix="pass the sizes of all images")
    return np.tile(np.asarray(sizes[image_id], dtype=float), 2)
