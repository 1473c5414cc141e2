"""Rows with an image, and their schema."""

import io

import numpy as np
import pyarrow as pa
from PIL import Image

from pipeline.common.shards import (
    IMAGE,
    image_cell,
)

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("photo", IMAGE),
        ("points", pa.list_(pa.float32())),
        ("depth", pa.float64()),
        ("style", pa.int64()),
    ]
)


def png(value: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((4, 4, 3), value, np.uint8)).save(file, "PNG")
    return file.getvalue()


def row(id: str, value: int = 0) -> dict[str, object]:
    photo = image_cell(png(value), f"{id}.png")
    return {"id": id, "photo": photo, "points": [0.5, 1.5], "depth": 0.25, "style": None}
