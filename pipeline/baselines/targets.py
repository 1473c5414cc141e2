"""Targets and other pictures of the test faces, read from the stages' tables at scoring size.

Nothing in here depends on how a run was trained: two runs that are scored on the same faces read
the same pictures.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from pipeline.baselines.learned import REASON, learned_faces
from pipeline.baselines.one_way import OneWayPack
from pipeline.common.fields import FIELDS, read_field
from pipeline.common.records import MissingFace
from pipeline.common.shards import ids_with, iter_rows, read_quarantine, read_rows, shard_paths
from sketchface_models.errors import SketchFaceError
from sketchface_models.labels import CLASSES, PARSING
from sketchface_models.metrics.untrained_baselines import mean_target
from sketchface_models.training.pack_reader import Pack

TEST = "test"
COLOURED = 1000
"""Training faces that mean colours of classes are taken from."""
NAMED = 3
"""Faces that a message names before it only counts."""


def read_dataset(data: Path) -> dict[str, Any]:
    """Read `dataset.json` of the `faces` stage: at least `name`, and `size` in pixels.

    Raises:
        SketchFaceError: if it is missing or damaged.
    """
    path = data / "faces" / "dataset.json"
    try:
        about = dict(json.loads(path.read_text(encoding="utf-8")))
        return about | {"name": str(about["name"]), "size": int(about["size"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise SketchFaceError(f"{path}: missing or damaged; run `dvc repro faces`") from None


def read_pictures(data: Path, field: str, ids: Sequence[str], size: int) -> Tensor:
    """Read one field of some faces: (N, C, size, size) uint8, in the order of `ids`.

    Args:
        data: folder with the stages' folders (`faces`, `contours`, ...).
        field: of `FIELDS`.
        ids: all different.
        size: in pixels.

    Raises:
        SketchFaceError: naming faces that the field's table does not hold.
    """
    position = {id: i for i, id in enumerate(ids)}
    pictures = np.empty((len(ids), FIELDS[field].channels, size, size), np.uint8)
    missing = dict.fromkeys(ids)
    for id, picture in _pictures(data, field, position, size):
        pictures[position[id]] = picture
        missing.pop(id, None)
    if missing:
        stage = FIELDS[field].stage
        named = ", ".join(list(missing)[:NAMED]) + (", ..." if len(missing) > NAMED else "")
        raise SketchFaceError(
            f"{data / stage}: no {field} of {len(missing)} of {len(ids)} test faces ({named}); "
            f"run `dvc repro {stage} pack`, so that tables and packs hold the same faces"
        )
    return torch.from_numpy(pictures)


def mean_training_target(data: Path, field: str, size: int) -> Tensor:
    """Return the mean of a field over all training faces that have it.

    Returns:
        (C, size, size) float64, in 0..255.

    Raises:
        SketchFaceError: if no training face has it.
    """
    folder = data / FIELDS[field].stage
    index = read_rows(data / "faces" / "index.parquet", ["id", "split"])
    train = {row["id"] for row in index if row["split"] == "train"}
    for path in shard_paths(folder):
        if train & ids_with(path, FIELDS[field].column):
            pictures = _pictures(data, field, train, size)
            return mean_target(torch.from_numpy(picture)[None] for _, picture in pictures)
    raise SketchFaceError(f"{folder}: no {field} of any training face; see quarantine.parquet")


def class_colours(data: Path, field: str, size: int) -> Tensor:
    """Return the mean colour of each class of parsing maps over training faces that have both.

    At most `COLOURED` faces are taken, the first by id: means of colours need no more.

    Args:
        data: folder with the stages' folders.
        field: of pictures in colour.
        size: in pixels, at which pictures and maps are laid over each other.

    Returns:
        (19, 3) float64, in 0..255; black where no training face has the class.
    """
    index = read_rows(data / "faces" / "index.parquet", ["id", "split"])
    train = sorted(row["id"] for row in index if row["split"] == "train")[:COLOURED]
    sums, counts = np.zeros((len(CLASSES), 3)), np.zeros(len(CLASSES))
    maps = dict(_pictures(data, PARSING, set(train), size))
    for id, picture in _pictures(data, field, set(maps), size):
        labels = maps.pop(id)[0].ravel()
        counts += np.bincount(labels, minlength=len(CLASSES))[: len(CLASSES)]
        for channel, plane in enumerate(picture.reshape(3, -1)):
            sums[:, channel] += np.bincount(labels, plane, len(CLASSES))[: len(CLASSES)]
    return torch.from_numpy(sums / np.maximum(counts, 1)[:, None])


def face_frame(
    ids: Sequence[str],
    styles: Sequence[int | None],
    dataset: Mapping[str, Any],
    traits: Sequence[Sequence[str]],
) -> pd.DataFrame:
    """Return test faces as a `FACES` frame.

    Args:
        ids: of the N faces.
        styles: of their sketches.
        dataset: `dataset.json` of the `faces` stage.
        traits: of each face, as `read_traits` gives them.
    """
    shared = set(dataset.get("shared", []))
    return pd.DataFrame(
        {
            "id": pd.array(list(ids), "str"),
            "style": pd.array(list(styles), "Int8"),
            "shared": [id in shared for id in ids],
            "traits": [list(each) for each in traits],
        }
    )


def read_traits(data: Path, ids: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return what is known of each face, and the part of the data set that it is from.

    Args:
        data: folder with the stages' folders.
        ids: of the N faces; nothing is known of one that `faces` lacks.
    """
    index = read_rows(data / "faces" / "index.parquet", ["id", "source", "traits"])
    known = {row["id"]: (*row["traits"], f"source {row['source']}") for row in index}
    return tuple(known.get(id, ()) for id in ids)


def fingerprint(field: str, ids: Sequence[str], pictures: Tensor) -> str:
    """Return 16 hex digits of a SHA-256 over references, whatever their order.

    Args:
        field: which one.
        ids: of the N faces.
        pictures: (N, C, H, W) uint8.
    """
    digest = hashlib.sha256(f"{field} {tuple(pictures.shape)}\0".encode())
    for row in sorted(range(len(ids)), key=lambda row: ids[row]):
        digest.update(f"{ids[row]}\0".encode() + pictures[row].numpy().tobytes())
    return digest.hexdigest()[:16]


def scored_rows(data: Path, pack: Pack) -> tuple[np.ndarray, tuple[MissingFace, ...]]:
    """Return the rows of the test faces that are scored, and the test faces that are not.

    Not scored are faces that a parser learned from, and in an unpaired pack those of one domain
    alone: nothing tells how right a picture made of them is. Where no face has a partner
    (`OneWayPack`), all that the output is generated from are.

    Args:
        data: folder with the stages' folders.
        pack: of the run; rows are those of its first domain.
    """
    rows = pack.paired_rows(TEST)[0]
    learned = learned_faces(data, {pack.ids[row] for row in rows})
    dropped = tuple(
        MissingFace(id, TEST, style, REASON)
        for id, style in zip(pack.ids, pack.styles, strict=True)
        if id in learned
    )
    scored = np.array([row for row in rows if pack.ids[row] not in learned], np.int64)
    alone = () if isinstance(pack, OneWayPack) else _of_one_domain(pack)
    return scored, (*dropped, *alone)


def _of_one_domain(pack: Pack) -> Iterator[MissingFace]:
    """Yield the test faces that some domain of the pack has and another lacks."""
    ids = [set(domain.ids) for domain in pack.domains]
    for domain in pack.domains:
        for row in domain.rows(TEST):
            id = domain.ids[row]
            others = zip(pack.domains, ids, strict=True)
            lacks = [field for each, own in others if id not in own for field in each.fields]
            if lacks:
                yield MissingFace(id, TEST, domain.styles[row], f"without {', '.join(lacks)}")


def missing_faces(data: Path, lacking: Sequence[dict[str, Any]]) -> tuple[MissingFace, ...]:
    """Return the test faces that cannot be scored, sorted by id.

    Args:
        data: folder with the stages' folders.
        lacking: faces that lack a field of the run, as `pack.json` lists them under `missing`.

    They come from two sources: `lacking`, and the quarantine of `faces`, which names what was
    left out before there was an index.
    """
    faces = [face | {"reason": f"without {', '.join(face['lacks'])}"} for face in lacking]
    faces += read_quarantine(data / "faces")
    missing = [
        MissingFace(str(face["id"]), TEST, face.get("style"), str(face["reason"]))
        for face in faces
        if face.get("split") == TEST
    ]
    return tuple(sorted(missing, key=lambda face: face.id))


def _pictures(
    data: Path, field: str, wanted: Container[str], size: int
) -> Iterator[tuple[str, np.ndarray]]:
    rows = iter_rows(data / FIELDS[field].stage, ["id", FIELDS[field].column])
    return read_field(field, (row for row in rows if row["id"] in wanted), size)
