"""What is evaluated: a trained system, its pack and the data set that it is scored on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from pipeline.baselines.baseline_records import pictured_inputs
from pipeline.baselines.baselines import Faces
from pipeline.baselines.targets import (
    TEST,
    face_frame,
    missing_faces,
    read_dataset,
    read_traits,
    scored_rows,
)
from pipeline.common.records import MissingFace, Origin
from pipeline.evaluate.evaluate_settings import LargestMoves
from sketchface_models.systems.base import System
from sketchface_models.training.pack_reader import Pack

NO_PICTURE = "no picture among those that other code made"


@dataclass(frozen=True)
class EvaluatedSystem:
    """A trained system on its test faces.

    system: in eval mode, on `device`.
    card: of its weights: `run`, `seed`, `model`, `steps`, `images`, `styles`, and the `file`.
    data: folder with the stages' folders.
    pack: the run's.
    baselines: folder that the `baselines` stage wrote for the run.
    lacking: faces that lack a field of the run, as `pack.json` lists them under `missing`.
    seed: of the choice of another face.
    device: on which to generate and score.
    moves: how far contours are moved at most.
    """

    system: System
    card: Mapping[str, Any]
    data: Path
    pack: Pack
    baselines: Path
    lacking: Sequence[dict[str, Any]]
    seed: int
    device: torch.device
    moves: LargestMoves = field(default_factory=LargestMoves)

    @cached_property
    def _scored(self) -> tuple[np.ndarray, tuple[MissingFace, ...]]:
        rows, dropped = scored_rows(self.data, self.pack)
        if self.system.trained:
            return rows, dropped
        ids = {row: self.pack.ids[row] for row in rows}
        files = self.system.files(set(ids.values()))
        without = tuple(
            MissingFace(id, TEST, self.pack.styles[row], NO_PICTURE)
            for row, id in ids.items()
            if id not in files
        )
        pictured = [row for row, id in ids.items() if id in files]
        return np.array(pictured, np.int64), (*dropped, *without)

    @property
    def rows(self) -> np.ndarray:
        """The scored test faces' rows in the pack's first domain, (N,)."""
        return self._scored[0]

    @property
    def ids(self) -> list[str]:
        """Of the test faces."""
        return [self.pack.ids[row] for row in self.rows]

    def dataset(self) -> dict[str, Any]:
        """`dataset.json` of the `faces` stage."""
        return read_dataset(self.data)

    def faces(self) -> pd.DataFrame:
        """The test faces as a `FACES` frame."""
        styles = [self.pack.styles[row] for row in self.rows]
        return face_frame(self.ids, styles, self.dataset(), self._traits)

    @cached_property
    def _traits(self) -> tuple[tuple[str, ...], ...]:
        return read_traits(self.data, self.ids)

    def inputs(self, target: str) -> tuple[str, ...]:
        """Return the fields that an output with this target is generated from.

        In an unpaired pack each domain's pictures are generated from the other's.
        """
        if target == self.pack.target or len(self.pack.domains) == 1:
            return tuple(self.pack.inputs)
        return pictured_inputs(self.pack, target)

    def test_faces(self, target: str) -> Faces:
        """The test faces with an output's target and the pictures that the run reads."""
        return Faces(
            self.data,
            self.dataset(),
            tuple(self.ids),
            tuple(self.pack.styles[row] for row in self.rows),
            self._traits,
            pictured_inputs(self.pack, target),
            target,
            self.seed,
        )

    def missing(self) -> tuple[MissingFace, ...]:
        """Test faces that cannot be scored, or are not."""
        missing = (*self._scored[1], *missing_faces(self.data, self.lacking))
        each_once = {face.id: face for face in missing}
        return tuple(sorted(each_once.values(), key=lambda face: face.id))

    def origin(self, output: str) -> Origin:
        """Of the pictures of an output."""
        return Origin(self.card["run"], self.card["seed"], output)

    @property
    def weights(self) -> dict[str, Any]:
        """Which weights were scored, as a `Summary` has it."""
        return {key: self.card[key] for key in ("file", "steps", "images") if key in self.card}
