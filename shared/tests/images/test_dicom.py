"""DICOM files with one odd thing each: what becomes of it, and what is noted."""

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian, JPEG2000Lossless

from medsuite.core.errors import InputError
from medsuite.core.images import ImageReadError, LookupTable, Window, contents, display, read

RAMP = np.arange(12, dtype=np.uint16).reshape(3, 4) * 100


def test_a_plain_file_gives_its_values_as_stored(write_dicom):
    image = read(write_dicom(RAMP, PixelSpacing=[0.5, 0.25], WindowCenter=600, WindowWidth=800))
    np.testing.assert_array_equal(image.pixels, RAMP)
    assert (image.kind, image.modality, image.inverted, image.padding) == ("DICOM", "CT", False, None)
    assert image.spacing_mm == (0.5, 0.25)
    assert image.window == Window(600, 800)
    assert image.notes == ()


def test_an_image_cannot_be_changed_by_accident(write_dicom):
    image = read(write_dicom(RAMP))
    with pytest.raises(ValueError, match="read-only"):
        image.pixels[0, 0] = 1


def test_monochrome1_is_shown_inverted_and_its_values_are_left_alone(write_dicom):
    path = write_dicom(RAMP, PhotometricInterpretation="MONOCHROME1", WindowCenter=550.5, WindowWidth=1101)
    image = read(path)
    shown = display(image)
    assert image.inverted
    np.testing.assert_array_equal(image.pixels, RAMP)
    assert (shown[0, 0], shown[-1, -1]) == (1, 0)
    np.testing.assert_allclose(shown, 1 - display(read(write_dicom(RAMP, WindowCenter=550.5, WindowWidth=1101))))


@pytest.mark.parametrize(
    ("photometric", "shape", "inverted", "notes"),
    [
        ("MONOCHROME1", "INVERSE", True, 0),
        ("MONOCHROME2", "IDENTITY", False, 0),
        ("MONOCHROME2", "INVERSE", True, 1),
        ("MONOCHROME1", "IDENTITY", True, 1),
    ],
)
def test_the_presentation_lut_shape_inverts_once_and_a_contradiction_is_noted(
    write_dicom, photometric, shape, inverted, notes
):
    image = read(write_dicom(RAMP, PhotometricInterpretation=photometric, PresentationLUTShape=shape))
    assert image.inverted is inverted
    assert sum("Presentation LUT Shape" in note for note in image.notes) == notes


def test_of_several_windows_the_first_is_used_and_the_others_are_offered(write_dicom):
    path = write_dicom(
        RAMP, WindowCenter=[40, 450], WindowWidth=[350, 1500], WindowCenterWidthExplanation=["SOFT", "BONE"]
    )
    image = read(path)
    assert image.windows == (Window(40, 350, explanation="SOFT"), Window(450, 1500, explanation="BONE"))
    assert contents(path).windows == image.windows
    assert any("2 windows" in note for note in image.notes)
    assert not np.allclose(display(image), display(image, image.windows[1]))


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_the_voi_lut_function_is_that_of_the_file(write_dicom, function):
    image = read(write_dicom(RAMP, WindowCenter=500, WindowWidth=300, VOILUTFunction=function))
    assert image.window == Window(500, 300, function)


@pytest.mark.parametrize(
    ("attributes", "window", "note"),
    [
        ({"WindowCenter": 5, "WindowWidth": 0}, None, "width 0 is ignored"),
        ({"WindowCenter": 5}, None, "1 window centres but 0 widths"),
        ({"WindowCenter": [5, 6], "WindowWidth": 9}, Window(5, 9), "2 window centres but 1 widths"),
        ({"WindowCenter": 0.5, "WindowWidth": 0.25}, Window(0.5, 0.25, "LINEAR_EXACT"), "LINEAR_EXACT is used"),
        ({"WindowCenter": 5, "WindowWidth": 9, "VOILUTFunction": "CURVE"}, Window(5, 9), "'CURVE' is unknown"),
        ({}, None, "states no window"),
    ],
)
def test_an_invalid_window_is_noted_and_the_range_of_the_values_stands_in(write_dicom, attributes, window, note):
    image = read(write_dicom(RAMP, **attributes))
    assert image.window == (window or Window(550, 1100, "LINEAR_EXACT", "range of the values"))
    assert any(note in text for text in image.notes)


def test_eight_bits_without_a_window_are_shown_as_they_are(write_dicom):
    pixels = np.array([[100, 101], [102, 103]], np.uint8)
    np.testing.assert_allclose(display(read(write_dicom(pixels))), pixels / 255, rtol=1e-6)


def test_signed_pixels_keep_their_sign_and_are_rescaled_to_whole_numbers(write_dicom):
    stored = np.array([[-1000, -1], [0, 2000]], np.int16)
    image = read(write_dicom(stored, RescaleSlope=1, RescaleIntercept=-1024))
    np.testing.assert_array_equal(image.pixels, [[-2024, -1025], [-1024, 976]])
    assert np.issubdtype(image.pixels.dtype, np.integer)


def test_signed_pixels_of_twelve_bits_in_sixteen_keep_their_sign(write_dicom):
    stored = np.array([[-5, 5], [-2048, 2047]], np.int16)
    packed = (stored.view(np.uint16) & 0x0FFF).view(np.int16)
    image = read(write_dicom(packed, BitsStored=12, HighBit=11))
    np.testing.assert_array_equal(image.pixels, stored)


def test_fractional_rescaling_is_slope_times_value_plus_intercept(write_dicom):
    image = read(write_dicom(RAMP, RescaleSlope=0.684, RescaleIntercept=200.5))
    np.testing.assert_allclose(image.pixels, RAMP * 0.684 + 200.5, rtol=1e-6)
    assert image.pixels.dtype == np.float32


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [({"RescaleIntercept": 7}, RAMP + 7.0), ({"RescaleSlope": 2}, RAMP * 2.0), ({"RescaleSlope": 0}, RAMP)],
)
def test_half_a_rescaling_counts_and_a_slope_of_zero_does_not(write_dicom, attributes, expected):
    image = read(write_dicom(RAMP, **attributes))
    np.testing.assert_array_equal(image.pixels, expected)
    assert any("RescaleSlope is 0" in note for note in image.notes) == (attributes.get("RescaleSlope") == 0)


@pytest.mark.parametrize("stated", [-2000, 63536], ids=["signed", "unsigned by mistake"])
def test_padding_is_left_out_of_the_range_and_shown_black(write_dicom, stated):
    stored = np.array([[-2000, -2000], [0, 100]], np.int16)
    attributes = {"PixelPaddingValue": stated} if stated < 0 else {}
    path = write_dicom(
        stored, RescaleSlope=1, RescaleIntercept=-50, PhotometricInterpretation="MONOCHROME1", **attributes
    )
    if stated > 0:
        dataset = pydicom.dcmread(path)
        dataset.add_new("PixelPaddingValue", "US", stated)
        dataset.save_as(path)
    image = read(path)
    np.testing.assert_array_equal(image.padding, stored == -2000)
    np.testing.assert_allclose(display(image), [[0, 0], [1, 0]])


def test_a_padding_range_covers_both_ends_in_either_order(write_dicom):
    for ends in ((200, 400), (400, 200)):
        image = read(write_dicom(RAMP, PixelPaddingValue=ends[0], PixelPaddingRangeLimit=ends[1]))
        np.testing.assert_array_equal(image.padding, (RAMP >= 200) & (RAMP <= 400))


def test_padding_that_no_pixel_has_is_no_padding(write_dicom):
    assert read(write_dicom(RAMP, PixelPaddingValue=7)).padding is None


def test_a_modality_lut_replaces_the_values(write_dicom, lut_item):
    stored = np.array([[-3, -2], [0, 9]], np.int16)
    path = write_dicom(stored, ModalityLUTSequence=[lut_item(-2, [5, 6, 7], signed=True)])
    np.testing.assert_array_equal(read(path).pixels, [[5, 5], [7, 7]])


def test_a_voi_lut_comes_before_the_windows(write_dicom, lut_item):
    entries = [0, 1000, 65535]
    path = write_dicom(
        np.array([[0, 1], [2, 3]], np.uint16), VOILUTSequence=[lut_item(1, entries)], WindowCenter=2, WindowWidth=4
    )
    image = read(path)
    assert isinstance(image.window, LookupTable)
    assert image.windows[1] == Window(2, 4)
    np.testing.assert_allclose(display(image), np.array([[0, 0], [1000, 65535]]) / 65535, rtol=1e-6)


def test_a_voi_lut_after_a_negative_rescaling_begins_below_zero(write_dicom, lut_item):
    path = write_dicom(
        np.array([[24, 1024], [1025, 4000]], np.uint16),
        RescaleSlope=1,
        RescaleIntercept=-1024,
        VOILUTSequence=[lut_item(2**16 - 1, [10, 20, 30], bits=8)],
    )
    assert contents(path).windows[0].first == -1
    np.testing.assert_allclose(display(read(path)), np.array([[10, 20], [30, 30]]) / 255, rtol=1e-6)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian], ids=["little", "big"])
def test_packed_eight_bit_and_byte_string_entries_are_read_in_the_order_of_the_file(write_dicom, lut_item, syntax):
    order = "<u2" if syntax.is_little_endian else ">u2"
    stored = np.array([[0, 1], [2, 3]], np.uint8)
    pixels = stored if syntax.is_little_endian else stored.astype(">u1")
    packed = np.array([0x0201, 0x0403], order).tobytes()
    wide = np.array([256, 512, 768, 1024], order).tobytes()
    items = [lut_item(0, packed, bits=8, count=4), lut_item(0, wide, bits=16, count=4)]
    dataset = pydicom.dcmread(write_dicom(pixels, VOILUTSequence=items))
    image_windows = tables(dataset, little_endian=syntax.is_little_endian)
    np.testing.assert_array_equal(image_windows[0].look_up(stored), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(image_windows[1].look_up(stored), [[256, 512], [768, 1024]])


def tables(dataset: Dataset, *, little_endian: bool) -> list[LookupTable]:
    from medsuite.core.images.dicom_values import lookup_table

    found = [lookup_table(item, signed=False, little_endian=little_endian) for item in dataset.VOILUTSequence]
    return [table for table in found if table is not None]


def test_an_incomplete_lut_is_noted(write_dicom, lut_item):
    items = [lut_item(0, [1, 2], count=500)]
    image = read(write_dicom(RAMP, VOILUTSequence=items, ModalityLUTSequence=items))
    np.testing.assert_array_equal(image.pixels, RAMP)
    assert {"a VOI LUT is incomplete: ignored", "the modality LUT is incomplete: ignored"} <= set(image.notes)


@pytest.mark.parametrize(
    ("attributes", "spacing", "note"),
    [
        ({"PixelSpacing": [0.2, 0.3]}, (0.2, 0.3), None),
        ({"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.25, 0.25]}, (0.2, 0.2), None),
        ({"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.2, 0.2]}, (0.2, 0.2), "may not be corrected"),
        ({}, None, "no PixelSpacing: spacing unknown"),
        ({"PixelSpacing": [0, 0]}, None, "PixelSpacing is 0 x 0: spacing unknown"),
        ({"PixelSpacing": [0.2, -0.2]}, None, "PixelSpacing is 0.2 x -0.2: spacing unknown"),
        ({"ImagerPixelSpacing": [0.15, 0.15]}, None, "only ImagerPixelSpacing 0.15 x 0.15"),
        ({"PixelAspectRatio": [4, 3]}, None, "no PixelSpacing, PixelAspectRatio 4 x 3: spacing unknown"),
        ({"PixelAspectRatio": [1, 1]}, None, "no PixelSpacing: spacing unknown"),
        ({"NominalScannedPixelSpacing": [0.1, 0.1]}, None, "only NominalScannedPixelSpacing"),
    ],
)
def test_spacing_is_that_in_the_patient_or_none_with_one_note(write_dicom, attributes, spacing, note):
    image = read(write_dicom(RAMP, WindowCenter=1, WindowWidth=2, **attributes))
    assert image.spacing_mm == spacing
    assert len(image.notes) == (note is not None)
    assert all(note in text for text in image.notes)


@pytest.mark.parametrize(
    ("attributes", "orientation"),
    [
        ({"PatientOrientation": ["L", "F"]}, ("L", "F")),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}, ("L", "P")),
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, ("P", "F")),
        ({"ImageOrientationPatient": [-0.9, 0.1, 0, 0.1, 0, 0.9]}, ("R", "H")),
        ({}, None),
    ],
)
def test_orientation_says_where_columns_and_rows_grow_to(write_dicom, attributes, orientation):
    assert read(write_dicom(RAMP, **attributes)).orientation == orientation


def test_view_body_part_and_burnt_in_text_are_carried(write_dicom):
    image = read(write_dicom(RAMP, ViewPosition="LL", BodyPartExamined="CHEST", BurnedInAnnotation="YES"))
    assert (image.view, image.body_part) == ("LL", "CHEST")
    assert any("burnt" in note for note in image.notes)


def test_a_frame_has_to_be_chosen_where_there_are_several(write_dicom):
    frames = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    path = write_dicom(frames)
    assert contents(path).frames == 2
    with pytest.raises(ImageReadError, match=r"has 2 frames; choose one: frame=0 to frame=1"):
        read(path)
    with pytest.raises(ImageReadError, match=r"has no frame 2; expected frame=0 to frame=1"):
        read(path, frame=2)
    np.testing.assert_array_equal(read(path, frame=1).pixels, frames[1])


def functional_groups(**macros: dict[str, object]) -> Dataset:
    groups = Dataset()
    for name, attributes in macros.items():
        macro = Dataset()
        for keyword, value in attributes.items():
            setattr(macro, keyword, value)
        setattr(groups, name, [macro])
    return groups


def test_functional_groups_are_those_of_the_frame_then_the_shared_ones(write_dicom):
    frames = np.ones((2, 3, 4), np.uint16)
    path = write_dicom(
        frames,
        WindowCenter=1,
        WindowWidth=2,
        SharedFunctionalGroupsSequence=[
            functional_groups(
                PixelMeasuresSequence={"PixelSpacing": [0.5, 0.5]},
                FrameVOILUTSequence={"WindowCenter": 40, "WindowWidth": 400},
                PlaneOrientationSequence={"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]},
            )
        ],
        PerFrameFunctionalGroupsSequence=[
            functional_groups(PixelValueTransformationSequence={"RescaleSlope": slope, "RescaleIntercept": 0})
            for slope in (3, 5)
        ],
    )
    image = read(path, frame=1)
    assert (image.pixels == 5).all()
    assert (image.spacing_mm, image.window, image.orientation) == ((0.5, 0.5), Window(40, 400), ("L", "P"))


def test_a_file_without_preamble_and_header_is_read_with_a_note(write_dicom):
    path = write_dicom(RAMP, syntax=ImplicitVRLittleEndian)
    dataset = pydicom.dcmread(path)
    pydicom.dcmwrite(path, Dataset(dataset), implicit_vr=True, little_endian=True, enforce_file_format=False)
    assert path.read_bytes()[128:132] != b"DICM"
    image = read(path)
    np.testing.assert_array_equal(image.pixels, RAMP)
    assert any("states no transfer syntax" in note for note in image.notes)


def test_a_grey_image_stored_as_colour_has_one_channel(write_dicom):
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    path = write_dicom(pixels)
    dataset = pydicom.dcmread(path)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.PixelData = np.repeat(pixels[..., None], 3, axis=-1).tobytes()
    dataset.save_as(path)
    image = read(path)
    np.testing.assert_array_equal(image.pixels, pixels)
    assert any("three equal channels" in note for note in image.notes)


def test_values_that_are_not_finite_count_as_padding(write_dicom):
    values = np.array([[0, np.nan], [np.inf, 2]], np.float32)
    path = write_dicom(np.zeros((2, 2), np.uint32))
    dataset = pydicom.dcmread(path)
    del dataset.PixelData, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation
    dataset.FloatPixelData = values.tobytes()
    dataset.save_as(path)
    image = read(path)
    np.testing.assert_array_equal(image.padding, ~np.isfinite(values))
    np.testing.assert_array_equal(image.pixels, [[0, 0], [0, 2]])
    np.testing.assert_array_equal(display(image), [[0, 0], [0, 1]])


def test_a_deflated_file_is_read_up_to_a_limit(write_dicom, monkeypatch):
    path = write_dicom(np.zeros((512, 512), np.uint16), syntax=DeflatedExplicitVRLittleEndian)
    assert read(path).pixels.shape == (512, 512)
    monkeypatch.setattr("medsuite.core.images.content.MAX_INFLATED_BYTES", 2**18)
    with pytest.raises(ImageReadError, match="unpacks to more than"):
        read(path)


@pytest.mark.parametrize("size", [(65535, 65535), (0, 10)])
def test_an_absurd_size_is_refused_before_anything_is_allocated(write_dicom, size):
    path = write_dicom(RAMP, Rows=size[0], Columns=size[1])
    with pytest.raises(ImageReadError, match=f"has {size[0]} x {size[1]} pixels"):
        read(path)


def test_a_size_that_the_pixel_data_does_not_fill_is_refused(write_dicom):
    with pytest.raises(ImageReadError, match="less than expected"):
        read(write_dicom(RAMP, Rows=5000, Columns=5000))


def test_a_compressed_frame_of_another_size_than_the_header_is_refused(real_file, tmp_path):
    dataset = pydicom.dcmread(real_file("MR_small_jp2klossless.dcm"))
    assert dataset.file_meta.TransferSyntaxUID == JPEG2000Lossless
    dataset.Rows = 65
    dataset.save_as(tmp_path / "other.dcm")
    with pytest.raises(ImageReadError, match="65 x 64 pixels, its compressed frame 64 x 64"):
        read(tmp_path / "other.dcm")


def test_axis_and_index_are_refused_for_dicom(write_dicom):
    with pytest.raises(InputError, match="axis and index were given for a DICOM file"):
        read(write_dicom(RAMP), axis="axial", index=0)
