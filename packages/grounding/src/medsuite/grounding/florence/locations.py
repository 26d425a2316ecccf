"""Location tokens: a thousand bins along each side of the image, whatever its size (Florence-2, section 3.1)."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from medsuite.core.errors import InputError
from medsuite.grounding.geometry import Size

BINS = 1000


def quantise(boxes: Float[np.ndarray, "box 4"], size: Size) -> Int[np.ndarray, "box 4"]:
    """Return the bins of box edges: floor(edge BINS / side), clamped to 0..999, as Florence-2's processor does.

    A box thinner than a bin gets the next bin as its far edge, so that every answer encloses an area.

    Args:
        boxes: xyxy in pixels.
        size: Width and height of the image.
    """
    bins = np.floor(boxes * BINS / np.tile(size, 2)).clip(0, BINS - 1).astype(int)
    near = np.minimum(bins[:, :2], BINS - 2)
    return np.concatenate([near, np.maximum(bins[:, 2:], near + 1)], axis=1)


def dequantise(bins: Int[np.ndarray, "box 4"], size: Size) -> Float[np.ndarray, "box 4"]:
    """Return the bin centres in pixels, (bin + 1/2) side / BINS, unrounded: at most half a bin from the true edge."""
    return (bins + 0.5) * np.tile(size, 2) / BINS


def first_location(tokenizer: Any) -> int:
    """Return the id of `<loc_0>`; the other bins follow it.

    Raises:
        InputError: The tokenizer has no location tokens, or they do not follow each other.
    """
    names = ["<loc_0>", f"<loc_{BINS - 1}>"]
    first, last = tokenizer.convert_tokens_to_ids(names)
    if first is None or first == tokenizer.unk_token_id or last - first != BINS - 1:
        raise InputError(
            f"{type(tokenizer).__name__} has no tokens <loc_0> to <loc_{BINS - 1}>", expected="Florence-2's"
        )
    return int(first)
