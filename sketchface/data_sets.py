"""Which data set a folder holds, and whether it is complete (`sketchface validate`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.common.parameters import Parameters
from pipeline.datasets import ADAPTERS, adapter, recognised
from pipeline.datasets.base import FAULT
from sketchface_models.errors import SketchFaceError


@dataclass(frozen=True)
class Validation:
    """What checking a data set gave.

    name: of the data set. folder: where it lies. lines: counts and faults, for people.
    """

    name: str
    folder: Path
    lines: list[str]

    @property
    def faults(self) -> list[str]:
        """The lines that name something missing or damaged."""
        return [line for line in self.lines if line.startswith(FAULT)]

    @property
    def verdict(self) -> str:
        """One line that sums up."""
        count = len(self.faults)
        return (
            f"{self.name} in {self.folder}: {f'{count} lines of faults' if count else 'complete'}"
        )


def validate_data_set(name_or_dir: str, root: Path | None = None) -> Validation:
    """Count a data set's files and decode every one.

    Args:
        name_or_dir: name of an adapter, or the data set's folder.
        root: where the data set of that name lies; None: `data.root` of params.yaml.

    Raises:
        SketchFaceError: if there is no such data set or folder.
    """
    name, folder = locate(name_or_dir, root)
    return Validation(name, folder, list(adapter(name).validate(folder)))


def locate(name_or_dir: str, root: Path | None) -> tuple[str, Path]:
    """Return the name of the adapter and the folder that the arguments mean.

    Raises:
        SketchFaceError: if there is no such data set or folder.
    """
    if name_or_dir in ADAPTERS:
        name, folder = name_or_dir, root or _configured_root(name_or_dir)
    else:
        folder = Path(name_or_dir)
        name = recognised(folder)
        if root is not None:
            raise SketchFaceError(
                f"{name_or_dir}: no data set of that name; one of {', '.join(ADAPTERS)}"
            )
    if not folder.is_dir():
        known = ", ".join(ADAPTERS)
        raise SketchFaceError(f"{folder}: no such folder; give a folder or one of {known}")
    return name, folder


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
