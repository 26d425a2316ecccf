"""How far readers agree with each other: the ceiling of what a measure against one of them can mean."""

import numpy as np

from medsuite.core.errors import InputError
from medsuite.grounding.data import Annotations, Record
from medsuite.grounding.metrics.cases import Prediction


def between_readers(annotations: Annotations) -> tuple[Annotations, list[Prediction]]:
    """Take one reader for the truth and another for the prediction, as `evaluate` takes them.

    For each finding of an image that two readers or more have marked, the boxes of the first, in the order of the
    file, are the truth, and those of the second are the prediction, all with the same score. Findings that a single
    reader marked take no part: it is a measure of where, not of whether.

    Args:
        annotations: Boxes of single readers, not yet fused.

    Raises:
        InputError: No finding of any image was marked by two readers.
    """
    pairs = [pair for record in annotations for pair in [_split(record)] if pair]
    if not pairs:
        raise InputError(
            f"none of {len(annotations)} images has a finding that two readers marked",
            expected="boxes of single readers, not fused",
        )
    return Annotations(tuple(truth for truth, _ in pairs)), [answer for _, answer in pairs]


def _split(record: Record) -> tuple[Record, Prediction] | None:
    """Return the boxes of the first and of the second reader of each finding; None where there is no second one."""
    places: tuple[list[int], list[int]] = [], []
    for label in dict.fromkeys(record.labels):
        mine = [place for place, name in enumerate(record.labels) if name == label]
        readers = list(dict.fromkeys(record.readers[place] for place in mine))
        if len(readers) > 1:
            for chosen, reader in zip(places, readers[:2], strict=True):
                chosen += [place for place in mine if record.readers[place] == reader]
    first, second = places
    if not first:
        return None
    labels = [tuple(record.labels[place] for place in chosen) for chosen in places]
    readers_of_first = tuple(record.readers[place] for place in first)
    truth = Record(record.image_id, labels[0], record.boxes[first], readers_of_first, (1,) * len(first))
    return truth, Prediction(record.image_id, labels[1], record.boxes[second], np.ones(len(second)))
