"""Every file that pydicom and pydicom-data ship is read, or refused in one line that names it and says why."""

from collections import Counter
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pydicom
import pytest

from medsuite.core.images import ImageReadError, MedicalImage, contents, display, read

ROOTS = [Path(str(files("pydicom"))) / "data", Path(str(files("data_store"))) / "data"]
FILES = {
    path.relative_to(root).as_posix(): path
    for root in ROOTS
    for path in sorted(root.rglob("*"))
    if path.is_file() and path.suffix not in (".py", ".pyc")
}

NO_FORMAT = "is not an image that is known"
NO_PIXELS = "without its pixel data"
NO_ROWS = "with pixel data but without Rows, Columns"

# Pattern, how many files it stands for, and what the error has to say. A file that starts or ceases to be readable,
# or that a new release of pydicom adds, fails here.
UNREADABLE = [
    ("*.json", 4, NO_FORMAT),
    ("*.dump", 2, NO_FORMAT),
    ("*README*", 4, NO_FORMAT),
    ("charset_files/FileInfo.txt", 1, NO_FORMAT),
    ("test_files/crayons.icc", 1, NO_FORMAT),
    # A stray byte stands before the data set, and there is no file header to recognise it by.
    ("test_files/no_meta.dcm", 1, NO_FORMAT),
    ("palettes/*.dcm", 8, "is a DICOM Color Palette, not an image"),
    ("test_files/dicomdirtests/*DICOMDIR*", 8, "is a DICOM Media Storage Directory, not an image"),
    ("test_files/ExplVR_*EndNoMeta.dcm", 2, "is a DICOM RT Ion Plan, not an image"),
    ("test_files/rtplan*.dcm", 2, "is a DICOM RT Plan, not an image"),
    ("test_files/rtstruct.dcm", 1, "is a DICOM RT Structure Set, not an image"),
    ("test_files/reportsi*.dcm", 2, "is a DICOM Basic Text SR, not an image"),
    ("test_files/test-SR.dcm", 1, "is a DICOM Comprehensive SR, not an image"),
    ("test_files/waveform_ecg.dcm", 1, "is a DICOM 12-lead ECG Waveform, not an image"),
    ("test_files/empty_charset_LEI.dcm", 1, "is a DICOM object, not an image"),
    # Headers of images whose pixels were taken out, to make the files small.
    ("charset_files/chrJapMulti*.dcm", 2, NO_PIXELS),
    ("charset_files/chrKoreanMulti.dcm", 1, NO_PIXELS),
    ("charset_files/chrSQEncoding*.dcm", 2, NO_PIXELS),
    ("test_files/dicomdirtests/TINY_ALPHA/PT*/IM*", 50, NO_PIXELS),
    ("test_files/UN_sequence.dcm", 1, NO_PIXELS),
    ("test_files/no_meta_group_length.dcm", 1, NO_PIXELS),
    ("test_files/priv_SQ.dcm", 1, NO_PIXELS),
    ("emri_small_jpeg_2k_lossless_too_short.dcm", 1, NO_PIXELS),
    ("test_files/meta_missing_tsyntax.dcm", 1, NO_ROWS),
    ("test_files/nested_priv_SQ.dcm", 1, NO_ROWS),
    # Images that are broken.
    ("test_files/badVR.dcm", 1, "NumberOfFrames is no number"),
    ("test_files/MR_truncated.dcm", 1, "less than expected (8130 vs 8192 bytes)"),
    ("test_files/JPEG-lossy.dcm", 1, "A misplaced marker segment"),
    ("test_files/JPEG2000-embedded-sequence-delimiter.dcm", 1, "its compressed frame 1024 x 3722445056"),
]


def reasons(name: str) -> list[str]:
    return [reason for pattern, _, reason in UNREADABLE if fnmatchcase(name, pattern)]


READABLE = [name for name in FILES if not reasons(name)]


@cache
def first_frame(name: str) -> MedicalImage:
    return read(FILES[name], frame=0)


def test_the_table_of_unreadable_files_is_exact():
    counted = Counter(pattern for name in FILES for pattern, _, _ in UNREADABLE if fnmatchcase(name, pattern))
    assert counted == {pattern: count for pattern, count, _ in UNREADABLE}
    assert max(len(reasons(name)) for name in FILES) == 1
    assert len(READABLE) == 169


@pytest.mark.parametrize("name", READABLE)
def test_an_image_is_read_in_full_without_a_word_on_the_terminal(name, capfd, recwarn):
    path = FILES[name]
    offer = contents(path)
    image = first_frame(name)
    shown = display(image)
    assert np.isfinite(image.pixels).all()
    assert image.pixels.shape[:2] == offer.size == shown.shape[:2]
    assert image.pixels.dtype.isnative
    assert (shown.dtype, shown.min() >= 0, shown.max() <= 1) == (np.float32, True, True)
    # Those of 16 x 16 pixels are cut from the middle of larger images, some of them wholly outside the window.
    assert shown.max() - shown.min() > 0.25 or image.pixels.size == 256
    assert image.spacing_mm is None or min(image.spacing_mm) > 0
    assert not any("\n" in note for note in image.notes)
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


@pytest.mark.parametrize("name", [name for name in FILES if reasons(name)])
def test_a_file_that_is_no_image_gives_one_line_that_names_it(name, capfd, recwarn):
    with pytest.raises(ImageReadError) as caught:
        read(FILES[name])
    message = str(caught.value)
    assert message.startswith(f"{FILES[name]}: ")
    assert reasons(name)[0] in message
    assert "\n" not in message
    assert len(message.removeprefix(str(FILES[name]))) < 400
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def grey_with_top_level_attributes() -> list[str]:
    """Give the files that pydicom's own functions can turn into values: it does not look into functional groups.

    Those compressed with JPEG 2000 are compared with their uncompressed twins below.
    """
    names = []
    for name in READABLE:
        header = (
            pydicom.dcmread(FILES[name], force=True, stop_before_pixels=True) if FILES[name].suffix != ".gz" else {}
        )
        if header.get("SamplesPerPixel") == 1 and header.PhotometricInterpretation != "PALETTE COLOR":
            names += [name] if "SharedFunctionalGroupsSequence" not in header and "_J2K" not in name else []
    return names


@pytest.mark.parametrize("name", grey_with_top_level_attributes())
def test_values_and_first_window_are_those_of_pydicom(name):
    dataset = pydicom.dcmread(FILES[name])
    stored = pydicom.pixels.pixel_array(dataset, index=0)
    expected = pydicom.pixels.apply_modality_lut(stored, dataset)
    image = first_frame(name)
    np.testing.assert_allclose(image.pixels, expected, rtol=1e-6)
    if "WindowCenter" in dataset:
        ends = pydicom.pixels.apply_voi_lut(np.array([-1e6, 1e6]), dataset)
        shown = (pydicom.pixels.apply_voi_lut(expected, dataset) - ends[0]) / (ends[1] - ends[0])
        shown = 1 - shown if dataset.PhotometricInterpretation == "MONOCHROME1" else shown
        inside = np.ones(shown.shape, bool) if image.padding is None else ~image.padding
        np.testing.assert_allclose(display(image)[inside], shown[inside], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "twins"),
    [
        # Uncompressed and in other transfer syntaxes: lossless ones (J2KR), and the lossy one after decoding (J2KI).
        ("RG1_UNCR.dcm", ["RG1_J2KR.dcm"]),
        ("RG1_UNCI.dcm", ["RG1_J2KI.dcm"]),
        ("RG3_UNCR.dcm", ["RG3_J2KR.dcm"]),
        ("RG3_UNCI.dcm", ["RG3_J2KI.dcm"]),
        ("MR2_UNCR.dcm", ["MR2_J2KR.dcm"]),
        ("MR2_UNCI.dcm", ["MR2_J2KI.dcm"]),
        ("US1_UNCR.dcm", ["US1_J2KR.dcm", "test_files/examples_jpeg2k.dcm"]),
        ("693_UNCR.dcm", ["693_J2KR.dcm"]),
        ("693_UNCI.dcm", ["test_files/693_J2KI.dcm"]),
        ("JPEG2000_UNC.dcm", ["test_files/JPEG2000.dcm"]),
        (
            "test_files/MR_small.dcm",
            [
                "test_files/MR_small_RLE.dcm",
                "test_files/MR_small_bigendian.dcm",
                "test_files/MR_small_expb.dcm",
                "test_files/MR_small_implicit.dcm",
                "test_files/MR_small_jp2klossless.dcm",
                "test_files/MR_small_jpeg_ls_lossless.dcm",
                "test_files/MR_small_padded.dcm",
                "test_files/zipMR.gz",
            ],
        ),
        ("OBXXXX1A.dcm", ["OBXXXX1A_expb.dcm", "OBXXXX1A_rle.dcm"]),
        ("gdcm-US-ALOKA-16.dcm", ["gdcm-US-ALOKA-16_big.dcm"]),
        ("SC_rgb.dcm", ["SC_rgb_expb.dcm", "test_files/SC_rgb_rle.dcm", "test_files/SC_rgb_jpeg_gdcm.dcm"]),
        ("SC_rgb_16bit.dcm", ["SC_rgb_expb_16bit.dcm", "test_files/SC_rgb_rle_16bit.dcm"]),
        ("SC_rgb_32bit.dcm", ["SC_rgb_expb_32bit.dcm", "test_files/SC_rgb_rle_32bit.dcm"]),
        ("emri_small.dcm", ["emri_small_RLE.dcm", "emri_small_big_endian.dcm", "emri_small_jpeg_ls_lossless.dcm"]),
        ("liver.dcm", ["liver_expb.dcm", "test_files/liver_1frame.dcm"]),
        ("test_files/rtdose.dcm", ["test_files/rtdose_expb.dcm", "test_files/rtdose_rle.dcm"]),
        ("color-pl.dcm", ["color-px.dcm"]),
    ],
)
def test_an_image_is_the_same_in_every_transfer_syntax(name, twins):
    image = first_frame(name)
    for twin in map(first_frame, twins):
        np.testing.assert_array_equal(twin.pixels, image.pixels)
        assert (twin.window, twin.inverted) == (image.window, image.inverted)


@pytest.mark.parametrize("name", ["OT-PAL-8-face.dcm", "OBXXXX1A_2frame.dcm", "gdcm-US-ALOKA-16.dcm"])
def test_palette_colours_of_little_endian_files_are_those_of_pydicom(name):
    dataset = pydicom.dcmread(FILES[name], force=True)
    dataset.file_meta.TransferSyntaxUID = dataset.file_meta.get("TransferSyntaxUID", pydicom.uid.ImplicitVRLittleEndian)
    stored = pydicom.pixels.pixel_array(dataset, index=0)
    expected = pydicom.pixels.apply_color_lut(stored, dataset)
    np.testing.assert_array_equal(first_frame(name).pixels, expected)


def test_what_pydicom_warns_of_is_noted():
    assert any("excess padding" in note for note in first_frame("test_files/MR_small_padded.dcm").notes)
