"""Steps that all formats share: choose a frame, fold equal channels, mark what is not a number."""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Num

from medsuite.core.images.model import ImageReadError


def chosen_frame(path: Path, frame: int | None, count: int) -> int:
    """Give the frame to read: the only one, or the one asked for.

    Raises:
        ImageReadError: There are several and none was asked for, or there is no such frame.
    """
    if frame is None and count > 1:
        raise ImageReadError(f"{path}: has {count} frames", fix=f"choose one: frame=0 to frame={count - 1}")
    if frame is not None and not 0 <= frame < count:
        raise ImageReadError(f"{path}: has no frame {frame}", expected=f"frame=0 to frame={count - 1}")
    return frame or 0


def one_channel_if_grey(
    pixels: Num[np.ndarray, "height width *channels"], notes: list[str]
) -> Num[np.ndarray, "height width *kept"]:
    """Fold three equal channels, a grey film stored as colour, into one."""
    if pixels.ndim == 3 and (pixels[..., :1] == pixels[..., 1:]).all():
        notes.append("three equal channels read as one")
        return np.ascontiguousarray(pixels[..., 0])
    return pixels


def without_gaps(
    pixels: Num[np.ndarray, "height width *channels"],
    padding: Bool[np.ndarray, "height width"] | None,
    notes: list[str],
) -> tuple[Num[np.ndarray, "height width *channels"], Bool[np.ndarray, "height width"] | None]:
    """Set NaN and infinite values to 0 and count them as padding."""
    if not np.issubdtype(pixels.dtype, np.floating) or np.isfinite(pixels).all():
        return pixels, padding
    gaps = ~np.isfinite(pixels)
    notes.append(f"{int(gaps.sum())} values are not finite: counted as padding")
    missing = gaps if gaps.ndim == 2 else gaps.any(axis=-1)
    return np.where(gaps, 0, pixels), missing if padding is None else missing | padding
