"""Pictures that other code made: a run like any other, without training."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from torch import Tensor, nn
from torch.optim import Optimizer

from sketchface_models.config import NonEmpty
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems.base import Batch, Clock, System, Update
from sketchface_models.systems.run_settings import Augment, Schedule, Task

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class PicturesSettings:
    """A folder of pictures, one a test face."""

    system: Literal["pictures"]
    """The name in the registry of systems."""
    task: Task
    """`inputs`: what the other code read, for tables and comparisons."""
    folder: Annotated[str, NonEmpty()]
    """Where the pictures lie."""
    pattern: Annotated[str, NonEmpty()]
    """How their files are named without ending; `*` stands for the face's id."""

    def __post_init__(self) -> None:
        if self.pattern.count("*") != 1:
            raise ValueError(f"pattern: {self.pattern!r}; allowed: one * for the face's id")

    @property
    def augment(self) -> Augment:
        """None: nothing is learned."""
        return Augment(flip=False, jitter=0.0)

    @property
    def schedule(self) -> Schedule:
        """Of no consequence: nothing is learned."""
        return Schedule(steps=1, batch=1, decay_from=1.0, ema_half_life=0.0)


class Pictures(System):
    """The system.

    Args:
        settings: of the run.
        channels: field name -> channels in the pack.
    """

    description = (
        "Not a system of this project: pictures of the test faces that other code made. Nothing is "
        "trained; they are scored under the same protocol as the pictures of every other run."
    )
    Settings = PicturesSettings
    trained: ClassVar[bool] = False

    def __init__(self, settings: PicturesSettings, channels: dict[str, int]) -> None:
        self.settings = settings
        self.networks = nn.ModuleDict()

    def files(self, ids: Collection[str]) -> dict[str, Path]:
        """Return the files of those faces that have one: id -> path.

        Raises:
            SketchFaceError: if the folder is missing, has no picture of these faces, or two of one.
        """
        folder = Path(self.settings.folder)
        if not folder.is_dir():
            raise SketchFaceError(f"{folder}: no such folder; set systems.RUN.folder")
        before, after = self.settings.pattern.split("*")
        files: dict[str, Path] = {}
        for path in sorted(folder.iterdir()):
            stem = path.stem
            fits = stem.startswith(before) and stem.endswith(after)
            id = stem[len(before) : len(stem) - len(after)] if fits else ""
            if path.suffix.lower() not in ENDINGS or id not in ids:
                continue
            if id in files:
                raise SketchFaceError(f"{path}: {files[id].name} is of the same face; keep one")
            files[id] = path
        if not files:
            raise SketchFaceError(
                f"{folder}: no picture is named {self.settings.pattern} after the id of a test "
                f"face, such as {before}{min(ids)}{after}.png"
            )
        return files

    def optimizers(self) -> dict[str, Optimizer]:
        """Return none: nothing is learned."""
        return {}

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        """Return no terms: nothing is learned."""
        return {}

    def generate(self, batch: Batch) -> Tensor:
        """Refuse: the pictures are files, of these faces alone.

        Raises:
            SketchFaceError: always.
        """
        raise SketchFaceError(
            f"{self.settings.folder}: pictures that other code made; it makes no new ones"
        )
