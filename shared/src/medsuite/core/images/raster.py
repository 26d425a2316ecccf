"""PNG, JPEG and TIFF through Pillow: grey of 1 to 32 bits, colour, alpha and EXIF rotation."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import numpy as np
from jaxtyping import Num, UInt8

from medsuite.core.images.arrays import chosen_frame, one_channel_if_grey, without_gaps
from medsuite.core.images.content import MAX_PIXELS, Content, first_line
from medsuite.core.images.model import Contents, ImageReadError, MedicalImage
from medsuite.core.images.windowing import Window, data_window, range_window

if TYPE_CHECKING:
    from PIL.Image import Image

_DEEP_GREY = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")
_TIFF_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0
_EXIF_ORIENTATION = 0x0112


def read(stream: Content, path: Path, kind: str, *, frame: int | None) -> MedicalImage:
    """Read a picture; `medsuite.core.images.read` says what is raised.

    Args:
        stream: The file's content.
        path: The file's name, for messages.
        kind: `"PNG"`, `"JPEG"` or `"TIFF"`.
        frame: Page or frame; needed where there are several.
    """
    notes: list[str] = []
    with _opened(stream, path, kind) as picture:
        picture.seek(chosen_frame(path, frame, _frames(picture, kind)))
        inverted = picture.mode in _DEEP_GREY and _white_is_zero(picture)
        lost_bits = kind == "PNG" and _png_bits(stream) == 16 and picture.mode not in _DEEP_GREY
        pixels = _pixels(_upright(picture, notes), notes)
    if lost_bits:
        notes.append("16-bit colour or alpha read with 8 bits a channel")
    pixels = one_channel_if_grey(pixels, notes)
    pixels, padding = without_gaps(pixels, None, notes)
    return MedicalImage(
        path=path,
        kind=kind,
        pixels=pixels,
        windows=(_window(pixels),),
        photometric="RGB" if pixels.ndim == 3 else "MONOCHROME1" if inverted else "MONOCHROME2",
        inverted=inverted,
        padding=padding,
        notes=tuple(notes),
    )


def contents(stream: Content, path: Path, kind: str) -> Contents:
    """Read the size and the number of frames of a picture; arguments as in `read`."""
    with _opened(stream, path, kind) as picture:
        return Contents(path=path, kind=kind, size=(picture.height, picture.width), frames=_frames(picture, kind))


@contextmanager
def _opened(stream: Content, path: Path, kind: str) -> Iterator["Image"]:
    """Open without decoding, check the size, and put the file's name on whatever goes wrong inside."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # The limit is checked below, and Pillow's remarks on metadata do not concern the pixels.
            warnings.simplefilter("ignore")
            with Image.open(cast(IO[bytes], stream), formats=[kind]) as picture:
                _check_size(picture, path)
                yield picture
    except ImageReadError:
        raise
    except Image.UnidentifiedImageError as error:
        raise ImageReadError(f"{path}: is a {kind} file with a damaged header") from error
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(path) from error
    except Exception as error:
        raise ImageReadError(f"{path}: its {kind} data cannot be decoded ({first_line(error, path)})") from error


def _check_size(picture: "Image", path: Path) -> None:
    if picture.width * picture.height > MAX_PIXELS:
        raise _too_many_pixels(path)


def _too_many_pixels(path: Path) -> ImageReadError:
    return ImageReadError(f"{path}: has too many pixels", expected=f"at most {MAX_PIXELS}", fix="cut or shrink it")


def _frames(picture: "Image", kind: str) -> int:
    # A telephone's JPEG carries previews as further frames; they are no choice that anyone wants to be asked about.
    return 1 if kind == "JPEG" else getattr(picture, "n_frames", 1)


def _upright(picture: "Image", notes: list[str]) -> "Image":
    from PIL import ImageOps

    orientation = picture.getexif().get(_EXIF_ORIENTATION, 1)
    if orientation != 1:
        notes.append(f"turned by its EXIF orientation {orientation}")
    return ImageOps.exif_transpose(picture)


def _pixels(picture: "Image", notes: list[str]) -> Num[np.ndarray, "height width *channels"]:
    if picture.mode in (*_DEEP_GREY, "L", "RGB"):
        values = np.asarray(picture)
        return values.astype(values.dtype.newbyteorder("="))
    if picture.mode == "1":
        return np.asarray(picture.convert("L"))
    if picture.has_transparency_data:
        return _over_black(np.asarray(picture.convert("LA" if picture.mode == "LA" else "RGBA")), notes)
    return np.asarray(picture.convert("RGB"))


def _over_black(
    values: UInt8[np.ndarray, "height width layers"], notes: list[str]
) -> UInt8[np.ndarray, "height width *channels"]:
    """Drop the last layer, alpha, by laying the picture over black."""
    layers, alpha = values[..., :-1], values[..., -1:]
    if (alpha < 255).any():
        notes.append("transparent parts laid over black")
        layers = np.rint(layers * (alpha / 255)).astype(np.uint8)
    return layers[..., 0] if layers.shape[-1] == 1 else layers


def _window(pixels: Num[np.ndarray, "height width *channels"]) -> Window:
    if pixels.dtype == np.uint8:
        return range_window(0.0, 255.0, "range of 8 bits")
    return data_window(pixels, None)


def _white_is_zero(picture: "Image") -> bool:
    # Pillow turns the polarity of 1- and 8-bit pages itself, and leaves deeper ones as they are stored.
    tags = getattr(picture, "tag_v2", {})
    return tags.get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO


def _png_bits(stream: Content) -> int:
    """Read the bit depth from the header chunk, always the first (PNG specification, 11.2.1)."""
    place = stream.tell()
    stream.seek(24)
    bits = stream.read(1)[0]
    stream.seek(place)
    return bits
