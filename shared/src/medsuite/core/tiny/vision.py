"""A tiny vision transformer, alone and as the tower of a vision-language model."""

from typing import Any

from medsuite.core.errors import require
from medsuite.core.tiny.parts import VISION, Tiny, VisionSize, multiple, with_random_weights

PATCH = 14


def vit(vision: VisionSize = VISION, *, seed: int = 0) -> Tiny:
    """Build a vision transformer (Dosovitskiy et al. 2021) with random weights: for wiring, never evidence.

    Its output has one row for the class token and one for each patch of 14 x 14 pixels.

    Args:
        vision: Size of the encoder; `image_size` is a multiple of 14.
        seed: Seed of the weights.

    Raises:
        InputError: The image size does not divide into patches.
    """
    transformers = require("transformers", extra="medsuite-core[models]")
    config = transformers.ViTConfig(**tower_settings(vision))
    model = with_random_weights(transformers.ViTModel, config, seed=seed)
    side = {"height": vision.image_size, "width": vision.image_size}
    return Tiny(model, transformers.ViTImageProcessor(size=side))


def tower_settings(vision: VisionSize) -> dict[str, Any]:
    """The fields that the configurations of ViT and of CLIP's vision tower share."""
    multiple("image_size", vision.image_size, PATCH)
    return {
        "hidden_size": vision.hidden_size,
        "intermediate_size": 2 * vision.hidden_size,
        "num_hidden_layers": vision.layers,
        "num_attention_heads": vision.heads,
        "image_size": vision.image_size,
        "patch_size": PATCH,
    }
