"""DICOM through pydicom: one frame, decoded, in values with a meaning, and right way round."""

import dataclasses
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Num

from medsuite.core.errors import require
from medsuite.core.images import dicom_header, dicom_values
from medsuite.core.images.arrays import chosen_frame, one_channel_if_grey, without_gaps
from medsuite.core.images.codestream import codestream_size
from medsuite.core.images.content import MAX_PIXELS, Content, check_deflated, first_line
from medsuite.core.images.dicom_header import FrameHeader
from medsuite.core.images.model import Contents, ImageReadError, MedicalImage
from medsuite.core.images.windowing import Window, data_window, range_window

if TYPE_CHECKING:
    from pydicom import Dataset

_EXTRA = "medsuite-core[images]"
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_NEEDED = ("Rows", "Columns", "BitsAllocated", "PhotometricInterpretation")
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_DEFERRED_BYTES = 2**20


def read(stream: Content, path: Path, *, frame: int | None) -> MedicalImage:
    """Read one frame; `medsuite.core.images.read` says what is raised.

    Args:
        stream: The file's content.
        path: The file's name, for messages.
        frame: Index of the frame; needed where there are several.
    """
    notes: list[str] = []
    with _warnings_noted(notes, path):
        dataset = _dataset(stream, path, notes)
        frame = chosen_frame(path, frame, _frame_count(dataset, path))
        _check_size(dataset, path, frame)
        stored = _decoded(dataset, path, frame)
        header = FrameHeader(dataset, frame, notes)
        image = _colour(stored, header, path) if stored.ndim == 3 else _grey(stored, header, path)
    return dataclasses.replace(image, notes=tuple(notes))


def contents(stream: Content, path: Path) -> Contents:
    """Read the frames and windows that a header states; arguments as in `read`."""
    with _warnings_noted([], path):
        dataset = _dataset(stream, path, [], defer_size=_DEFERRED_BYTES)
        header = FrameHeader(dataset, 0, [])
        windows = dicom_values.voi_transformations(header, little_endian=_is_little_endian(dataset))
        size = int(dataset.Rows), int(dataset.Columns)
        return Contents(path=path, kind="DICOM", size=size, frames=_frame_count(dataset, path), windows=windows)


@contextmanager
def _warnings_noted(notes: list[str], path: Path) -> Iterator[None]:
    """Turn pydicom's warnings into notes."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    notes.extend(dict.fromkeys(first_line(warning.message, path) for warning in caught))


def _dataset(stream: Content, path: Path, notes: list[str], defer_size: int | None = None) -> "Dataset":
    """Parse the file and make sure that it holds an image."""
    pydicom = require("pydicom", extra=_EXTRA)
    if deflated := _deflated_part(stream):
        check_deflated(deflated, path)
    try:
        dataset = pydicom.dcmread(stream, force=True, defer_size=defer_size)
        _refuse_other_objects(dataset, path)
    except ImageReadError:
        raise
    except Exception as error:
        raise ImageReadError(f"{path}: its DICOM structure is damaged ({first_line(error, path)})") from error
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little_endian = dataset.original_encoding
        syntaxes = {True: pydicom.uid.ImplicitVRLittleEndian, False: pydicom.uid.ExplicitVRLittleEndian}
        dataset.file_meta.TransferSyntaxUID = syntaxes[implicit] if little_endian else pydicom.uid.ExplicitVRBigEndian
        notes.append(f"states no transfer syntax: read as {dataset.file_meta.TransferSyntaxUID.name}")
    return dataset


def _deflated_part(stream: Content) -> bytes:
    """Give the deflated data set after the file meta information, or nothing where there is none (PS3.10, 7.1)."""
    head = stream.read(144)
    meta = stream.read(int.from_bytes(head[140:144], "little")) if head[132:136] == b"\x02\0\0\0" else b""
    deflated = stream.read() if _DEFLATED in meta else b""
    stream.seek(0)
    return deflated


def _refuse_other_objects(dataset: "Dataset", path: Path) -> None:
    if not any(keyword in dataset for keyword in _PIXELS):
        raise _no_pixels(dataset, path)
    if missing := [keyword for keyword in _NEEDED if keyword not in dataset]:
        raise ImageReadError(f"{path}: is a DICOM file with pixel data but without {', '.join(missing)}")


def _no_pixels(dataset: "Dataset", path: Path) -> ImageReadError:
    """Say what a file without pixel data is instead, by its SOP class."""
    identifier = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID")
    name = identifier.name.removesuffix(" Storage") if identifier else f"{dataset.get('Modality') or ''} object".strip()
    if "Rows" in dataset or name.endswith("Image"):
        return ImageReadError(f"{path}: is a DICOM {name} without its pixel data", fix="copy or export it again")
    fix = "read the files that it lists" if name.endswith("Directory") else None
    return ImageReadError(f"{path}: is a DICOM {name}, not an image", fix=fix)


def _frame_count(dataset: "Dataset", path: Path) -> int:
    try:
        return max(int(dataset.get("NumberOfFrames") or 1), 1)
    except ValueError as error:
        raise ImageReadError(f"{path}: its NumberOfFrames is no number ({first_line(error, path)})") from error


def _check_size(dataset: "Dataset", path: Path, frame: int) -> None:
    """Compare the sizes that the header and the compressed frame state, before a decoder allocates either."""
    size = int(dataset.Rows), int(dataset.Columns)
    if not 0 < size[0] * size[1] <= MAX_PIXELS:
        raise ImageReadError(f"{path}: has {size[0]} x {size[1]} pixels", expected=f"1 to {MAX_PIXELS}")
    if not dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return
    from pydicom.encaps import get_frame

    try:
        count = _frame_count(dataset, path)
        declared = codestream_size(get_frame(dataset.PixelData, frame, number_of_frames=count))
    except ValueError as error:
        raise _undecodable(dataset, path, error) from error
    if declared is not None and declared != size:
        raise ImageReadError(
            f"{path}: its header says {size[0]} x {size[1]} pixels, its compressed frame {declared[0]} x {declared[1]}"
        )


def _decoded(dataset: "Dataset", path: Path, frame: int) -> Num[np.ndarray, "height width *channels"]:
    """Decode one frame; colour comes as red, green, blue."""
    from pydicom.pixels import apply_color_lut, pixel_array

    try:
        stored = pixel_array(dataset, index=frame)
        if dataset.PhotometricInterpretation == "PALETTE COLOR":
            header = FrameHeader(dataset, frame, [])
            plain = dicom_values.palette_colours(stored, header, little_endian=_is_little_endian(dataset))
            stored = apply_color_lut(stored, dataset)[..., :3] if plain is None else plain
    except Exception as error:
        raise _undecodable(dataset, path, error) from error
    return stored.astype(stored.dtype.newbyteorder("="), copy=False)


def _undecodable(dataset: "Dataset", path: Path, error: Exception) -> ImageReadError:
    # pydicom's messages go on with advice about other software.
    reason = first_line(error, path).split(" - the dataset may")[0].split("plugins: ")[-1]
    syntax = dataset.file_meta.TransferSyntaxUID.name
    return ImageReadError(f"{path}: its pixels ({syntax}) cannot be decoded ({reason})", fix="copy or export it again")


def _grey(stored: Num[np.ndarray, "height width"], header: FrameHeader, path: Path) -> MedicalImage:
    little_endian = _is_little_endian(header.dataset)
    padding = dicom_values.padding_mask(stored, header)
    values = dicom_values.modality_values(stored, header, little_endian=little_endian)
    values, padding = without_gaps(values, padding, header.notes)
    windows = dicom_values.voi_transformations(header, little_endian=little_endian)
    if len(windows) > 1:
        header.notes.append(f"states {len(windows)} windows or VOI LUTs: the first is used")
    photometric = str(header.dataset.PhotometricInterpretation)
    return MedicalImage(
        pixels=values,
        windows=windows or (_default_window(stored, values, padding, header),),
        photometric=photometric,
        inverted=_is_inverted(photometric, header),
        padding=padding,
        **_description(header, path),
    )


def _colour(stored: Num[np.ndarray, "height width channels"], header: FrameHeader, path: Path) -> MedicalImage:
    if stored.shape[-1] != 3:
        raise ImageReadError(f"{path}: has {stored.shape[-1]} channels", expected="1 or 3")
    palette = header.get("RedPaletteColorLookupTableDescriptor")
    is_palette = header.dataset.PhotometricInterpretation == "PALETTE COLOR"
    bits = int(palette[2] if is_palette else header.dataset.BitsStored)
    pixels = one_channel_if_grey(stored, header.notes)
    return MedicalImage(
        pixels=pixels,
        windows=(range_window(0.0, 2.0**bits - 1, f"range of {bits} bits"),),
        photometric="RGB" if pixels.ndim == 3 else "MONOCHROME2",
        **_description(header, path),
    )


def _description(header: FrameHeader, path: Path) -> dict[str, Any]:
    """Read what is the same for grey and colour."""
    spacing, orientation = dicom_header.spacing(header), dicom_header.orientation(header)
    if header.text("BurnedInAnnotation") == "YES":
        header.notes.append("text is burnt into the image (Burned In Annotation)")
    if header.dataset.get("PixelPresentation") in ("COLOR", "MIXED"):
        header.notes.append("the supplemental colour palette is not applied")
    if header.get("DoseGridScaling") is not None:
        header.notes.append(
            f"a dose in units of DoseGridScaling ({header.text('DoseGridScaling')}), which is not applied"
        )
    return {
        "path": path,
        "kind": "DICOM",
        "spacing_mm": spacing,
        "orientation": orientation,
        "modality": header.text("Modality"),
        "body_part": header.text("BodyPartExamined"),
        "view": header.text("ViewPosition"),
    }


def _is_inverted(photometric: str, header: FrameHeader) -> bool:
    """Read the polarity: MONOCHROME1, or an inverse Presentation LUT Shape (PS3.3 C.7.6.3.1.2, C.11.6)."""
    shape = header.text("PresentationLUTShape")
    if (photometric, shape) in (("MONOCHROME1", "IDENTITY"), ("MONOCHROME2", "INVERSE")):
        header.notes.append(f"{photometric} with Presentation LUT Shape {shape}: low values are taken for bright")
    return photometric == "MONOCHROME1" or shape == "INVERSE"


def _default_window(
    stored: Num[np.ndarray, "height width"],
    values: Num[np.ndarray, "height width"],
    padding: Bool[np.ndarray, "height width"] | None,
    header: FrameHeader,
) -> Window:
    """Show up to 8 bits as they are, and spread the range of anything deeper or rescaled."""
    header.notes.append("states no window")
    if values is stored and stored.dtype == np.uint8:
        bits = int(header.dataset.BitsStored)
        return range_window(0.0, 2.0**bits - 1, f"range of {bits} bits")
    return data_window(values, padding)


def _is_little_endian(dataset: "Dataset") -> bool:
    return bool(dataset.file_meta.TransferSyntaxUID.is_little_endian)
