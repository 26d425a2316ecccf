"""What reading gives: an image that knows what its numbers mean, and the error for a file that is none."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Num

from medsuite.core.errors import InputError
from medsuite.core.images.windowing import LookupTable, Window


class ImageReadError(InputError):
    """A file is no image, is broken, or needs a choice (a frame, a slice) to be read."""


@dataclass(frozen=True, eq=False)
class MedicalImage:
    """One two-dimensional image and what its file says about it; its arrays are read-only.

    Args:
        path: File that it was read from.
        kind: `"DICOM"`, `"PNG"`, `"JPEG"`, `"TIFF"` or `"NIfTI"`.
        pixels: Values after the modality LUT or rescale (Hounsfield units for CT), before any window; colour has
            three channels (red, green, blue).
        windows: Ways to show the values, never empty; the first is the one used.
        spacing_mm: Distance in the patient between rows and between columns, in millimetres; None where unknown.
        photometric: Photometric interpretation in the words of DICOM: `MONOCHROME1`, `MONOCHROME2`, `RGB`, ...
        inverted: Low values are bright (`MONOCHROME1`, or an inverse presentation LUT).
        padding: Pixels that are no measurement; None where all are.
        orientation: Where columns and rows grow to in the patient, as in DICOM's Patient Orientation: `("L", "F")` for
            a frontal film (left, feet); None where unknown.
        modality: `"CR"`, `"CT"`, ...
        body_part: `"CHEST"`, ...
        view: View position: `"PA"`, `"AP"`, `"LL"`, ...
        notes: What the reader had to decide or to repair, one line each.
    """

    path: Path
    kind: str
    pixels: Num[np.ndarray, "height width *channels"] = field(repr=False)
    windows: tuple[Window | LookupTable, ...]
    spacing_mm: tuple[float, float] | None = None
    photometric: str = "MONOCHROME2"
    inverted: bool = False
    padding: Bool[np.ndarray, "height width"] | None = field(default=None, repr=False)
    orientation: tuple[str, str] | None = None
    modality: str | None = None
    body_part: str | None = None
    view: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.pixels.setflags(write=False)
        if self.padding is not None:
            self.padding.setflags(write=False)

    @property
    def window(self) -> Window | LookupTable:
        """The window that `display` uses unless told otherwise."""
        return self.windows[0]


@dataclass(frozen=True)
class Contents:
    """What a file offers to choose from, read without decoding its pixels.

    Args:
        path: The file.
        kind: As in `MedicalImage`.
        size: Rows and columns of a frame; None for a volume.
        frames: Number of frames, pages or time points; choose with `frame=`.
        planes: For a volume, the number of slices across each plane; choose with `axis=` and `index=`.
        windows: Windows and VOI LUTs that the file states (for the first frame).
    """

    path: Path
    kind: str
    size: tuple[int, int] | None
    frames: int = 1
    planes: dict[str, int] = field(default_factory=dict)
    windows: tuple[Window | LookupTable, ...] = ()


def display(
    image: MedicalImage, window: Window | LookupTable | None = None
) -> Float[np.ndarray, "height width *channels"]:
    """Give the image as it should look: 0 is black, 1 is white, padding is black, colour keeps its channels.

    Args:
        image: What `read` gave.
        window: Another window than the image's first, such as `Window(40, 400)`.
    """
    shown = (image.window if window is None else window).apply(image.pixels)
    if image.inverted:
        shown = 1 - shown
    if image.padding is not None:
        shown[image.padding] = 0
    return shown
