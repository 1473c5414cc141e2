"""What trained runs generate of some test faces, as one picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from pipeline.baselines.baseline_records import pictured_inputs
from pipeline.common.parameters import Parameters
from pipeline.common.sheets import displayed, sheet
from pipeline.evaluate.generate import generate_output, read_inputs
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import load_trained
from sketchface_models.pixels import from_signed
from sketchface_models.systems.base import System
from sketchface_models.training.pack_reader import Pack, normalise

FACES = (0, 1, 5, 9)
"""Which of the test faces are shown."""
SIDE = 112


def trained_runs(root: Path, runs: Sequence[str] = ()) -> np.ndarray:
    """Return a sheet, (H, W, 3) uint8: input and result of each face, a row for each output.

    Args:
        root: of a project in which the runs are trained.
        runs: that are shown, seed 0; none: those of params.yaml.

    Raises:
        SketchFaceError: if a run is not trained there.
    """
    rows, captions = [], []
    for run in runs or Parameters.from_file(root / "params.yaml").value("run"):
        weights = root / "data" / "train" / run / "0" / "weights"
        if not weights.is_dir():
            raise SketchFaceError(f"{weights}: not there; run `dvc exp run -S model={run}` first")
        system, _ = load_trained(weights, torch.device("cpu"))
        for caption, pictures in _results(system, Pack(root / "data" / "pack" / run)):
            captions.append(f"{run}: {caption}")
            rows.append(pictures)
    return sheet(rows, captions, side=SIDE)


@torch.no_grad()
def _results(system: System, pack: Pack) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Yield, of each output, what it is made of, and inputs and results by turns."""
    batch = normalise(read_inputs(pack, pack.rows("test")[list(FACES)]), torch.device("cpu"))
    for name, output in system.outputs.items():
        source = pictured_inputs(pack, output.field)[0]
        raw = read_inputs(pack, pack.rows("test")[list(FACES)])[source]
        results = from_signed(generate_output(system, batch, name)).byte()
        pairs = zip(raw, results, strict=True)
        yield (
            f"{source} to {output.field}",
            [
                picture
                for before, after in pairs
                for picture in (displayed(before, source), displayed(after, output.field))
            ],
        )
