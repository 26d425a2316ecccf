"""What a file is, is decided by its content; what is no image is named, and nothing unpacks without a limit."""

import gzip
import pickle
import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import get_frame

from medsuite.core.errors import InputError, MedsuiteError
from medsuite.core.images import ImageReadError, contents, read
from medsuite.core.images.codestream import codestream_size


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "is empty; expected a DICOM, NIfTI, PNG, JPEG or TIFF image"),
        (b"hello", "is not an image that is known"),
        (b"%PDF-1.7", "is a PDF document"),
        (b"PK\x03\x04abc", "is a ZIP archive"),
        (b"GIF89a", "is a GIF"),
        (b"NRRD0004", "is an NRRD volume"),
        (b"\x1f\x8b", "its gzip compression is damaged"),
        (b"\x89PNG\r\n\x1a\n", "is a PNG file with a damaged header"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"II*\0", "TIFF"),
        (b"\0" * 128 + b"DICM", "is a DICOM object, not an image"),
        (b"\x08\0\x05\0junk", "DICOM"),
        (struct.pack("<i", 348) + bytes(340) + b"n+1\0", "NIfTI"),
        (struct.pack("<i", 540) + b"n+2\0\r\n\x1a\n", "NIfTI"),
    ],
)
def test_a_file_that_is_no_image_is_named_in_one_line(tmp_path, content, named):
    path = tmp_path / "given"
    path.write_bytes(content)
    for function in (read, contents):
        with pytest.raises(ImageReadError) as caught:
            function(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert named in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(ImageReadError, match=r"nothing\.png: cannot be opened \(No such file or directory\)"):
        read(tmp_path / "nothing.png")
    with pytest.raises(ImageReadError, match=r"cannot be opened \(Is a directory\)"):
        read(tmp_path)


def test_the_error_is_an_input_error_and_survives_a_process_boundary(tmp_path):
    with pytest.raises(InputError) as caught:
        read(tmp_path / "nothing")
    assert isinstance(caught.value, MedsuiteError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_gzip_is_unpacked_for_every_format_up_to_a_limit(tmp_path, monkeypatch):
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    packed = tmp_path / "image.png.gz"
    packed.write_bytes(gzip.compress((tmp_path / "image.png").read_bytes()))
    np.testing.assert_array_equal(read(packed).pixels, pixels)
    monkeypatch.setattr("medsuite.core.images.content.MAX_INFLATED_BYTES", 2**20)
    packed.write_bytes(gzip.compress((tmp_path / "image.png").read_bytes() + bytes(2**21)))
    with pytest.raises(ImageReadError, match="unpacks to more than 1 MiB"):
        read(packed)


@pytest.mark.parametrize(
    "name",
    ["JPEG2000.dcm", "GDCMJ2K_TextGBR.dcm", "MR_small_jpeg_ls_lossless.dcm", "JPGExtended.dcm", "SC_rgb_jpeg_gdcm.dcm"],
)
def test_the_size_in_a_compressed_frame_is_that_of_the_header(real_file, name):
    dataset = dcmread(real_file(name))
    frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
    assert codestream_size(frame) == (dataset.Rows, dataset.Columns)


@pytest.mark.parametrize("frame", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\0\x10", b"\xff\x4f\xff\x51", b"RLE" * 20])
def test_a_frame_that_states_no_size_gives_none(frame):
    assert codestream_size(frame) is None


def test_importing_and_reading_a_png_needs_neither_pydicom_nor_nibabel(tmp_path):
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "image.png")
    code = (
        "import sys; sys.modules['pydicom'] = sys.modules['nibabel'] = None\n"
        "from medsuite.core.images import read\n"
        f"print(read({str(tmp_path / 'image.png')!r}).pixels.shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "(2, 2)\n"
