"""Every data set's own layout with hostile files in it, and what must become of each face.

    LAYOUTS[name](root, kinds, seed) -> Layout

In each, one file a face is hostile and what belongs to it is sound; four sound faces (two of the
publisher's test, where there is one) come on top.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import hostile
import numpy as np
from hostile import BAD, EITHER, GOOD, UNSEEN, Kind, Random
from mini_data import save, sketch_of, turned_face
from PIL import Image

from pipeline.common.images import read_image, resize
from pipeline.common.picture_files import safe_id
from pipeline.datasets import adapter
from pipeline.datasets.base import Adapter, DataSettings
from sketchface_models.config import load
from sketchface_models.errors import SketchFaceError

apdrawing = adapter("apdrawing")
celeba = adapter("celeba")
celebamask = adapter("celebamask")
cufs = adapter("cufs")
drawings = adapter("drawings")
ffhq = adapter("ffhq")
folder = adapter("folder")
fs2k = adapter("fs2k")
unpaired = adapter("unpaired")

KEPT = "kept"
"""Accepted, though there is no face in it: the publisher's framing stands in for one."""
SOUND = 4
COMMON = {
    "size": 96, "shards": 2, "seed": 0, "val_fraction": 0.1, "limit": 0, "duplicate_distance": 0,
}  # fmt: skip

FIXED = [
    name
    for name in hostile.KINDS
    if name not in ("strange name", "long name", "deep folder", "copy", "hidden", "circle")
]
"""Kinds whose file has the very name that a layout gives it, but for the ending."""
OF_SKETCHES = [k for k in FIXED if k not in ("many faces", "small face", "large", "text bomb")]
"""Those of one shape, which the photo beside them can have too."""


@dataclass(frozen=True)
class Planted:
    """A face of a hostile file.

    ids: what a table or the quarantine may call it. found: whether its photo shows a face.
    """

    kind: str
    ids: tuple[str, ...]
    verdict: str
    reason: str = ""
    found: bool = True


@dataclass(frozen=True)
class Layout:
    """A data set on disk."""

    adapter: Adapter
    settings: DataSettings
    planted: list[Planted]
    target: str = "photo"


Other = dict[str, tuple[str, str]]  # kind -> verdict and reason, where a layout has its own


def plant(path: Path, name: str, kinds: dict[str, Kind], *key: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return kinds[name].make(np.random.default_rng([*key]), path)


def photo(number: int, width: int = 160, height: int = 160) -> np.ndarray:
    """A sound photo, another one for each number."""
    turned = turned_face(width, height, 0.64, (number * 3.7) % 16 - 8)
    noise = np.random.default_rng([99, number]).normal(0, 2, turned.shape)
    return np.clip(turned + noise, 0, 255).astype(np.uint8)


def shape_of(path: Path) -> tuple[int, int]:
    """Height and width of a picture, or of a sound one where it has none."""
    try:
        height, width = read_image(path).shape[:2]
    except SketchFaceError:
        return 160, 160
    return height, width


def section(adapter: Adapter, name: str, root: Path, **more: object) -> DataSettings:
    settings: DataSettings = load(
        adapter.Settings, COMMON | {"name": name, "root": str(root)} | more, "data"
    )
    return settings


def judged(name: str, ids: tuple[str, ...], other: Other, kinds: dict[str, Kind]) -> Planted:
    kind = kinds[name]
    verdict, reason = other.get(name, (kind.verdict, kind.reason))
    return Planted(name, ids, verdict, reason, found=verdict == GOOD)


FRAMED: Other = {"no face": (KEPT, ""), "one pixel": (EITHER, "")}
BY_READING: Other = {
    "loop": (BAD, "symbolic links|No such file"),
    "pipe": (BAD, "not a regular file"),
}


def of_fs2k(root: Path, kinds: Sequence[str], seed: int) -> Layout:
    planted, entries = [], {"train": [], "test": []}
    for number in range(len(kinds) + SOUND):
        where = f"photo1/image{number:04d}"
        picture, drawing = root / f"photo/{where}", root / f"sketch/sketch1/sketch{number:04d}"
        id = where.replace("/", "_")
        entries["test" if number % 2 else "train"].append(
            {"image_name": where, "style": number % 3}
        )
        name = kinds[number] if number < len(kinds) else ""
        by_name: Other = {"other ending": (BAD, " is there; fetch it again")} | BY_READING
        if not name:
            save(picture.with_suffix(".jpg"), photo(number))
            save(drawing.with_suffix(".jpg"), sketch_of(photo(number)))
            planted.append(Planted("sound", (id,), GOOD))
        elif number % 2 and name in OF_SKETCHES:
            plant(drawing, name, hostile.KINDS, seed, number)
            save(picture.with_suffix(".jpg"), photo(number))
            of_drawing: Other = {"no face": (GOOD, ""), "one pixel": (BAD, "different sizes")}
            planted.append(judged(name, (id,), by_name | of_drawing, hostile.KINDS))
        else:
            made = plant(picture, name, hostile.KINDS, seed, number)
            height, width = shape_of(made)
            save(drawing.with_suffix(".png"), sketch_of(photo(number, width, height)))
            planted.append(judged(name, (id,), by_name | FRAMED, hostile.KINDS))
    for split, rows in entries.items():
        (root / f"anno_{split}.json").write_text(json.dumps(rows))
    return Layout(fs2k, section(fs2k, "fs2k", root), planted, "sketch")


def of_celeba(root: Path, kinds: Sequence[str], seed: int) -> Layout:
    planted, lines = [], []
    for number in range(len(kinds) + SOUND):
        path = root / f"img_align_celeba/{number:06d}"
        name = kinds[number] if number < len(kinds) else ""
        planted.append(photo_alone(path, name, FRAMED, seed, number))
        lines.append(f"{number:06d}.jpg {(0, 2)[number % 2]}\n")
    (root / "list_eval_partition.txt").write_text("".join(lines))
    given = section(celeba, "celeba", root, images="img_align_celeba", test_fraction=0.3)
    return Layout(celeba, given, planted)


def of_ffhq(root: Path, kinds: Sequence[str], seed: int) -> Layout:
    planted, categories = [], {}
    for number in range(len(kinds) + SOUND):
        path = root / f"images1024x1024/{number:05d}"
        name = kinds[number] if number < len(kinds) else ""
        planted.append(photo_alone(path, name, FRAMED, seed, number))
        categories[str(number)] = {"category": ("training", "validation")[number % 2]}
    (root / "ffhq-dataset-v2.json").write_text(json.dumps(categories))
    return Layout(ffhq, section(ffhq, "ffhq", root, images="images1024x1024"), planted)


def photo_alone(path: Path, name: str, other: Other, seed: int, number: int) -> Planted:
    if not name:
        save(path.with_suffix(".jpg"), photo(number))
        return Planted("sound", (path.name,), GOOD)
    made = plant(path, name, hostile.KINDS, seed, number)
    return judged(name, (path.name, made.name), other, hostile.KINDS)


def of_cufs(root: Path, kinds: Sequence[str], seed: int) -> Layout:
    planted = []
    for number in range(len(kinds) + SOUND):
        id = f"f-{number:03d}-01"
        part = ("training", "testing")[number % 2]
        picture, drawing = root / f"{part}_photos/{id}", root / f"{part}_sketches/{id}-sz1"
        name = kinds[number] if number < len(kinds) else ""
        ids = (id, f"{picture.parent.name}/{id}", f"{drawing.parent.name}/{id}-sz1")
        other: Other = {"other ending": (BAD, "of this name"), "loop": (BAD, "of this name")}
        other["pipe"] = (BAD, "of this name")
        if not name:
            save(picture.with_suffix(".jpg"), photo(number))
            save(drawing.with_suffix(".jpg"), sketch_of(photo(number)))
            planted.append(Planted("sound", (id,), GOOD))
        elif number % 2 and name in OF_SKETCHES:
            plant(drawing, name, hostile.KINDS, seed, number)
            save(picture.with_suffix(".jpg"), photo(number))
            other |= {"no face": (GOOD, ""), "one pixel": (EITHER, "")}
            planted.append(judged(name, ids, other, hostile.KINDS))
        else:
            height, width = shape_of(plant(picture, name, hostile.KINDS, seed, number))
            save(drawing.with_suffix(".png"), sketch_of(photo(number, width, height)))
            planted.append(judged(name, ids, other, hostile.KINDS))
    return Layout(cufs, section(cufs, "cufs", root, test_fraction=0.3), planted, "sketch")


def of_apdrawing(root: Path, kinds: Sequence[str], seed: int) -> Layout:
    """What can be read at all is refused for its shape, unless that is by chance a pair's."""
    planted = []
    for number in range(len(kinds) + SOUND):
        path = root / f"data/{('train', 'test')[number % 2]}/{number:03d}"
        name = kinds[number] if number < len(kinds) else ""
        if not name:
            picture = photo(number)
            drawing = np.repeat(sketch_of(picture)[..., None], 3, axis=2)
            save(path.with_suffix(".png"), np.hstack([picture, drawing]))
            planted.append(Planted("sound", (path.name,), GOOD))
        else:
            made = plant(path, name, hostile.KINDS, seed, number)
            ids = (path.name, f"{path.parent.name}/{path.name}", f"{path.parent.name}/{made.name}")
            height, width = shape_of(made)
            readable = hostile.KINDS[name].verdict == GOOD or name in FRAMED
            verdict = EITHER if width == 2 * height else BAD
            other: Other = {name: (verdict, "twice as wide as high")} if readable else {}
            planted.append(judged(name, ids, other, hostile.KINDS))
    return Layout(apdrawing, section(apdrawing, "apdrawing", root), planted, "sketch")


# Masks of CelebAMask-HQ.


def mask(random: Random, side: int = 160) -> np.ndarray:
    """Background, skin and hair, as far as one hostile mask needs them."""
    labels = np.zeros((side, side), np.uint8)
    labels[side // 4 :, side // 5 : -side // 5] = 1
    labels[: side // 4] = 17
    labels[random.integers(side), random.integers(side)] = random.integers(0, 19)
    return labels


def stored(
    change: Callable[[np.ndarray], Image.Image], ending: str = ".png"
) -> Callable[[Random, Path], Path]:
    return lambda random, path: hostile.saved(path, change(mask(random)), ending)


def sized(*shape: int) -> Callable[[Random, Path], Path]:
    return stored(
        lambda m: Image.fromarray(m).resize(shape[::-1], resample=Image.Resampling.NEAREST)
    )


def with_class(number: int) -> Callable[[Random, Path], Path]:
    return stored(lambda m: Image.fromarray(np.where(m == 17, number, m).astype(np.uint8)))


def in_palette(labels: np.ndarray) -> Image.Image:
    picture = Image.fromarray(labels)
    picture.putpalette(list(np.random.default_rng(0).integers(0, 256, 768)))
    return picture


def coloured(labels: np.ndarray) -> Image.Image:
    return Image.fromarray(np.dstack([labels, labels[::-1], labels]))


def half_transparent(labels: np.ndarray) -> Image.Image:
    alpha = np.where(labels == 17, 0, 255).astype(np.uint8)
    return Image.fromarray(np.dstack([labels, labels, labels, alpha]))


MASKS: dict[str, Kind] = {
    "classes": Kind(stored(Image.fromarray), GOOD),
    "classes in a palette": Kind(stored(in_palette), GOOD),
    "classes in three channels": Kind(stored(lambda m: Image.fromarray(m).convert("RGB")), GOOD),
    "classes, opaque": Kind(stored(lambda m: Image.fromarray(m).convert("RGBA")), GOOD),
    "classes in 16 bits": Kind(stored(lambda m: Image.fromarray(m.astype(np.uint16))), GOOD),
    "classes in a bitmap": Kind(stored(Image.fromarray, ".bmp"), GOOD),
    "nothing but background": Kind(stored(lambda m: Image.fromarray(m * 0)), GOOD),
    "twice as large": Kind(sized(320, 320), GOOD),
    "small": Kind(sized(40, 40), GOOD),
    "of another shape": Kind(sized(160, 200), BAD, "fetch both again"),
    "one pixel": Kind(sized(1, 1), GOOD),
    "one column": Kind(sized(160, 1), BAD, "fetch both again"),
    "class 200": Kind(with_class(200), BAD, "holds class 200; allowed: 0 to 18"),
    "class 19": Kind(with_class(19), BAD, "holds class 19; allowed: 0 to 18"),
    "stretched to 16 bits": Kind(
        stored(lambda m: Image.fromarray(m.astype(np.uint16) * 257)), BAD, "holds class 4369"
    ),
    "colours": Kind(stored(coloured), BAD, "colours or transparency"),
    "transparent": Kind(stored(half_transparent), BAD, "colours or transparency"),
    "blurred": Kind(stored(Image.fromarray, ".jpg"), BAD, "a JPEG"),
    "float": Kind(
        stored(lambda m: Image.fromarray(m.astype(np.float32)), ".tif"), BAD, "outside [0, 1]"
    ),
    "float classes": Kind(
        stored(lambda m: Image.fromarray(m.astype(np.float32) / 18), ".tif"), BAD, "not class"
    ),
    **{name: hostile.KINDS[name] for name in ("truncated", "bomb", "zero area", "text", "empty")},
    "noise": Kind(hostile.noise_bytes, BAD, hostile.KINDS["noise bytes"].reason),
    "flipped": Kind(hostile.flipped, EITHER),
    "loop": Kind(hostile.loop, *BY_READING["loop"]),
    "pipe": Kind(hostile.pipe, *BY_READING["pipe"]),
    "other ending": Kind(hostile.other_ending, BAD, "no mask of this id"),
}


def of_merged_masks(root: Path, kinds: Sequence[str], seed: int) -> Layout:
    """Every other mask is hostile, of the kinds in turn."""
    planted = []
    for number in range(len(kinds) + SOUND):
        id = f"id{number}"
        picture, labels = root / f"images/{id}", root / f"masks/{id}"
        name = kinds[number] if number < len(kinds) else ""
        other: Other = {"other ending": (BAD, "no image of this id")} | BY_READING | FRAMED
        sound = mask(np.random.default_rng(0))
        if name and number % 2:
            name = list(MASKS)[(number // 2 + seed) % len(MASKS)]
            plant(labels, name, MASKS, seed, number)
            save(picture.with_suffix(".jpg"), photo(number))
            planted.append(judged(name, (id,), {}, MASKS))
        elif name:
            height, width = shape_of(plant(picture, name, hostile.KINDS, seed, number))
            save(labels.with_suffix(".png"), resize(sound, (width, height), labels=True))
            planted.append(judged(name, (id,), other, hostile.KINDS))
        else:
            save(picture.with_suffix(".jpg"), photo(number))
            save(labels.with_suffix(".png"), sound)
            planted.append(Planted("sound", (id,), GOOD))
    given = section(celebamask, "celebamask", root, test_fraction=0.4)
    return Layout(celebamask, given, planted)


OF_PARTS = [
    k
    for k in OF_SKETCHES
    if k not in ("one pixel", "other ending", "truncated", "empty", "no face")
]


def of_part_masks(root: Path, kinds: Sequence[str], seed: int) -> Layout:
    """Every other face has a hostile mask of its hair."""
    planted, lines = [], ["idx orig_idx orig_file"]
    for number in range(len(kinds) + SOUND):
        picture = root / f"CelebA-HQ-img/{number}"
        parts = root / "CelebAMask-HQ-mask-anno/0"
        lines.append(f"{number} {(7, 190_000)[number % 2]} {number:06d}.jpg")
        name = kinds[number] if number < len(kinds) else ""
        ids = (f"{number:05d}",)
        shape = (160, 160)
        if name and number % 2:
            name = [*OF_PARTS, "one pixel", "truncated", "empty"][
                (number // 2 + seed) % (len(OF_PARTS) + 3)
            ]
            plant(parts / f"{number:05d}_hair", name, hostile.KINDS, seed, number)
            save(picture.with_suffix(".jpg"), photo(number))
            of_part: Other = {"one pixel": (BAD, "of another size than its face's other parts")}
            planted.append(judged(name, ids, of_part | BY_READING, hostile.KINDS))
        elif name:
            shape = shape_of(plant(picture, name, hostile.KINDS, seed, number))
            other: Other = {"other ending": (UNSEEN, "")} | BY_READING | FRAMED
            planted.append(judged(name, ids, other, hostile.KINDS))
        else:
            save(picture.with_suffix(".jpg"), photo(number))
            planted.append(Planted("sound", ids, GOOD))
        save(parts / f"{number:05d}_skin.png", np.full((*shape, 3), 255, np.uint8))
    (root / "CelebA-HQ-to-CelebA-mapping.txt").write_text("\n".join(lines))
    given = section(celebamask, "celebamask", root, test_fraction=0.4)
    return Layout(celebamask, given, planted)


def in_folder(
    root: Path, kinds: Sequence[str], seed: int, other: Other, id_of: Callable[[str], str]
) -> list[Planted]:
    """A folder of hostile files of any name, and sound ones."""
    root.mkdir(parents=True)
    planted = []
    for number, name in enumerate(kinds):
        made = plant(root / f"{name.replace(' ', '-')}-{number}", name, hostile.KINDS, seed, number)
        inside = made.relative_to(root)
        text = str(inside).encode("utf-8", "replace").decode()
        ids = tuple(id_of(part) for part in (inside.with_suffix("").as_posix(), str(inside)))
        planted.append(judged(name, (*ids, text), other, hostile.KINDS))
    for number in range(SOUND):
        save(root / f"sound-{number}.jpg", photo(number))
        planted.append(Planted("sound", (id_of(f"sound-{number}"),), GOOD))
    return planted


def of_folder(root: Path, kinds: Sequence[str], seed: int) -> Layout:
    planted = in_folder(root / "in", kinds, seed, {}, safe_id)
    keys = {"photos": "", "sketches": "", "test_fraction": 0.4}
    return Layout(folder, section(folder, "folder", root / "in", **keys), planted)


DRAWN: Other = {"no face": (GOOD, ""), "one pixel": (GOOD, ""), "copy": (BAD, "the same sketch as")}


def of_drawings(root: Path, kinds: Sequence[str], seed: int) -> Layout:
    planted = in_folder(root / "in", kinds, seed, DRAWN, safe_id)
    given = section(drawings, "drawings", root / "in", folder="", test_fraction=0.4)
    return Layout(drawings, given, planted, "sketch")


def of_unpaired(root: Path, kinds: Sequence[str], seed: int) -> Layout:
    middle = len(kinds) // 2

    def named(prefix: str) -> Callable[[str], str]:
        return lambda name: f"{prefix}{safe_id(name)}"

    planted = in_folder(root / "in", kinds[:middle], seed, {}, named("photo-folder-"))
    more = in_folder(root / "drawn", kinds[middle:], seed, DRAWN, named("drawing-drawings-"))
    ids = [
        Planted(p.kind, (*p.ids, prefix + p.ids[-1]), p.verdict, p.reason, p.found)
        for part, prefix in ((planted, "photo-folder-"), (more, "drawing-drawings-"))
        for p in part
    ]
    given = section(
        unpaired, "unpaired", root / "in", test_fraction=0.4,
        photo={"name": "folder", "root": str(root / "in"), "photos": "", "sketches": ""},
        drawings={"name": "drawings", "root": str(root / "drawn"), "folder": ""},
    )  # fmt: skip
    return Layout(unpaired, given, ids)


LAYOUTS: dict[str, Callable[[Path, Sequence[str], int], Layout]] = {
    "fs2k": of_fs2k,
    "celeba": of_celeba,
    "ffhq": of_ffhq,
    "cufs": of_cufs,
    "apdrawing": of_apdrawing,
    "merged masks": of_merged_masks,
    "part masks": of_part_masks,
    "folder": of_folder,
    "drawings": of_drawings,
    "unpaired": of_unpaired,
}
ANY_NAME = ("folder", "drawings", "unpaired")


def kinds_for(layout: str, count: int, first: int) -> list[str]:
    """`count` kinds in turn, from the one of a number on, that a layout can hold."""
    names = list(hostile.KINDS) if layout in ANY_NAME else FIXED
    return [names[(first + number) % len(names)] for number in range(count)]
