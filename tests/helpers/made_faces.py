"""Faces folders as the `faces` stage writes them, out of pictures that may be in the repository."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import skimage.data

from pipeline.common.images import encode_png, resize
from pipeline.common.shards import IMAGE, QUARANTINE, image_cell, shard_name, write_rows

FACES = pa.schema(
    [
        ("id", pa.string()),
        ("split", pa.string()),
        ("photo", IMAGE),
        ("sketch", IMAGE),
        ("rough", IMAGE),
        ("labels", IMAGE),
    ]
)


def crop(size: int = 256, left: int = 120, top: int = 10, side: int = 200) -> np.ndarray:
    """The astronaut's head, (size, size, 3)."""
    photo = skimage.data.astronaut()[top : top + side, left : left + side]
    return resize(np.ascontiguousarray(photo), (size, size))


def pencil(size: int = 256) -> np.ndarray:
    """A drawing of the astronaut's head: her edges, dark on paper, (size, size)."""
    grey = crop(size).mean(axis=2)
    edges = np.hypot(*np.gradient(grey))
    return (255 - np.clip(edges * 6, 0, 230)).astype(np.uint8)


def face(id: str, split: str = "train", **pictures: np.ndarray) -> dict[str, Any]:
    cells = {
        name: image_cell(encode_png(picture), f"{id}.png") for name, picture in pictures.items()
    }
    return {"id": id, "split": split, **cells}


def write_faces(folder: Path, shards: Sequence[Sequence[dict[str, Any]]], size: int) -> Path:
    for number, rows in enumerate(shards):
        write_rows(folder / "shards" / shard_name(number), rows, FACES)
    write_rows(folder / "quarantine.parquet", [], QUARANTINE)
    (folder / "dataset.json").write_text(json.dumps({"size": size}))
    return folder
