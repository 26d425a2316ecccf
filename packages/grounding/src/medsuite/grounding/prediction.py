"""Predict the boxes of findings in image files with a Florence-2 checkpoint."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from medsuite.core.errors import InputError
from medsuite.core.images import contents, display, read
from medsuite.core.models import load
from medsuite.grounding.florence import ground
from medsuite.grounding.knowledge import Finding, load_knowledge
from medsuite.grounding.metrics.cases import Prediction
from medsuite.grounding.prompts import strategy


def read_picture(path: Path) -> UInt8[np.ndarray, "height width *channels"]:
    """Read an image as it should look, with 8 bits a channel: windowed, bright is opaque, upright.

    Args:
        path: DICOM, PNG, JPEG or TIFF file; the first window of a DICOM file counts.

    Raises:
        InputError: The file is missing, no image or broken, or holds several frames.
    """
    return np.rint(255 * display(read(path))).astype(np.uint8)


def predict_images(
    images: Sequence[Path], findings: Sequence[str], model: str, knowledge: str, strategy_name: str
) -> Iterator[Prediction]:
    """Ask each image for each finding, the findings of an image in one batch.

    Args:
        images: DICOM, PNG, JPEG or TIFF files with different names.
        findings: Names that the knowledge base knows; one that is named twice is asked for once.
        model: Folder or hub id of a Florence-2 in transformers' own layout.
        knowledge: Name or file of the knowledge base.
        strategy_name: How to ask.

    Yields:
        The boxes of each image in its original pixels, under the image's file name.

    Raises:
        InputError: An unknown name, two images of one name, an image that cannot be read, or a checkpoint that is no
            Florence-2.
    """
    base, rng = load_knowledge(knowledge), np.random.default_rng(0)
    asked = list({base[name].id: base[name] for name in findings}.values())
    ask = strategy(strategy_name, base, rng)
    repeated = sorted({image.name for image in images if [other.name for other in images].count(image.name) > 1})
    if repeated:
        raise InputError(f"two images have the name {repeated[0]}", fix="predict them one folder at a time")
    # The model loads slowly: a file that is missing or no image is found before.
    for image in images:
        contents(image)
    loaded = load(model, "image-text")
    if loaded.model.config.model_type != "florence2":
        raise InputError(f"{model} is a {loaded.model.config.model_type}", expected="a florence2 checkpoint")
    for image in images:
        texts = [ask.render(finding, rng).text for finding in asked]
        yield _predict(image, asked, texts, loaded)


def _predict(image: Path, asked: Sequence[Finding], texts: Sequence[str], loaded: Any) -> Prediction:
    picture = read_picture(image)
    names = [finding.name for finding in asked]
    answers = ground(loaded.model, loaded.processor, [picture] * len(asked), texts, names)
    return Prediction(
        image.name,
        tuple(answer.label for answer in answers for _ in answer.boxes),
        np.concatenate([answer.boxes for answer in answers]),
        np.concatenate([answer.scores for answer in answers]),
    )
