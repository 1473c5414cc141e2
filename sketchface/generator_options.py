"""Options of the commands that open a generator: its weights, and where depth comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sketchface_models.errors import SketchFaceError

LEAST_SIZE, MOST_SIZE = 16, 4096
Weights = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER|NAME",
        help="Weights of a run, such as data/train/hida/0 or a copy of its model.safetensors, or "
        "the name of a generator that comes with the package.",
        show_default="one that comes with the package",
    ),
]
Depth = Annotated[
    Literal["facemesh", "files", "onnx"] | None,
    typer.Option(help="Where depth comes from.", show_default="as in training"),
]
DepthPath = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="files: the folder of depth pictures of the photos, of the same names and sizes. "
        "onnx: the model.",
        show_default=False,
    ),
]
Nearer = Annotated[
    Literal["high", "low"] | None,
    typer.Option(help="files, onnx: which values are near.", show_default="as in training"),
]


def depth_changes(depth: str | None, path: Path | None, nearer: str | None) -> dict[str, str]:
    """Return the depth settings that the command line names, by their keys in `depth`."""
    changes = {"backend": depth, "path": path, "nearer": nearer}
    return {key: str(value) for key, value in changes.items() if value is not None}


def check_size(size: int | None, shown: str) -> None:
    """Refuse a side of results, pixels, that no picture should have.

    Args:
        size: the side; None is any.
        shown: how whoever gave it wrote it, for the message.

    Raises:
        SketchFaceError: if it is too small or too large.
    """
    if size is not None and not LEAST_SIZE <= size <= MOST_SIZE:
        raise SketchFaceError(f"{shown}; allowed: {LEAST_SIZE} to {MOST_SIZE}")
