"""The two entry points: read one image, or list what a file holds."""

from pathlib import Path
from typing import Literal

from medsuite.core.errors import InputError
from medsuite.core.images import dicom, nifti, raster
from medsuite.core.images.content import open_content
from medsuite.core.images.model import Contents, ImageReadError, MedicalImage

Axis = Literal["sagittal", "coronal", "axial"]


def read(
    path: str | Path, *, frame: int | None = None, axis: Axis | None = None, index: int | None = None
) -> MedicalImage:
    """Read one two-dimensional image; the format is recognised from the content, not from the name.

    Args:
        path: PNG, JPEG, TIFF, DICOM (any transfer syntax that pydicom decodes) or NIfTI file; gzip is unpacked.
        frame: Which frame, page or time point, from 0; needed where there are several.
        axis: For a NIfTI volume, the plane of the slice. It is shown as a radiologist sees it: front or head up,
            the patient's right on the left; sagittal slices face left.
        index: Which slice, from 0 at the patient's left, back or feet.

    Raises:
        ImageReadError: The file is no image, is broken, is larger than the limits, or needs one of the choices above.
        MissingDependencyError: `medsuite-core[images]` is not installed and the file is DICOM or NIfTI.
    """
    path = Path(path)
    with open_content(path) as (stream, kind):
        if kind == "NIfTI":
            return nifti.read(stream, path, frame=frame, axis=axis, index=index)
        _refuse_pair(path, kind)
        if axis is not None or index is not None:
            raise InputError(f"{path}: axis and index were given for a {kind} file", fix="they choose a NIfTI slice")
        if kind == "DICOM":
            return dicom.read(stream, path, frame=frame)
        return raster.read(stream, path, kind, frame=frame)


def contents(path: str | Path) -> Contents:
    """List the frames, planes and windows of a file without decoding its pixels.

    Args:
        path: As in `read`.

    Raises:
        ImageReadError: The file is no image or is broken.
        MissingDependencyError: As in `read`.
    """
    path = Path(path)
    with open_content(path) as (stream, kind):
        _refuse_pair(path, kind)
        if kind == "NIfTI":
            return nifti.contents(stream, path)
        return dicom.contents(stream, path) if kind == "DICOM" else raster.contents(stream, path, kind)


def _refuse_pair(path: Path, kind: str) -> None:
    if kind == "NIfTI pair":
        raise ImageReadError(f"{path}: is the header of a NIfTI pair (.hdr and .img)", fix="save it as one .nii file")
