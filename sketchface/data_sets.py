"""Which data set a folder holds, and what ingest will make of it (`sketchface validate`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from face_geometry.palette import CLASSES
from pipeline.common.data_roots import UNREADABLE, unreadable_files
from pipeline.common.parameters import Parameters
from pipeline.datasets import ADAPTERS, adapter, recognised, sets_in
from pipeline.datasets.base import FAULT, Adapter, DataSettings, Spare, faults
from pipeline.datasets.listing import NOT_REGULAR
from pipeline.faces.duplicates import find_duplicates
from pipeline.faces.plan import plan
from pipeline.faces.rehearsal import check_settled, rehearse
from pipeline.faces.whole_sets import WANTED
from sketchface_models.errors import SketchFaceError, printable


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
    """Count a data set's files, and read every face as ingest does.

    Args:
        name_or_dir: name of an adapter, or the data set's folder.
        root: where the data set of that name lies; None: `data.root` of params.yaml.

    Raises:
        SketchFaceError: if there is no such data set or folder, or it cannot be read as a whole.
    """
    name, folder = locate(name_or_dir, root)
    known = adapter(name)
    unreadable = [f"{path}: {why}; {UNREADABLE}" for path, why in unreadable_files(folder)]
    lines = [*known.validate(folder), *faults(unreadable, "files that cannot be read")]
    for settings in known.variants(folder):
        lines += _left_out(known, settings)
    return Validation(name, folder, list(map(printable, lines)))


def _left_out(known: Adapter[Any], settings: DataSettings) -> Iterator[str]:
    """Yield what ingest will leave out, in its words, and what the faces it takes have."""
    planned = plan(known, settings)
    rehearsal = rehearse(known, planned, settings)
    if rehearsal.maps:
        for name, count in zip(CLASSES, rehearsal.in_maps, strict=True):
            yield f"{name}: in {count} masks"
    duplicates = find_duplicates(rehearsal.hashes, {}, settings.duplicate_distance)
    if duplicates.groups:
        count = sum(map(len, duplicates.groups))
        yield f"{count} photos occur more than once, and share a split that is drawn here"
    reasons = [why for _, why in rehearsal.left_out if NOT_REGULAR not in why]
    spare = [why for why in reasons if isinstance(why, Spare)]
    yield from (line.replace(FAULT, "left out: ", 1) for line in faults(spare, "files"))
    wrong = [why for why in reasons if not isinstance(why, Spare)]
    yield from faults(wrong, "faces or files that are left out")
    if rehearsal.order_warning:
        yield FAULT + rehearsal.order_warning
    try:
        check_settled(planned, rehearsal, settings, WANTED)
    except SketchFaceError as error:
        yield f"{FAULT}{error}"


def locate(name_or_dir: str, root: Path | None) -> tuple[str, Path]:
    """Return the name of the adapter and the folder that the arguments mean.

    Raises:
        SketchFaceError: if there is no such data set or folder, or if the folder holds data sets
            and is none itself.
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
    inside = sets_in(folder) if name == "folder" else {}
    if inside:
        listed = ", ".join(f"{each} ({kind})" for each, kind in inside.items())
        raise SketchFaceError(
            f"{folder}: no data set but a folder of {len(inside)}: {listed}; name one of them"
        )
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
