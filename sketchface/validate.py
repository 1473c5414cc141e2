"""`sketchface validate`: is a data set whole, and what is missing?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.common.parameters import Parameters
from pipeline.datasets import ADAPTERS, adapter
from pipeline.datasets.celebamask import PHOTOS
from pipeline.datasets.checks import FAULT
from sketchface.plain import plain
from sketchface_models.errors import SketchFaceError

SIGNS = {
    "anno_t*.json": "fs2k",
    PHOTOS: "celebamask",
    "img_*celeba": "celeba",
    "images1024x1024": "ffhq",
    "thumbnails128x128": "ffhq",
    "*.ndjson": "quickdraw",
    "*.npy": "quickdraw",
}
"""What only one data set has in its folder, and its name."""


def validate(
    name_or_dir: Annotated[
        str,
        typer.Argument(metavar="NAME|DIR", help=f"{', '.join(ADAPTERS)}, or the folder itself."),
    ],
    root: Annotated[
        Path | None,
        typer.Option(help="Where the data set NAME lies [default: data.root in params.yaml]."),
    ] = None,
) -> None:
    """Count a data set's files, decode every one, and say what is missing.

    Exits with status 1 if anything is missing or damaged.
    """
    name, folder = locate(name_or_dir, root)
    lines = adapter(name).validate(folder)
    for line in lines:
        typer.echo(plain(line))
    count = sum(line.startswith(FAULT) for line in lines)
    verdict = f"{count} lines of faults" if count else "complete"
    typer.echo(plain(f"{name} in {folder}: {verdict}"))
    if count:
        raise typer.Exit(1)


def locate(name_or_dir: str, root: Path | None) -> tuple[str, Path]:
    """The adapter's name and the folder that the arguments mean.

    Raises:
        SketchFaceError: if that is no folder, or unknown.
    """
    if name_or_dir in ADAPTERS:
        name, folder = name_or_dir, root or _configured_root(name_or_dir)
    else:
        folder = Path(name_or_dir)
        name = _guessed(folder)
        if root is not None:
            raise SketchFaceError(
                f"{name_or_dir}: no data set of that name; one of {', '.join(ADAPTERS)}"
            )
    if not folder.is_dir():
        known = ", ".join(ADAPTERS)
        raise SketchFaceError(f"{folder}: no such folder; give a folder or one of {known}")
    return name, folder


def _guessed(folder: Path) -> str:
    """The data set whose layout a folder has."""
    if (folder / "images").is_dir() and (folder / "masks").is_dir():
        return "celebamask"
    return next((name for sign, name in SIGNS.items() if any(folder.glob(sign))), "folder")


def _configured_root(name: str) -> Path:
    """`data.root` of params.yaml, if that is about the data set `name`."""
    remedy = f"say where {name} lies with --root DIR"
    try:
        params = Parameters.from_file()
        configured, root = params.value("data.name"), params.value("data.root")
    except SketchFaceError as error:
        raise SketchFaceError(f"{error}; or {remedy}") from None
    if configured != name:
        raise SketchFaceError(f"params.yaml: data.name is {configured}; {remedy}")
    return Path(root)
