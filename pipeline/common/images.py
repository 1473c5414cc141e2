"""Pictures in and out: reading what users bring, and the encodings the tables hold.

`read_image` is the door for files from outside: whatever is wrong with one ends in a
`SketchFaceError` of one line. Inside the pipeline pictures travel as bytes: `encode_png`,
`encode_jpeg` and `encode_depth` make them, `decode` and `decode_depth` read them back.

Colour profiles are ignored: the readers that published scores were computed with ignore them, so
the pixels here are the ones those scores stand for.
"""

from __future__ import annotations

import io
import stat
import warnings
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from PIL import Image, features

from sketchface_models.errors import SketchFaceError

_HEIF = "HEIF"
FORMATS = (
    *("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM", _HEIF),
    *(("AVIF",) if features.check("avif") else ()),
)
"""Formats that are read, by content; of animations and several pages, the first picture."""
EXTENSIONS = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
    | {".ppm", ".pgm", ".pbm", ".pnm", ".avif", ".heic", ".heif"}
)
"""File endings, in lower case, that are taken for pictures."""
MAX_SIDE = 16384
"""Longest side that is read, in pixels: far beyond any photo of a face."""
MAX_PIXELS = 100_000_000

_ORIENTATION = 0x0112  # EXIF tag
_REDUCED_MODES = ("RGB", "RGBA", "L", "LA", "CMYK")
"""Modes that are averaged before anything else; the others when they are RGB or grey."""
_HEIF_STARTS = {b"ftyp" + brand for brand in (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")}
"""What a HEIC file begins with, after four bytes."""
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> what turns the picture upright."""


def read_image(
    path: Path | str,
    mode: Literal["RGB", "L"] = "RGB",
    max_pixels: int = MAX_PIXELS,
    background: Literal["white", "black"] = "white",
    reduce_above: int | None = None,
) -> np.ndarray:
    """Decode a whole picture file as 8-bit RGB or grey.

    Palettes, 1-bit, 16-bit, CMYK and transparent pictures (laid over `background`) are accepted,
    and EXIF rotation is applied. Lossless ones equal their plain RGB version to within 1 grey
    level; CMYK goes through Pillow's formula without profiles, to within 2.

    Args:
        path: the file.
        mode: RGB, or L for grey (ITU-R 601 luma).
        max_pixels: largest picture, in pixels, that is decoded at all.
        background: what transparent pictures are laid over.
        reduce_above: of pictures of more pixels squares are averaged to one pixel each, as large as
            are needed to come below; JPEG is decoded to that size without the whole.

    Returns:
        (H, W, 3) or (H, W) uint8.

    Raises:
        SketchFaceError: in one line, if the file is missing, empty, no picture of a known format,
            too large, truncated or otherwise damaged, or holds values without a known range.
    """
    data = _read_bytes(Path(path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on files that it reads all the same
        picture = _checked(path, data, max_pixels)
        factor = _reduction(picture.size, reduce_above)
        try:
            size = picture.size
            if factor > 1:  # changes the size of a JPEG, and no other
                picture.draft(None, (size[0] // factor, size[1] // factor))
            picture.load()
            if factor > 1 and picture.size == size and picture.mode in _REDUCED_MODES:
                picture = picture.reduce(factor)
            picture = _upright(picture)
        except Exception as error:  # decoders answer damaged bytes with exceptions of every kind
            raise _error(path, f"truncated or damaged ({error})", "fetch it again") from None
        try:
            picture = _eight_bit(picture, background)
            picture = picture if picture.mode == mode else picture.convert(mode)
            if reduce_above and picture.size[0] * picture.size[1] > reduce_above:
                picture = picture.reduce(factor)
        except ValueError as error:
            raise _error(path, str(error), "save it as 8-bit RGB PNG") from None
    return np.array(picture)


def whole_bytes(path: Path | str, max_pixels: int = MAX_PIXELS) -> bytes:
    """Return the bytes of a picture file that decodes from beginning to end.

    Raises:
        SketchFaceError: as `read_image`, whatever the range of the values.
    """
    data = _read_bytes(Path(path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        picture = _checked(path, data, max_pixels)
        try:
            picture.load()
        except Exception as error:  # see above
            raise _error(path, f"truncated or damaged ({error})", "fetch it again") from None
    return data


def plain_bytes(path: Path | str, size: int) -> bytes | None:
    """Return the file's bytes if every reader sees a `size` x `size` 8-bit RGB picture in them.

    None where rotation, a palette, transparency, another depth or format makes readers differ.

    Raises:
        SketchFaceError: as `read_image`, for what shows without decoding.
    """
    data = _read_bytes(Path(path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        picture = _checked(path, data, MAX_PIXELS)
        plain = (
            picture.format in ("JPEG", "PNG")
            and picture.mode == "RGB"
            and picture.size == (size, size)
            and "transparency" not in picture.info
            and _orientation(picture) == 1
        )
    # Pillow calls a 16-bit RGB PNG "RGB" too.
    return data if plain and decode(data).dtype == np.uint8 else None


def encode_png(image: np.ndarray) -> bytes:
    """Encode as PNG (H, W) grey, labels or depth, or (H, W, 3) RGB; uint8 or uint16."""
    return _encode(".png", image, [])


def encode_jpeg(image: np.ndarray, quality: int = 95) -> bytes:
    """Encode as JPEG (H, W) grey or (H, W, 3) RGB uint8, with colour at full resolution."""
    sampling = int(cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    return _encode(".jpg", image, options)


def decode(data: bytes) -> np.ndarray:
    """Decode a picture as it was stored: grey (H, W) or RGB (H, W, 3), 8 or 16 bit.

    Raises:
        SketchFaceError: if the bytes are no picture.
    """
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    if image is None:
        raise SketchFaceError("a table holds a damaged picture; run the stage that wrote it again")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if image.ndim == 3 else image


def encode_depth(depth: np.ndarray) -> bytes:
    """Encode a depth map as 16-bit PNG, (H, W) float in [0, 1], to within 1/131070.

    Raises:
        ValueError: if a value is outside [0, 1] or not a number.
    """
    if depth.size and not (depth.min() >= 0 and depth.max() <= 1):  # NaN compares false
        raise ValueError("depth has values outside [0, 1]")
    levels = depth * 65535.0
    return encode_png(np.rint(levels, out=levels).astype(np.uint16))


def decode_depth(data: bytes) -> np.ndarray:
    """Decode the (H, W) float32 depth map in [0, 1] that `encode_depth` stored."""
    return (decode(data) / 65535.0).astype(np.float32)


def resize(image: np.ndarray, size: tuple[int, int], labels: bool = False) -> np.ndarray:
    """Resize to `size` = (width, height): averaged over areas where it shrinks, else bilinear.

    Args:
        image: (H, W) or (H, W, C), uint8, uint16 or float32.
        size: (width, height), pixels.
        labels: take the nearest pixel, so that no new class appears.
    """
    width, height = size
    if labels:
        return cv2.resize(image, size, interpolation=cv2.INTER_NEAREST_EXACT)
    # INTER_AREA falls back to something else as soon as one direction grows: one step for each.
    shrunk = (min(width, image.shape[1]), min(height, image.shape[0]))
    image = cv2.resize(image, shrunk, interpolation=cv2.INTER_AREA)
    return cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)


def _encode(ending: str, image: np.ndarray, options: list[int]) -> bytes:
    stored = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    return cv2.imencode(ending, stored, options)[1].tobytes()


def _read_bytes(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would keep us waiting for ever
            raise _error(path, "not a regular file", "check that it is there")
        data = path.read_bytes()
    except OSError as error:
        raise _error(path, error.strerror or "unreadable", "check that it is there") from None
    if not data:
        raise _error(path, "empty file (0 bytes)", "fetch it again")
    return data


def _open(data: bytes) -> Image.Image:
    if data[4:12] not in _HEIF_STARTS:
        # Pillow has a limit of its own, of 179 million pixels; `_checked` applies ours.
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(io.BytesIO(data), formats=[name for name in FORMATS if name != _HEIF])
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    # Phones' format. Pillow reads it with a plug-in, which few need and which takes a while.
    import pillow_heif

    pillow_heif.register_heif_opener()
    return Image.open(io.BytesIO(data), formats=[_HEIF])


def _checked(path: Path | str, data: bytes, max_pixels: int) -> Image.Image:
    """Open a picture without decoding it.

    Raises:
        SketchFaceError: if it is no picture, too large, or fails its own checksums.
    """
    try:
        picture = _open(data)
        width, height = picture.size
        if max(width, height) > MAX_SIDE or width * height > max_pixels:
            limit = f"at most {MAX_SIDE} a side and {max_pixels} in all"
            raise _error(path, f"{width} x {height} pixels", f"shrink it ({limit})")
        if picture.format == "PNG":  # the others have no checksums
            picture.verify()
            picture = _open(data)  # it cannot be read any more
        return picture
    except Image.UnidentifiedImageError:
        formats = ", ".join(FORMATS)
        raise _error(path, f"no readable picture ({formats})", "replace it") from None
    except SketchFaceError:
        raise
    except Exception as error:
        raise _error(path, f"truncated or damaged ({error})", "fetch it again") from None


def _reduction(size: tuple[int, int], most: int | None) -> int:
    """Return by which power of two both sides are divided to come to `most` pixels or fewer."""
    factor = 1
    while most and -(-size[0] // factor) * -(-size[1] // factor) > most:  # rounded up
        factor *= 2
    return factor


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # a broken EXIF block says nothing about the pixels
        return 1


def _upright(picture: Image.Image) -> Image.Image:
    turn = _UPRIGHT.get(_orientation(picture))
    return picture if turn is None else picture.transpose(turn)


def _eight_bit(picture: Image.Image, background: str) -> Image.Image:
    """Convert any mode to opaque 8-bit grey or RGB.

    Raises:
        ValueError: if the values have no known range, or are not numbers.
    """
    if picture.mode.startswith("I;16"):
        values = np.asarray(picture).astype(np.uint32)
        return Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))
    if picture.mode == "I" and picture.format == "PPM":  # which Pillow brings to 16 bits
        values = np.asarray(picture)
        return Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))
    if picture.mode == "I":
        raise ValueError("32-bit whole numbers without a known range")
    if picture.mode == "F":
        values = np.asarray(picture)
        if not ((values >= 0) & (values <= 1)).all():  # NaN compares false
            raise ValueError("floating-point values outside [0, 1] or not numbers")
        return Image.fromarray(np.rint(values * 255).astype(np.uint8))
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        paper = Image.new("RGBA", rgba.size, background)
        return Image.alpha_composite(paper, rgba).convert("RGB")
    return picture if picture.mode in ("L", "RGB") else picture.convert("RGB")


def _error(path: Path | str, reason: str, remedy: str) -> SketchFaceError:
    return SketchFaceError(f"{path}: {' '.join(reason.split())}; {remedy}")
