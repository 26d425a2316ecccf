"""NIfTI: whatever the order of the voxels, a slice looks as a radiologist expects, with the right spacing."""

import gzip
import itertools
import struct

import nibabel
import numpy as np
import pytest
from jaxtyping import TypeCheckError

from medsuite.core.images import ImageReadError, contents, display, read

VOLUME = np.arange(3 * 4 * 5, dtype=np.int16).reshape(3, 4, 5)
SIZES = (2.0, 3.0, 4.0)
ORDERS = ["".join(order) for axes in itertools.permutations(["RL", "AP", "SI"]) for order in itertools.product(*axes)]


@pytest.fixture
def write_nifti(tmp_path):
    """Write a volume that is given in the order right, anterior, superior in any other order of its voxels."""

    def write(volume, *, order="RAS", name="volume.nii", kind=nibabel.Nifti1Image, units="mm"):
        image = kind(volume, np.diag([*SIZES, 1]))
        codes = nibabel.orientations.axcodes2ornt(order)
        start = nibabel.orientations.axcodes2ornt("RAS")
        image = image.as_reoriented(nibabel.orientations.ornt_transform(start, codes))
        image.header.set_xyzt_units(units)
        path = tmp_path / name
        nibabel.save(image, path)
        return path

    return write


def shown_by_definition(volume, axis, index):
    """Place every voxel by hand: front or head up, the patient's right on the left."""
    right, front, head = (count - 1 for count in volume.shape[:3])
    if axis == "axial":
        return [[volume[right - x, front - y, index] for x in range(right + 1)] for y in range(front + 1)]
    if axis == "coronal":
        return [[volume[right - x, index, head - z] for x in range(right + 1)] for z in range(head + 1)]
    return [[volume[index, front - y, head - z] for y in range(front + 1)] for z in range(head + 1)]


@pytest.mark.parametrize("order", ORDERS)
def test_a_slice_is_the_same_whatever_the_order_of_the_voxels(write_nifti, order):
    path = write_nifti(VOLUME, order=order)
    assert contents(path).planes == {"sagittal": 3, "coronal": 4, "axial": 5}
    for axis, index in [("sagittal", 0), ("coronal", 1), ("axial", 4)]:
        image = read(path, axis=axis, index=index)
        np.testing.assert_array_equal(image.pixels, shown_by_definition(VOLUME, axis, index))


@pytest.mark.parametrize("order", ["LPS", "SAR", "PIL"])
def test_a_slice_is_cut_from_what_nibabel_calls_the_closest_canonical_image(write_nifti, order):
    path = write_nifti(VOLUME, order=order)
    canonical = np.asarray(nibabel.as_closest_canonical(nibabel.load(path)).dataobj)
    pixels = read(path, axis="axial", index=2).pixels
    np.testing.assert_array_equal(pixels, canonical[::-1, ::-1, 2].T)


@pytest.mark.parametrize("order", ["RAS", "LIP", "ASR"])
@pytest.mark.parametrize(
    ("axis", "spacing", "orientation"),
    [("axial", (3, 2), ("L", "P")), ("coronal", (4, 2), ("L", "F")), ("sagittal", (4, 3), ("P", "F"))],
)
def test_spacing_and_orientation_are_those_of_rows_and_columns(write_nifti, order, axis, spacing, orientation):
    image = read(write_nifti(VOLUME, order=order), axis=axis, index=0)
    assert image.spacing_mm == pytest.approx(spacing)
    assert image.orientation == orientation
    assert image.notes == ()


def test_an_oblique_volume_is_cut_along_the_nearest_axis(tmp_path):
    turned = np.eye(4)
    turned[:3, :3] = nibabel.eulerangles.euler2mat(z=0.3)
    nibabel.save(nibabel.Nifti1Image(VOLUME, turned @ np.diag([*SIZES, 1])), tmp_path / "oblique.nii")
    image = read(tmp_path / "oblique.nii", axis="axial", index=1)
    np.testing.assert_array_equal(image.pixels, shown_by_definition(VOLUME, "axial", 1))
    assert image.spacing_mm == pytest.approx((3, 2), rel=1e-6)


@pytest.mark.parametrize("name", ["volume.nii", "volume.nii.gz"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_both_versions_are_read_through_gzip_and_under_any_name(write_nifti, name, kind):
    path = write_nifti(VOLUME, name=name, kind=kind)
    image = read(path.rename(path.with_name("anything")), axis="axial", index=0)
    assert (image.kind, image.pixels.shape) == ("NIfTI", (4, 3))


def test_a_big_endian_volume_is_read(tmp_path):
    header = nibabel.Nifti1Header(endianness=">")
    image = nibabel.Nifti1Image(VOLUME.astype(">i2"), np.eye(4), header)
    (tmp_path / "big.nii").write_bytes(image.to_bytes())
    pixels = read(tmp_path / "big.nii", axis="sagittal", index=1).pixels
    np.testing.assert_array_equal(pixels, shown_by_definition(VOLUME, "sagittal", 1))
    assert pixels.dtype.isnative


def test_slope_and_intercept_are_applied(write_nifti):
    path = write_nifti(VOLUME)
    data = bytearray(path.read_bytes())
    data[112:120] = struct.pack("<2f", 2, -1024)
    path.write_bytes(data)
    pixels = read(path, axis="axial", index=3).pixels
    np.testing.assert_allclose(pixels, 2.0 * np.array(shown_by_definition(VOLUME, "axial", 3)) - 1024)
    assert pixels.dtype == np.float32


@pytest.mark.parametrize(("units", "factor"), [("mm", 1), ("micron", 1e-3), ("meter", 1e3), (0, 1)])
def test_spacing_is_in_millimetres_whatever_the_unit(write_nifti, units, factor):
    image = read(write_nifti(VOLUME, units=units), axis="axial", index=0)
    assert image.spacing_mm == pytest.approx((3 * factor, 2 * factor))


def test_a_volume_needs_a_choice_and_the_error_lists_what_there_is(write_nifti):
    path = write_nifti(VOLUME)
    for choice in ({}, {"axis": "axial"}, {"index": 0}):
        with pytest.raises(ImageReadError, match=r"is a volume; choose a slice: axis='sagittal' with index=0 to 2"):
            read(path, **choice)
    for axis, index in [("axial", 5), ("axial", -1), ("oblique", 0)]:
        refusal = f"has no slice axis='{axis}', index={index}|Type-check error"
        with pytest.raises((ImageReadError, TypeCheckError), match=refusal):
            read(path, axis=axis, index=index)


def test_a_time_point_has_to_be_chosen_where_there_are_several(write_nifti):
    path = write_nifti(np.stack([VOLUME, VOLUME + 100], axis=-1))
    assert contents(path).frames == 2
    with pytest.raises(ImageReadError, match="has 2 frames"):
        read(path, axis="axial", index=0)
    image = read(path, axis="axial", index=0, frame=1)
    np.testing.assert_array_equal(image.pixels, shown_by_definition(VOLUME + 100, "axial", 0))


@pytest.mark.parametrize("shape", [(3, 4, 1), (3, 4), (3, 4, 1, 1)])
def test_a_volume_one_voxel_thick_is_an_image_already(tmp_path, shape):
    data = VOLUME[..., 0].reshape(shape)
    nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), tmp_path / "flat.nii")
    image = read(tmp_path / "flat.nii")
    np.testing.assert_array_equal(image.pixels, shown_by_definition(VOLUME[..., :1], "axial", 0))


def test_colour_has_three_channels(tmp_path):
    colour = np.zeros((3, 4, 5), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    colour["R"], colour["B"] = VOLUME, 255 - VOLUME
    nibabel.save(nibabel.Nifti1Image(colour, np.eye(4)), tmp_path / "colour.nii")
    image = read(tmp_path / "colour.nii", axis="axial", index=2)
    np.testing.assert_array_equal(image.pixels[..., 0], shown_by_definition(VOLUME, "axial", 2))
    assert (image.pixels.shape, image.photometric) == ((4, 3, 3), "RGB")


def test_missing_values_count_as_padding(write_nifti):
    volume = VOLUME.astype(np.float32)
    volume[1, 1, 0] = np.nan
    image = read(write_nifti(volume), axis="axial", index=0)
    assert image.padding.sum() == 1
    assert np.isfinite(image.pixels).all()
    assert display(image)[image.padding] == [0]


@pytest.mark.parametrize("sizes", [(1, 0, 1), (1, 1, 1)])
def test_without_a_stated_orientation_the_note_warns_of_left_and_right(tmp_path, write_nifti, sizes, capfd):
    path = write_nifti(VOLUME)
    data = bytearray(path.read_bytes())
    data[80:92] = struct.pack("<3f", *sizes)
    data[252:256] = struct.pack("<2h", 0, 0)
    path.write_bytes(data)
    image = read(path, axis="axial", index=0)
    assert image.orientation is None
    assert image.spacing_mm == (None if 0 in sizes else (1, 1))
    assert any("left and right may be swapped" in note for note in image.notes)
    assert capfd.readouterr() == ("", "")


def test_complex_numbers_are_refused(tmp_path):
    nibabel.save(nibabel.Nifti1Image(VOLUME.astype(np.complex64), np.eye(4)), tmp_path / "complex.nii")
    with pytest.raises(ImageReadError, match="complex numbers; save the magnitude"):
        read(tmp_path / "complex.nii", axis="axial", index=0)


@pytest.mark.parametrize("name", ["volume.nii", "volume.nii.gz"])
def test_a_header_that_promises_more_than_the_file_can_hold_is_refused(write_nifti, name):
    path = write_nifti(VOLUME, name=name)
    packed = name.endswith("gz")
    data = bytearray(gzip.decompress(path.read_bytes()) if packed else path.read_bytes())
    data[40:56] = struct.pack("<8h", 3, 2000, 1000, 500, 1, 1, 1, 1)
    path.write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(ImageReadError, match="promises 2000000000 bytes of voxels, more than the file holds"):
        read(path, axis="axial", index=0)


def test_a_compressed_volume_is_read_up_to_a_limit(write_nifti, monkeypatch):
    path = write_nifti(np.zeros((128, 128, 128), np.int16), name="volume.nii.gz")
    assert read(path, axis="axial", index=0).pixels.shape == (128, 128)
    monkeypatch.setattr("medsuite.core.images.nifti.MAX_VOLUME_BYTES", 2**20)
    with pytest.raises(ImageReadError, match="unpacks to 4 MiB; expected at most 1"):
        read(path, axis="axial", index=0)


def test_a_truncated_volume_is_named(write_nifti):
    whole = write_nifti(VOLUME, name="cut.nii.gz").read_bytes()
    for kept in (20, len(whole) - 30):
        path = write_nifti(VOLUME, name="cut.nii.gz")
        path.write_bytes(whole[:kept])
        with pytest.raises(ImageReadError, match=r"cut\.nii\.gz: "):
            read(path, axis="axial", index=4)


def test_half_of_a_pair_is_refused(tmp_path):
    nibabel.save(nibabel.Nifti1Pair(VOLUME, np.eye(4)), tmp_path / "pair.hdr")
    with pytest.raises(ImageReadError, match="is the header of a NIfTI pair"):
        read(tmp_path / "pair.hdr", axis="axial", index=0)
