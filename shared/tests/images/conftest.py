"""Real files from installed packages, and writers of small files with one odd thing each."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jaxtyping import Num
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian


@pytest.fixture(scope="session")
def real_file() -> Callable[[str], Path]:
    """Find a test file by its name, in pydicom or in pydicom-data."""
    folders = [Path(str(files("pydicom"))) / "data/test_files", Path(str(files("data_store"))) / "data"]

    def find(name: str) -> Path:
        return next(folder / name for folder in folders if (folder / name).is_file())

    return find


@pytest.fixture
def write_dicom(tmp_path: Path) -> Callable[..., Path]:
    """Write one-channel pixels as DICOM, with whatever attributes the test is about."""

    def write(
        pixels: Num[np.ndarray, "..."],
        *,
        syntax: UID = ExplicitVRLittleEndian,
        without: tuple[str, ...] = (),
        **attributes: Any,
    ) -> Path:
        path = tmp_path / "image.dcm"
        meta = FileMetaDataset()
        meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = syntax, CTImageStorage
        meta.MediaStorageSOPInstanceUID = UID("1.2.3")
        dataset = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
        dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = CTImageStorage, UID("1.2.3"), "CT"
        dataset.Rows, dataset.Columns = pixels.shape[-2:]
        if pixels.ndim == 3:
            dataset.NumberOfFrames = len(pixels)
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
        dataset.HighBit = dataset.BitsStored - 1
        dataset.PixelRepresentation = int(np.issubdtype(pixels.dtype, np.signedinteger))
        dataset.PixelData = pixels.tobytes()
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)
        for keyword in without:
            delattr(dataset, keyword)
        dataset.save_as(path, enforce_file_format=True)
        return path

    return write


@pytest.fixture
def lut_item() -> Callable[..., Dataset]:
    """Make an item of a Modality or VOI LUT Sequence."""

    def make(
        first: int, entries: list[int] | bytes, *, bits: int = 16, count: int | None = None, signed: bool = False
    ) -> Dataset:
        item = Dataset()
        item.add_new("LUTDescriptor", "SS" if signed else "US", [len(entries) if count is None else count, first, bits])
        item.add_new("LUTData", "OW" if isinstance(entries, bytes) else "US", entries)
        item.ModalityLUTType = "US"
        return item

    return make
