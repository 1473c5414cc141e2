from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFile
from skimage.data import astronaut

from pipeline.common import images
from pipeline.common.images import read_image
from sketchface_models.errors import SketchFaceError

PHOTO = astronaut()[:60, 180:250]
GREY = np.array(Image.fromarray(PHOTO).convert("L"))


@pytest.fixture(autouse=True)
def _no_warnings() -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def difference(a: np.ndarray, b: np.ndarray) -> int:
    assert a.dtype == np.uint8
    assert a.shape == b.shape
    return int(np.abs(a.astype(int) - b).max())


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "webp", "ppm"])
def test_lossless_formats_are_read_exactly(tmp_path: Path, ending: str) -> None:
    options = {"lossless": True} if ending == "webp" else {}
    Image.fromarray(PHOTO).save(tmp_path / f"a.{ending}", **options)
    assert difference(read_image(tmp_path / f"a.{ending}"), PHOTO) == 0
    assert difference(read_image(tmp_path / f"a.{ending}", "L"), GREY) == 0


@pytest.mark.parametrize("ending", ["jpg", "gif", "avif"])
def test_lossy_formats_are_near(tmp_path: Path, ending: str) -> None:
    Image.fromarray(PHOTO).save(tmp_path / f"a.{ending}", quality=95)
    assert np.abs(read_image(tmp_path / f"a.{ending}").astype(int) - PHOTO).mean() < 8


def test_content_decides_and_not_the_ending(tmp_path: Path) -> None:
    Image.fromarray(PHOTO).save(tmp_path / "a.jpg", format="PNG")
    assert difference(read_image(tmp_path / "a.jpg"), PHOTO) == 0


@pytest.mark.parametrize("ending", ["png", "tif", "pnm"])
def test_16_bit_equals_8_bit(tmp_path: Path, ending: str) -> None:
    grey, rgb = tmp_path / f"g.{ending}", tmp_path / f"c.{ending}"
    cv2.imwrite(str(grey), GREY.astype(np.uint16) * 257)
    cv2.imwrite(str(rgb), PHOTO[..., ::-1].astype(np.uint16) * 257)
    assert difference(read_image(grey, "L"), GREY) == 0
    assert difference(read_image(rgb), PHOTO) <= 1


def test_cmyk_palette_bilevel_and_float_equal_their_plain_version(tmp_path: Path) -> None:
    picture = Image.fromarray(PHOTO)
    picture.convert("CMYK").save(tmp_path / "cmyk.tif")
    picture.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=100, subsampling=0)
    assert difference(read_image(tmp_path / "cmyk.tif"), PHOTO) <= 2
    assert np.abs(read_image(tmp_path / "cmyk.jpg").astype(int) - PHOTO).mean() < 2

    palette, bilevel = picture.quantize(200), picture.convert("1")
    palette.save(tmp_path / "p.png")
    bilevel.save(tmp_path / "b.tif")
    assert difference(read_image(tmp_path / "p.png"), np.array(palette.convert("RGB"))) == 0
    assert difference(read_image(tmp_path / "b.tif", "L"), np.array(bilevel.convert("L"))) == 0

    Image.fromarray((GREY / 255).astype(np.float32)).save(tmp_path / "f.tif")
    assert difference(read_image(tmp_path / "f.tif", "L"), GREY) == 0


def test_transparency_lies_over_white(tmp_path: Path) -> None:
    alpha = np.tile(np.linspace(0, 255, PHOTO.shape[1]).astype(np.uint8), (len(PHOTO), 1))
    Image.fromarray(np.dstack([PHOTO, alpha])).save(tmp_path / "rgba.png")
    weight = alpha[..., None] / 255
    over_white = PHOTO * weight + 255 * (1 - weight)
    assert difference(read_image(tmp_path / "rgba.png"), np.rint(over_white)) <= 1

    Image.fromarray(np.dstack([GREY, alpha]), "LA").save(tmp_path / "la.png")
    over_white = GREY * weight[..., 0] + 255 * (1 - weight[..., 0])
    assert difference(read_image(tmp_path / "la.png", "L"), np.rint(over_white)) <= 1

    colour = tuple(int(value) for value in PHOTO[0, 0])
    Image.fromarray(PHOTO).save(tmp_path / "key.png", transparency=colour)
    assert read_image(tmp_path / "key.png")[0, 0].tolist() == [255, 255, 255]


# What undoes each EXIF orientation, from the EXIF standard's figure, in numpy's words.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_exif_rotation_is_applied_once(tmp_path: Path, orientation: int, ending: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(STORED[orientation](PHOTO))
    Image.fromarray(stored).save(tmp_path / f"a.{ending}", exif=exif)
    assert difference(read_image(tmp_path / f"a.{ending}"), PHOTO) == 0


def png(width: int, height: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + crc

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def encoded(ending: str, image: np.ndarray = PHOTO) -> bytes:
    return bytes(cv2.imencode(ending, image)[1])


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :]


BROKEN = {
    "zero.png": (b"", "empty"),
    "text.png": (b"this is no picture", "no readable picture"),
    "vector.png": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no readable picture"),
    "half.png": (encoded(".png")[:2000], "damaged"),
    "half.jpg": (encoded(".jpg")[:800], "damaged"),
    "half.webp": (encoded(".webp")[:800], "damaged"),
    "half.bmp": (encoded(".bmp")[:800], "damaged"),
    "header.jpg": (encoded(".jpg")[:3] + b"\0" * 500, "damaged|no readable"),
    "bit.png": (flipped(encoded(".png"), 3000), "damaged"),
    "short.png": (png(100, 100, b"\0" * 100), "damaged"),
    "bomb.png": (png(16000, 16000, b"\0" * 100), "pixels"),
    "giant.png": (png(60000, 60000, b"\0" * 100), "pixels"),
    "wide.png": (png(20000, 10, b"\0" * 60001 * 10), "20000 x 10 pixels"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path, name: str) -> None:
    data, reason = BROKEN[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SketchFaceError, match=reason) as caught:
        read_image(tmp_path / name)
    line = str(caught.value)
    assert line.startswith(f"{tmp_path / name}: ")
    assert "\n" not in line
    assert "; " in line  # the remedy
    assert "0x" not in line  # no addresses: they change from run to run


@pytest.mark.parametrize(
    ("mode", "ending", "options"),
    [
        ("RGB", "png", {}), ("RGB", "jpg", {"quality": 100}), ("L", "png", {}), ("P", "png", {}),
        ("RGBA", "png", {}), ("CMYK", "tif", {}), ("I;16", "png", {}), ("1", "png", {}),
    ],
)  # fmt: skip
def test_large_pictures_are_averaged(
    tmp_path: Path, mode: str, ending: str, options: dict[str, int]
) -> None:
    smooth = Image.fromarray(cv2.resize(PHOTO, (320, 241), interpolation=cv2.INTER_CUBIC))
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(smooth.convert("L")).astype(np.uint16) * 257)
    else:
        picture = smooth.quantize(256) if mode == "P" else smooth.convert(mode)
    picture.save(tmp_path / f"a.{ending}", **options)
    whole = read_image(tmp_path / f"a.{ending}")
    for most, factor in ((320 * 241, 1), (320 * 241 - 1, 2), (160 * 121, 2), (160 * 121 - 1, 4)):
        read = read_image(tmp_path / f"a.{ending}", reduce_above=most)
        assert read.shape == (-(-241 // factor), 320 // factor, 3)
        expected = np.array(Image.fromarray(whole).reduce(factor))
        assert np.abs(read.astype(int) - expected).mean() < 3


def test_missing_file_folder_and_pixel_budget(tmp_path: Path) -> None:
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(SketchFaceError, match="check that it is there"):
            read_image(path)
    Image.fromarray(PHOTO).save(tmp_path / "a.png")
    with pytest.raises(SketchFaceError, match="70 x 60 pixels; shrink it"):
        read_image(tmp_path / "a.png", max_pixels=4199)
    assert read_image(tmp_path / "a.png", max_pixels=4200).shape == (60, 70, 3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.5, 200])
def test_floats_without_a_known_range_are_refused(tmp_path: Path, value: float) -> None:
    values = np.full((8, 8), 0.5, np.float32)
    values[3, 3] = value
    Image.fromarray(values).save(tmp_path / "f.tif")
    with pytest.raises(SketchFaceError, match="outside"):
        read_image(tmp_path / "f.tif")


def test_pillows_safety_switches_stay_as_they_are(tmp_path: Path) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    (tmp_path / "a.jpg").write_bytes(encoded(".jpg")[:800])
    with pytest.raises(SketchFaceError):
        read_image(tmp_path / "a.jpg")
    assert limit == Image.MAX_IMAGE_PIXELS is not None
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_encodings_come_back() -> None:
    for image in (PHOTO, GREY, GREY.astype(np.uint16) * 200, PHOTO.astype(np.uint16) * 200):
        back = images.decode(images.encode_png(image))
        assert back.dtype == image.dtype
        assert np.array_equal(back, image)
    for image in (PHOTO, GREY):
        back = images.decode(images.encode_jpeg(image))
        assert back.shape == image.shape
        assert np.abs(back.astype(int) - image).mean() < 3
    red = np.zeros((16, 16, 3), np.uint8)
    red[::2, ::2, 0] = 255  # would be halved with sub-sampled colour
    assert images.decode(images.encode_jpeg(red))[0, 0, 0] > 200


def test_depth_comes_back_to_16_bits() -> None:
    depth = np.random.default_rng(0).random((20, 30)).astype(np.float32)
    back = images.decode_depth(images.encode_depth(depth))
    assert back.dtype == np.float32
    assert np.abs(back - depth).max() <= 0.5 / 65535 + 1e-7
    for value in (-0.01, 1.01, np.nan):
        with pytest.raises(ValueError, match=r"outside \[0, 1\]"):
            images.encode_depth(np.full((2, 2), value))


@pytest.mark.parametrize("data", [b"", b"abc", encoded(".png")[:40]])
def test_damaged_table_bytes_are_an_error(data: bytes) -> None:
    with pytest.raises(SketchFaceError, match="run the stage"):
        images.decode(data)


def test_resize_averages_when_shrinking() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 96), np.uint8)
    mean = noise.reshape(16, 4, 24, 4).mean(axis=(1, 3))
    assert difference(images.resize(noise, (24, 16)), np.rint(mean)) <= 1
    # One side shrinks while the other grows: still an average over the shrinking one.
    mean = noise.reshape(64, 24, 4).mean(axis=2)
    assert np.abs(images.resize(noise, (24, 128))[::2].astype(float) - mean).mean() < 20
    assert images.resize(noise, (24, 128)).std() < 0.6 * noise.std()
    assert images.resize(PHOTO, (140, 120)).shape == (120, 140, 3)


def test_resize_of_labels_invents_no_class() -> None:
    labels = np.zeros((50, 50), np.uint8)
    labels[10:30, 10:30] = 18
    for size in ((20, 20), (133, 133)):
        assert set(np.unique(images.resize(labels, size, labels=True))) == {0, 18}


def test_only_bytes_that_all_readers_agree_on_are_kept(tmp_path: Path) -> None:
    square = PHOTO[:60, :60]
    picture = Image.fromarray(square)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "yes.jpg")
    picture.save(tmp_path / "yes.png")
    picture.save(tmp_path / "turned.jpg", exif=exif)
    picture.convert("CMYK").save(tmp_path / "cmyk.jpg")
    picture.convert("L").save(tmp_path / "grey.png")
    picture.save(tmp_path / "key.png", transparency=(0, 0, 0))
    picture.save(tmp_path / "other.webp")
    cv2.imwrite(str(tmp_path / "deep.png"), square.astype(np.uint16) * 257)
    kept = {path.name for path in tmp_path.iterdir() if images.plain_bytes(path, 60)}
    assert kept == {"yes.jpg", "yes.png"}
    assert images.plain_bytes(tmp_path / "yes.jpg", 64) is None
    data = images.plain_bytes(tmp_path / "yes.jpg", 60)
    assert data == (tmp_path / "yes.jpg").read_bytes()
    assert np.array_equal(images.decode(data), read_image(tmp_path / "yes.jpg"))
