"""NIfTI volumes through nibabel: one slice, laid out as a radiologist sees it, whatever the order of the voxels."""

import gzip
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Num, Shaped

from medsuite.core.errors import MedsuiteError, require
from medsuite.core.images.arrays import chosen_frame, without_gaps
from medsuite.core.images.content import MAX_DEFLATE_RATIO, MAX_VOLUME_BYTES, Content, first_line, length
from medsuite.core.images.model import Contents, ImageReadError, MedicalImage
from medsuite.core.images.windowing import data_window

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

PLANES = {"sagittal": 0, "coronal": 1, "axial": 2}
"""Each plane and the axis across it, in the order right, anterior, superior."""

# Where columns and rows of a shown slice grow to: left, posterior, feet.
_ORIENTATION = {"sagittal": ("P", "F"), "coronal": ("L", "F"), "axial": ("L", "P")}
_MM_PER_UNIT = {"mm": 1.0, "unknown": 1.0, "meter": 1000.0, "micron": 0.001}


def read(stream: Content, path: Path, *, frame: int | None, axis: str | None, index: int | None) -> MedicalImage:
    """Read one slice; `medsuite.core.images.read` says what is raised and how a slice is laid out.

    Only the slice is kept in memory, unless its axis is the fastest one of a compressed file.

    Args:
        stream: The file's content.
        path: The file's name, for messages.
        frame: Time point of a four-dimensional file.
        axis: `"sagittal"`, `"coronal"` or `"axial"`; a volume one voxel thick needs none.
        index: Slice from the patient's left, back or feet.
    """
    notes: list[str] = []
    with _opened(stream, path, notes) as volume:
        planes = _planes(volume)
        time = chosen_frame(path, frame, _frames(volume))
        axis, index = _chosen_slice(path, planes, axis, index)
        pixels = _numbers(_slice(volume, axis, index, time), path)
        spacing = _spacing(volume, axis, notes) if _states_sizes(volume, stream, notes) else None
        oriented = _states_orientation(volume)
    pixels, padding = without_gaps(pixels, None, notes)
    if not oriented:
        notes.append("states no usable orientation (sform, qform): left and right may be swapped")
    return MedicalImage(
        path=path,
        kind="NIfTI",
        pixels=pixels,
        windows=(data_window(pixels, padding),),
        spacing_mm=spacing,
        photometric="RGB" if pixels.ndim == 3 else "MONOCHROME2",
        padding=padding,
        orientation=_ORIENTATION[axis] if oriented else None,
        notes=tuple(notes),
    )


def contents(stream: Content, path: Path) -> Contents:
    """Read the number of time points and of slices across each plane; arguments as in `read`."""
    with _opened(stream, path, []) as volume:
        return Contents(path=path, kind="NIfTI", size=None, frames=_frames(volume), planes=_planes(volume))


class _Notes(logging.Handler):
    """Keeps what nibabel says about a header, which it would print otherwise."""

    def __init__(self, notes: list[str]) -> None:
        super().__init__()
        self.notes = notes

    def emit(self, record: logging.LogRecord) -> None:
        self.notes.append(record.getMessage())


@contextmanager
def _opened(stream: Content, path: Path, notes: list[str]) -> Iterator["Nifti1Image"]:
    """Read the header, check the size, and put the file's name on whatever goes wrong inside."""
    nibabel = require("nibabel", extra="medsuite-core[images]")
    size_of_header = int.from_bytes(stream.read(4), "little")
    stream.seek(0)
    kind = nibabel.Nifti2Image if size_of_header in (540, 0x1C020000) else nibabel.Nifti1Image
    logger = nibabel.imageglobals.logger
    handler = _Notes(notes)
    try:
        with nibabel.imageglobals.LoggingOutputSuppressor():
            logger.addHandler(handler)
            volume = kind.from_stream(stream)
            _check_size(volume, stream, path)
            yield volume
    except MedsuiteError:
        raise
    except Exception as error:
        raise ImageReadError(f"{path}: its NIfTI data cannot be read ({first_line(error, path)})") from error
    finally:
        logger.removeHandler(handler)


def _check_size(volume: "Nifti1Image", stream: Content, path: Path) -> None:
    """Compare what the header promises with what the file can hold, before anything is allocated."""
    shape = volume.shape
    if len(shape) not in (2, 3, 4) or min(shape) < 1:
        raise ImageReadError(f"{path}: has the shape {shape}", expected="two to four dimensions")
    compressed = isinstance(stream, gzip.GzipFile)
    needed = math.prod(shape) * volume.get_data_dtype().itemsize
    if compressed and needed > MAX_VOLUME_BYTES:
        raise ImageReadError(
            f"{path}: unpacks to {needed // 2**20} MiB",
            expected=f"at most {MAX_VOLUME_BYTES // 2**20}",
            fix="unpack it first if you trust it",
        )
    available = length(stream) * (MAX_DEFLATE_RATIO if compressed else 1)
    if needed > available:
        raise ImageReadError(
            f"{path}: its header promises {needed} bytes of voxels, more than the file holds", fix="copy it again"
        )


def _frames(volume: "Nifti1Image") -> int:
    return volume.shape[3] if len(volume.shape) == 4 else 1


def _orientation(volume: "Nifti1Image") -> Float[np.ndarray, "3 2"]:
    """Give, for each array axis, the axis (right, anterior, superior) that it runs along most, and 1 or -1."""
    from nibabel.orientations import io_orientation

    unknown = np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
    if not np.isfinite(volume.affine).all():
        return unknown
    found = io_orientation(volume.affine)
    return unknown if np.isnan(found).any() else found


def _states_orientation(volume: "Nifti1Image") -> bool:
    from nibabel.orientations import io_orientation

    coded = bool(volume.header["sform_code"] or volume.header["qform_code"])
    if not coded or not np.isfinite(volume.affine).all():
        return False
    return bool(np.isfinite(io_orientation(volume.affine)).all())


def _planes(volume: "Nifti1Image") -> dict[str, int]:
    across = _orientation(volume)[:, 0]
    shape = (*volume.shape, 1)
    return {plane: int(shape[int(np.flatnonzero(across == axis)[0])]) for plane, axis in PLANES.items()}


def _chosen_slice(path: Path, planes: dict[str, int], axis: str | None, index: int | None) -> tuple[str, int]:
    thin = [plane for plane, count in planes.items() if count == 1]
    if axis is None and index is None and len(thin) == 1:
        return thin[0], 0
    offer = ", ".join(f"axis={plane!r} with index=0 to {count - 1}" for plane, count in planes.items())
    if axis is None or index is None:
        raise ImageReadError(f"{path}: is a volume", fix=f"choose a slice: {offer}")
    if axis not in planes or not 0 <= index < planes[axis]:
        raise ImageReadError(f"{path}: has no slice axis={axis!r}, index={index}", expected=offer)
    return axis, index


def _slice(volume: "Nifti1Image", axis: str, index: int, time: int) -> Shaped[np.ndarray, "height width"]:
    """Cut a slice one voxel thick, turn it to right, anterior, superior, and lay it out as `read` says."""
    from nibabel.orientations import apply_orientation

    orientation = _orientation(volume)
    along = int(np.flatnonzero(orientation[:, 0] == PLANES[axis])[0])
    count = (*volume.shape, 1)[along]
    place = index if orientation[along, 1] > 0 else count - 1 - index
    cut = [slice(place, place + 1) if dimension == along else slice(None) for dimension in range(3)]
    if len(volume.shape) == 2:
        thin = np.asanyarray(volume.dataobj)[..., np.newaxis][tuple(cut)]
    else:
        thin = np.asanyarray(volume.dataobj[(*cut, time)[: len(volume.shape)]])
    plane = np.squeeze(apply_orientation(thin, orientation), axis=PLANES[axis])
    # Its axes grow to the right or front, then to the front or head; a radiologist sees both the other way.
    return plane[::-1, ::-1].T


def _states_sizes(volume: "Nifti1Image", stream: Content, notes: list[str]) -> bool:
    """Look at the sizes as the file has them: nibabel replaces those of 0 by 1."""
    if volume.header["sform_code"] > 0:
        return True
    stream.seek(0)
    header = type(volume).header_class.from_fileobj(stream, check=False)
    sizes = header["pixdim"][1 : 1 + min(len(volume.shape), 3)]
    if (sizes == 0).any():
        notes.append("a voxel size is 0: spacing unknown")
        return False
    return True


def _spacing(volume: "Nifti1Image", axis: str, notes: list[str]) -> tuple[float, float] | None:
    """Give the distance between rows and between columns of a slice as `_slice` lays it out."""
    from nibabel.affines import voxel_sizes

    unit = volume.header.get_xyzt_units()[0]
    sizes = voxel_sizes(volume.affine) * _MM_PER_UNIT[unit]
    by_direction = dict(zip(_orientation(volume)[:, 0].astype(int), sizes.tolist(), strict=True))
    columns, rows = (by_direction[direction] for direction in range(3) if direction != PLANES[axis])
    if not (np.isfinite([rows, columns]).all() and rows > 0 and columns > 0):
        notes.append(f"voxel size {rows} x {columns} is no length: spacing unknown")
        return None
    return rows, columns


def _numbers(values: Shaped[np.ndarray, "height width"], path: Path) -> Num[np.ndarray, "height width *channels"]:
    """Give integers as they are, floating-point values in single precision, and colour as three channels."""
    if values.dtype.names:
        return np.stack([values[name] for name in values.dtype.names[:3]], axis=-1)
    if np.iscomplexobj(values):
        raise ImageReadError(f"{path}: holds complex numbers", fix="save the magnitude or the phase")
    is_integer = np.issubdtype(values.dtype, np.integer)
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("=") if is_integer else np.float32)
