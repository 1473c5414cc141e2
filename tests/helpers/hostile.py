"""Files of every kind that people and broken disks bring, each kind with its expected verdict.

    make(folder, count, seed) -> list of Input

`GOOD` must be accepted, and shows the face it was made from; `BAD` must be left out with a reason
that holds the given words; `EITHER` may be either, as luck has it, but must be one of the two;
`UNSEEN` is nothing that an adapter offers. The same count and seed make the same bytes, but for
what encoders write.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from mini_data import turned_face
from PIL import Image, features
from PIL.PngImagePlugin import PngInfo

GOOD, BAD, EITHER, UNSEEN = "good", "bad", "either", "unseen"
Random = np.random.Generator


@dataclass(frozen=True)
class Kind:
    """How to make a file, and what must become of it.

    make: (random, path without ending) -> path of the file to judge. reason: words of the reason.
    """

    make: Callable[[Random, Path], Path]
    verdict: str
    reason: str = ""


@dataclass(frozen=True)
class Input:
    """One file that was made."""

    kind: str
    path: Path
    verdict: str
    reason: str


def make(folder: Path, count: int, seed: int) -> list[Input]:
    """`count` files of all kinds in turn below `folder`; no two photos of the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(count):
        name = list(KINDS)[number % len(KINDS)]
        kind = KINDS[name]
        random = np.random.default_rng([seed, number])
        path = kind.make(random, folder / f"{name.replace(' ', '-')}-{number:05d}")
        made.append(Input(name, path, kind.verdict, kind.reason))
    return made


def face(random: Random, side: int = 160) -> np.ndarray:
    """The astronaut, a little turned and noisy, so that each is another file."""
    scale = side / 250 * random.uniform(0.9, 1.1)
    photo = turned_face(side, side, scale, random.uniform(-8, 8))
    return np.clip(photo + random.normal(0, 2, photo.shape), 0, 255).astype(np.uint8)


def picture(random: Random, side: int = 160) -> Image.Image:
    return Image.fromarray(face(random, side))


def saved(path: Path, image: Image.Image, ending: str, **options: object) -> Path:
    target = path.with_name(path.name + ending)
    image.save(target, **options)
    return target


def written(path: Path, data: bytes, ending: str) -> Path:
    target = path.with_name(path.name + ending)
    target.write_bytes(data)
    return target


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def plain(ending: str, **options: object) -> Callable[[Random, Path], Path]:
    return lambda random, path: saved(path, picture(random), ending, **options)


def converted(mode: str, ending: str) -> Callable[[Random, Path], Path]:
    return lambda random, path: saved(path, picture(random).convert(mode), ending)


# What is good.


def rotated(random: Random, path: Path) -> Path:
    """Stored turned, and an EXIF tag that says how: upright to whoever reads it."""
    tag = int(random.integers(2, 9))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[tag]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = tag
    return saved(path, picture(random).transpose(undo), ".jpg", exif=exif, quality=95)


def wrong_orientation(random: Random, path: Path) -> Path:
    exif = Image.Exif()
    exif[0x0112] = int(random.choice([0, 9, 77]))
    return saved(path, picture(random), ".jpg", exif=exif)


def broken_exif(random: Random, path: Path) -> Path:
    return saved(path, picture(random), ".jpg", exif=b"Exif\0\0" + random.bytes(40))


def transparent(random: Random, path: Path) -> Path:
    alpha = np.full((160, 160), 255, np.uint8)
    alpha[:20] = 0
    alpha[20:40] = random.integers(0, 255)
    return saved(path, Image.fromarray(np.dstack([face(random), alpha])), ".png")


def palette(random: Random, path: Path) -> Path:
    ending = str(random.choice([".png", ".gif", ".bmp"]))
    return saved(path, picture(random).quantize(256), ending)


def transparent_palette(random: Random, path: Path) -> Path:
    return saved(path, picture(random).quantize(255), ".png", transparency=3)


def sixteen_bit(random: Random, path: Path) -> Path:
    grey = cv2.cvtColor(face(random), cv2.COLOR_RGB2GRAY).astype(np.uint16)
    ending = str(random.choice([".png", ".tif"]))
    return saved(path, Image.fromarray(grey * 257), ending)


def sixteen_bit_colour(random: Random, path: Path) -> Path:
    deep = face(random)[..., ::-1].astype(np.uint16) * 257
    return written(path, cv2.imencode(".png", deep)[1].tobytes(), ".png")


def floating(random: Random, path: Path) -> Path:
    grey = cv2.cvtColor(face(random), cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    return saved(path, Image.fromarray(grey), ".tiff")


def animated(random: Random, path: Path) -> Path:
    ending = str(random.choice([".gif", ".webp", ".png", ".tif"]))
    frames = [picture(random), Image.new("RGB", (160, 160), "red")]
    return saved(path, frames[0], ending, save_all=True, append_images=frames[1:])


def renamed(random: Random, path: Path) -> Path:
    """A picture under another format's ending."""
    format, ending = [("PNG", ".jpg"), ("JPEG", ".png"), ("WEBP", ".tif"), ("GIF", ".bmp")][
        int(random.integers(4))
    ]
    return written(path, encoded(picture(random), format), ending)


def more_after_the_end(random: Random, path: Path) -> Path:
    data = encoded(picture(random), "JPEG") + random.bytes(int(random.integers(1, 2000)))
    return written(path, data, ".jpg")


def strange_name(random: Random, path: Path) -> Path:
    names = ["Zoë Ångström", "写真", "😀", "a b\tc", "line\nbreak", "-rf", "'\"$(x)`", "dots...."]
    names += [os.fsdecode(b"caf\xe9"), "ﬁ\u202eexe", "COM1", "e\u0301"]
    name = names[int(random.integers(len(names)))]
    return saved(path.with_name(f"{name}{path.name}"), picture(random), ".jpg")


def long_name(random: Random, path: Path) -> Path:
    return saved(path.with_name((path.name + "x" * 300)[:251]), picture(random), ".png")


def deep_folder(random: Random, path: Path) -> Path:
    folder = path.joinpath(*("deeper" for _ in range(int(random.integers(1, 30)))))
    folder.mkdir(parents=True)
    return saved(folder / "face", picture(random), ".JPEG", format="JPEG")


def link(random: Random, path: Path) -> Path:
    store = path.parent.parent / "elsewhere"
    store.mkdir(exist_ok=True)
    target = saved(store / path.name, picture(random), ".jpg")
    path.with_name(path.name + ".jpg").symlink_to(target)
    return path.with_name(path.name + ".jpg")


def many_faces(random: Random, path: Path) -> Path:
    faces = [face(random, 150) for _ in range(int(random.integers(2, 7)))]
    return saved(path, Image.fromarray(np.hstack(faces)), ".jpg")


def small_face(random: Random, path: Path) -> Path:
    """A face that fills an eighth to a quarter of a photo's width, anywhere in it."""
    width, height = 900, int(random.integers(500, 1200))
    photo = np.full((height, width, 3), random.integers(60, 200, 3), np.uint8)
    small = face(random, int(random.integers(190, 330)))
    top, left = (int(random.integers(n - len(small))) for n in (height, width))
    photo[top : top + len(small), left : left + len(small)] = small
    return saved(path, Image.fromarray(photo), ".jpg")


def large(random: Random, path: Path) -> Path:
    side = int(random.integers(1200, 2200))
    return saved(path, picture(random).resize((side, side)), ".jpg")


# What is bad.


def truncated(random: Random, path: Path) -> Path:
    format, ending = [("PNG", ".png"), ("JPEG", ".jpg"), ("BMP", ".bmp"), ("WEBP", ".webp")][
        int(random.integers(4))
    ]
    data = encoded(picture(random), format)
    return written(path, data[: int(len(data) * random.uniform(0.01, 0.9))], ending)


def flipped(random: Random, path: Path) -> Path:
    format, ending = [
        ("PNG", ".png"), ("JPEG", ".jpg"), ("BMP", ".bmp"), ("WEBP", ".webp"), ("TIFF", ".tif"),
        ("GIF", ".gif"),
    ][int(random.integers(6))]  # fmt: skip
    data = bytearray(encoded(picture(random), format))
    for _ in range(int(random.integers(1, 40))):
        # Half of them in the header, where they do most harm.
        end = len(data) if random.random() < 0.5 else 64
        data[int(random.integers(end))] ^= 1 << int(random.integers(8))
    return written(path, bytes(data), ending)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bare_png(width: int, height: int, rows: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def bomb(random: Random, path: Path) -> Path:
    """Few bytes that decode to gigabytes."""
    side = int(random.integers(17_000, 60_000))
    rows = bytes(2**20) if random.random() < 0.5 else b""
    return written(path, bare_png(side, side, rows), ".png")


def text_bomb(random: Random, path: Path) -> Path:
    """A picture whose comment decompresses to 64 MB."""
    info = PngInfo()
    info.add_text("Comment", "x" * 2**26, zip=True)
    return saved(path, picture(random), ".png", pnginfo=info)


def zero_area(random: Random, path: Path) -> Path:
    if random.random() < 0.5:
        return written(path, bare_png(0, int(random.integers(0, 9)), random.bytes(9)), ".png")
    gif = b"GIF89a" + struct.pack("<HH", 0, int(random.integers(9))) + b"\0\0\0;" + random.bytes(9)
    return written(path, gif, ".gif")


def one_pixel(random: Random, path: Path) -> Path:
    shape = [(1, 1), (1, 300), (300, 1), (2, 2)][int(random.integers(4))]
    pixels = random.integers(0, 256, (*shape, 3)).astype(np.uint8)
    return saved(path, Image.fromarray(pixels), ".png")


def not_numbers(random: Random, path: Path) -> Path:
    grey = cv2.cvtColor(face(random), cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    grey[80, 80] = [np.nan, np.inf, -np.inf, -1.0, 300.0][int(random.integers(5))]
    return saved(path, Image.fromarray(grey), ".tif")


def unknown_range(random: Random, path: Path) -> Path:
    grey = cv2.cvtColor(face(random), cv2.COLOR_RGB2GRAY).astype(np.int32) * 99
    return saved(path, Image.fromarray(grey), ".tif")


def wrong_checksum(random: Random, path: Path) -> Path:
    data = bytearray(encoded(picture(random), "PNG"))
    data[45 + int(random.integers(60))] ^= 0xFF  # in the first chunk of pixels
    return written(path, bytes(data), ".png")


def text(random: Random, path: Path) -> Path:
    page = "<!doctype html><title>404 not found</title>" + random.bytes(4).hex()
    return written(path, page.encode(), str(random.choice([".jpg", ".png", ".webp", ".gif"])))


def noise_bytes(random: Random, path: Path) -> Path:
    starts = [
        b"",
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\0\0\0\0WEBP",
        b"GIF89a",
        b"II*\0",
    ]
    start = starts[int(random.integers(len(starts)))]
    return written(path, start + random.bytes(int(random.integers(1, 3000))), ".jpg")


def other_ending(random: Random, path: Path) -> Path:
    return written(
        path, random.bytes(99), str(random.choice([".txt", ".json", ".mp4", ".npy", ""]))
    )


def no_face(random: Random, path: Path) -> Path:
    """Noise, a gradient, a chequerboard, one colour."""
    y, x = np.mgrid[:160, :160]
    grey = [
        random.integers(0, 256, (160, 160)),
        (x + y * random.uniform(0.2, 1)) % 256,
        ((x // 20 + y // 20) % 2) * random.integers(100, 256),
        np.full((160, 160), random.integers(256)),
    ][int(random.integers(4))]
    rgb = np.repeat(np.asarray(grey, np.uint8)[..., None], 3, axis=2)
    rgb[0, :4] = random.integers(0, 256, (4, 3))
    return saved(path, Image.fromarray(rgb), ".png")


def empty(random: Random, path: Path) -> Path:
    return written(path, b"", str(random.choice([".jpg", ".png", ".tif"])))


def loop(random: Random, path: Path) -> Path:
    target = path.with_name(path.name + ".jpg")
    target.symlink_to(target.name if random.random() < 0.5 else path.name + "-nowhere.jpg")
    return target


def pipe(random: Random, path: Path) -> Path:
    target = path.with_name(path.name + ".png")
    os.mkfifo(target)
    return target


def copy(random: Random, path: Path) -> Path:
    first = path.parent / "0-original.png"
    if not first.exists():
        saved(path.parent / "0-original", picture(np.random.default_rng(2**40)), ".png")
    return written(path, first.read_bytes(), ".png")


def hidden(random: Random, path: Path) -> Path:
    return saved(path.with_name("." + path.name), picture(random), ".jpg")


def circle(random: Random, path: Path) -> Path:
    """A folder that holds itself, and one that is named like a picture."""
    folder = path.with_name(path.name + ".jpg")
    folder.mkdir()
    (folder / "again").symlink_to(folder if random.random() < 0.5 else path.parent)
    return folder


KINDS: dict[str, Kind] = {
    "png": Kind(plain(".png"), GOOD),
    "truncated": Kind(truncated, BAD, "truncated or damaged|no readable picture"),
    "flipped bits": Kind(flipped, EITHER),
    "jpeg": Kind(plain(".jpg", quality=90), GOOD),
    "progressive jpeg": Kind(plain(".jpeg", progressive=True), GOOD),
    "webp": Kind(plain(".webp"), GOOD),
    "tiff": Kind(plain(".tif"), GOOD),
    "compressed tiff": Kind(plain(".tiff", compression="tiff_lzw"), GOOD),
    "bmp": Kind(plain(".bmp"), GOOD),
    **({"avif": Kind(plain(".avif"), GOOD)} if features.check("avif") else {}),
    "upper case": Kind(plain(".PNG", format="PNG"), GOOD),
    "grey": Kind(converted("L", ".png"), GOOD),
    "grey with alpha": Kind(converted("LA", ".png"), GOOD),
    "cmyk": Kind(converted("CMYK", ".jpg"), GOOD),
    "one bit": Kind(converted("1", ".png"), EITHER),
    "palette": Kind(palette, GOOD),
    "palette with transparency": Kind(transparent_palette, GOOD),
    "alpha": Kind(transparent, GOOD),
    "16 bit": Kind(sixteen_bit, GOOD),
    "16 bit colour": Kind(sixteen_bit_colour, GOOD),
    "float": Kind(floating, GOOD),
    "exif rotation": Kind(rotated, GOOD),
    "wrong orientation": Kind(wrong_orientation, GOOD),
    "broken exif": Kind(broken_exif, GOOD),
    "animated": Kind(animated, GOOD),
    "wrong ending": Kind(renamed, GOOD),
    "more after the end": Kind(more_after_the_end, GOOD),
    "strange name": Kind(strange_name, GOOD),
    "long name": Kind(long_name, GOOD),
    "deep folder": Kind(deep_folder, GOOD),
    "link": Kind(link, GOOD),
    "many faces": Kind(many_faces, GOOD),
    "small face": Kind(small_face, GOOD),
    "large": Kind(large, GOOD),
    "bomb": Kind(bomb, BAD, "pixels"),
    "text bomb": Kind(text_bomb, EITHER),
    "zero area": Kind(zero_area, BAD, "no readable picture|truncated or damaged"),
    "one pixel": Kind(one_pixel, BAD, "no face found"),
    "not numbers": Kind(not_numbers, BAD, "outside [0, 1] or not numbers"),
    "unknown range": Kind(unknown_range, BAD, "without a known range"),
    "wrong checksum": Kind(wrong_checksum, BAD, "truncated or damaged"),
    "text": Kind(text, BAD, "no readable picture"),
    "noise bytes": Kind(noise_bytes, BAD, "no readable picture|truncated or damaged|pixels"),
    "other ending": Kind(other_ending, BAD, "not a picture by its ending"),
    "no face": Kind(no_face, BAD, "no face found"),
    "empty": Kind(empty, BAD, "empty file"),
    "loop": Kind(loop, BAD, "broken link"),
    "pipe": Kind(pipe, BAD, "not a regular file"),
    "copy": Kind(copy, BAD, "the same photo as"),
    "hidden": Kind(hidden, UNSEEN),
    "circle": Kind(circle, UNSEEN),
}


def reasons(kind: Input) -> Iterator[str]:
    """Any of these words in a reason will do."""
    yield from kind.reason.split("|")
