"""Predict the boxes of findings in one image file with a Florence-2 checkpoint."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from medsuite.core.errors import InputError
from medsuite.core.models import load
from medsuite.grounding.florence import ground
from medsuite.grounding.knowledge import load_knowledge
from medsuite.grounding.metrics.cases import Prediction
from medsuite.grounding.prompts import strategy


def read_picture(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    """Read an 8-bit PNG or JPEG as RGB, turned as its EXIF data says.

    Raises:
        InputError: The file is missing or no image, or has 16 bits a channel: that needs a window first.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            if image.mode.startswith(("I", "F")):
                raise InputError(f"{path} has more than 8 bits ({image.mode})", fix="apply a window and save 8 bits")
            return np.array(ImageOps.exif_transpose(image).convert("RGB"))
    except OSError as error:
        raise InputError(f"{path} is no readable image ({error})", expected="a PNG or JPEG file") from error


def predict_image(image: Path, findings: Sequence[str], model: str, knowledge: str, strategy_name: str) -> Prediction:
    """Ask for each finding in turn, in one batch.

    Args:
        image: An 8-bit PNG or JPEG.
        findings: Names that the knowledge base knows.
        model: Folder or hub id of a Florence-2 in transformers' own layout.
        knowledge: Name or file of the knowledge base.
        strategy_name: How to ask.

    Raises:
        InputError: An unknown name, an image that cannot be read, or a checkpoint that is no Florence-2.
    """
    base, rng = load_knowledge(knowledge), np.random.default_rng(0)
    asked = [base[name] for name in findings]
    ask = strategy(strategy_name, base, rng)
    picture = read_picture(image)
    loaded = load(model, "image-text")
    if loaded.model.config.model_type != "florence2":
        raise InputError(f"{model} is a {loaded.model.config.model_type}", expected="a florence2 checkpoint")
    texts = [ask.render(finding, rng).text for finding in asked]
    names = [finding.name for finding in asked]
    answers = ground(loaded.model, loaded.processor, [picture] * len(asked), texts, names)
    return Prediction(
        image.name,
        tuple(answer.label for answer in answers for _ in answer.boxes),
        np.concatenate([answer.boxes for answer in answers]),
        np.concatenate([answer.scores for answer in answers]),
    )
