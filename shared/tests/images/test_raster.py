"""PNG, JPEG and TIFF: bit depth, colour, alpha, rotation, pages and broken files, with Pillow as the writer."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy
from PIL import Image

from medsuite.core.errors import InputError
from medsuite.core.images import ImageReadError, contents, display, read

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
COLOUR = np.stack([GREY, GREY // 2, 255 - GREY], axis=-1)


@settings(deadline=None, max_examples=30)
@given(pixels=hypothesis_numpy.arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_a_16_bit_png_keeps_every_value(tmp_path_factory, pixels):
    path = tmp_path_factory.mktemp("png") / "deep.png"
    Image.fromarray(pixels).save(path)
    image = read(path)
    np.testing.assert_array_equal(image.pixels, pixels)
    assert image.pixels.dtype == np.uint16
    if pixels.min() < pixels.max():
        assert (display(image).min(), display(image).max()) == (0, 1)


def test_a_15_bit_film_in_a_16_bit_png_is_spread_over_the_range_of_its_values(tmp_path):
    pixels = np.array([[800, 26500], [13650, 800]], np.uint16)
    Image.fromarray(pixels).save(tmp_path / "film.png")
    image = read(tmp_path / "film.png")
    np.testing.assert_allclose(display(image), [[0, 1], [0.5, 0]], atol=1e-6)
    assert image.window.explanation == "range of the values"


@pytest.mark.parametrize("suffix", ["png", "tiff", "dcm", ""])
def test_the_content_counts_and_not_the_name(tmp_path, suffix):
    path = tmp_path / f"image.{suffix}"
    Image.fromarray(GREY).save(path, format="PNG")
    image = read(str(path))
    assert image.kind == "PNG"
    np.testing.assert_array_equal(image.pixels, GREY)
    np.testing.assert_allclose(display(image), GREY / 255, rtol=1e-6)


def test_a_jpeg_is_what_pillow_decodes(tmp_path):
    path = tmp_path / "image.jpg"
    Image.fromarray(COLOUR).save(path, quality=90)
    image = read(path)
    np.testing.assert_array_equal(image.pixels, np.asarray(Image.open(path)))
    assert (image.kind, image.photometric, image.spacing_mm) == ("JPEG", "RGB", None)
    assert display(image).shape == (3, 4, 3)


def test_a_grey_film_saved_as_colour_has_one_channel(tmp_path):
    Image.fromarray(GREY).convert("RGB").save(tmp_path / "film.png")
    image = read(tmp_path / "film.png")
    np.testing.assert_array_equal(image.pixels, GREY)
    assert image.notes == ("three equal channels read as one",)


@pytest.mark.parametrize(("mode", "channels"), [("1", 1), ("L", 1), ("P", 3), ("RGB", 3), ("CMYK", 3), ("YCbCr", 3)])
def test_every_colour_mode_becomes_grey_or_red_green_blue(tmp_path, mode, channels):
    path = tmp_path / "image.tiff"
    picture = Image.fromarray(COLOUR).convert(mode)
    picture.save(path)
    pixels = read(path).pixels
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, np.asarray(picture.convert("L" if channels == 1 else "RGB")))


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_a_32_bit_tiff_keeps_its_values(tmp_path, dtype):
    pixels = GREY.astype(dtype) * 1000 - 7
    Image.fromarray(pixels).save(tmp_path / "deep.tiff")
    np.testing.assert_array_equal(read(tmp_path / "deep.tiff").pixels, pixels)


def test_transparent_parts_are_laid_over_black(tmp_path):
    alpha = np.full((3, 4), 255, np.uint8)
    alpha[0], alpha[1] = 0, 128
    Image.fromarray(np.dstack([COLOUR, alpha])).save(tmp_path / "alpha.png")
    image = read(tmp_path / "alpha.png")
    np.testing.assert_array_equal(image.pixels, np.rint(COLOUR * (alpha[..., None] / 255)))
    assert image.notes == ("transparent parts laid over black",)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_that_hides_nothing_is_dropped_in_silence(tmp_path, mode):
    Image.fromarray(GREY).convert(mode).save(tmp_path / "opaque.png")
    image = read(tmp_path / "opaque.png")
    np.testing.assert_array_equal(image.pixels, GREY)
    assert not any("black" in note for note in image.notes)


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, GREY),
        (2, GREY[:, ::-1]),
        (3, GREY[::-1, ::-1]),
        (4, GREY[::-1]),
        (5, GREY.T),
        (6, np.rot90(GREY, -1)),
        (7, GREY[::-1, ::-1].T),
        (8, np.rot90(GREY)),
    ],
)
def test_exif_rotation_is_applied_and_noted(tmp_path, orientation, upright):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(GREY).save(tmp_path / "turned.png", exif=exif)
    image = read(tmp_path / "turned.png")
    np.testing.assert_array_equal(image.pixels, upright)
    assert bool(image.notes) == (orientation != 1)


def test_a_deep_tiff_in_which_white_is_zero_is_shown_inverted(tmp_path):
    pixels = GREY.astype(np.uint16) * 100
    Image.fromarray(pixels).save(tmp_path / "inverse.tiff", tiffinfo={262: 0})
    image = read(tmp_path / "inverse.tiff")
    assert (image.photometric, image.inverted) == ("MONOCHROME1", True)
    np.testing.assert_array_equal(image.pixels, pixels)
    assert (display(image)[0, 0], display(image)[-1, -1]) == (1, 0)


def test_a_page_has_to_be_chosen_where_there_are_several(tmp_path):
    pages = [Image.fromarray(GREY + shade) for shade in (0, 1, 2)]
    pages[0].save(tmp_path / "pages.tiff", save_all=True, append_images=pages[1:])
    assert contents(tmp_path / "pages.tiff").frames == 3
    with pytest.raises(ImageReadError, match="has 3 frames"):
        read(tmp_path / "pages.tiff")
    np.testing.assert_array_equal(read(tmp_path / "pages.tiff", frame=2).pixels, GREY + 2)


@pytest.mark.parametrize("shape", [(1, 7), (7, 1), (1, 1)])
def test_an_image_may_be_one_pixel_thin(tmp_path, shape):
    pixels = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    Image.fromarray(pixels).save(tmp_path / "thin.png")
    image = read(tmp_path / "thin.png")
    assert image.pixels.shape == contents(tmp_path / "thin.png").size == display(image).shape == shape
    assert np.isfinite(display(image)).all()


def png(width: int, height: int, bits: int, colour: int, rows: bytes) -> bytes:
    """Write a PNG by hand, for what Pillow does not write."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_16_bit_colour_is_read_with_8_bits_and_says_so(tmp_path):
    path = tmp_path / "deep-colour.png"
    path.write_bytes(png(1, 1, 16, 2, b"\0" + struct.pack(">3H", 65535, 256, 0)))
    image = read(path)
    np.testing.assert_array_equal(image.pixels, [[[255, 1, 0]]])
    assert image.notes == ("16-bit colour or alpha read with 8 bits a channel",)


@pytest.mark.parametrize("limit_of_pillow", [Image.MAX_IMAGE_PIXELS, None])
def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path, monkeypatch, limit_of_pillow):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit_of_pillow)
    path = tmp_path / "bomb.png"
    path.write_bytes(png(60_000, 60_000, 8, 0, b""))
    with pytest.raises(ImageReadError, match=r"bomb\.png: has too many pixels; expected at most 178956970"):
        read(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_truncated_file_is_named(tmp_path, kind):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    Image.fromarray(pixels).save(buffer, format=kind)
    for kept in (30, len(buffer.getvalue()) // 2):
        path = tmp_path / f"cut-{kept}"
        path.write_bytes(buffer.getvalue()[:kept])
        with pytest.raises(ImageReadError, match=f"cut-{kept}: .*{kind}") as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_axis_and_index_are_refused(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "image.png")
    with pytest.raises(InputError, match="given for a PNG file"):
        read(tmp_path / "image.png", index=3)
