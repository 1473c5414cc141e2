"""How much a system's pictures vary with its random codes, beside how much they vary with faces.

Each face is generated from the same few codes. Pictures of one face from two codes, and pictures of
two faces from one code, are compared by metrics of pairs: a system that ignores its code has no
diversity, and one whose codes differ more than its faces does not read its inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from pipeline.baselines.baseline_records import pictured_inputs
from pipeline.common.evaluations import CODES_FILE
from pipeline.common.images import encode_png
from pipeline.common.progress import progress
from pipeline.common.records import DIVERSITY, Measure, Method, Origin
from pipeline.common.score_frames import long_frame
from pipeline.common.scored_pictures import BATCH, scaled
from pipeline.common.sheets import displayed, sheet
from pipeline.common.subsets import ALL
from pipeline.evaluate.evaluated_system import EvaluatedSystem
from pipeline.evaluate.generate import read_inputs
from pipeline.style.faces import spread
from sketchface_models.metrics.registry import METRICS, Direction, metric_names, score_batch
from sketchface_models.pixels import from_signed
from sketchface_models.training.feed import stream_seed
from sketchface_models.training.pack_reader import Pack, normalise

CODES = 4
"""Codes that each face is generated from."""
COMPARED = ("l1", "lpips")
"""Metrics that pictures are compared by, of those that can be measured."""
OF = {"codes": "two codes", "faces": "two faces"}
"""What differs between two pictures, in a measure's name -> in its label."""
SHOWN = 8
"""Faces on the sheet."""


@dataclass(frozen=True)
class Diversity:
    """What was measured.

    measures, scores: of pairs of codes and of faces, metric by metric. parameters: for the
    protocol. picture: a sheet, a line a face and a column a code.
    """

    measures: tuple[Measure, ...]
    scores: pd.DataFrame
    parameters: Mapping[str, Mapping[str, object]]
    picture: np.ndarray

    def write(self, folder: Path) -> None:
        """Write the sheet."""
        (folder / CODES_FILE).write_bytes(encode_png(self.picture))


def diversity(evaluated: EvaluatedSystem, most: int, origin: Origin) -> Diversity | None:
    """Generate test faces from random codes, and measure how much the pictures differ.

    Args:
        evaluated: the trained system and its data.
        most: faces to generate.
        origin: of the pictures.

    Returns:
        None for a system without random codes, and for one that was not trained here.
    """
    if not evaluated.system.trained:
        return None
    rows = np.array(spread(evaluated.rows.tolist(), most))
    pictures = _generate(evaluated, rows, origin.output)
    if pictures is None:
        return None
    ids = [evaluated.pack.ids[row] for row in rows]
    names = [name for name in metric_names(pictures.shape[2]) if name in COMPARED]
    measures: list[Measure] = []
    lines: list[pd.DataFrame] = []
    for between, values in _differences(pictures, names):
        for name, of_faces in values.items():
            measures.append(difference(between, name))
            at = (origin, Method.SYSTEM, ALL, measures[-1].name)
            lines.append(long_frame(*at, ids[: len(of_faces)], of_faces.numpy()))
    about = {"revision": 2, "faces": len(rows), "codes": CODES, "seed": evaluated.seed}
    some = np.unique(np.linspace(0, len(rows) - 1, SHOWN).astype(int))
    field = evaluated.system.outputs[origin.output].field
    picture = _sheet(evaluated.pack, field, rows[some], pictures[some])
    return Diversity(tuple(measures), pd.concat(lines), {"diversity": about}, picture)


def difference(between: str, metric: str) -> Measure:
    """Return the measure that compares pictures of what `OF` names, by a metric of pairs."""
    label = f"difference of {OF[between]}, {METRICS[metric].label}"
    return Measure(f"{DIVERSITY}{between}_{metric}", label, Direction.HIGHER, control=True)


@torch.no_grad()
def _generate(evaluated: EvaluatedSystem, rows: np.ndarray, output: str) -> Tensor | None:
    """Return (N, CODES, C, size, size) uint8; None if the system has no codes for this output.

    Faces go one by one, so that code k is the same for all of them.
    """
    size, device = int(evaluated.dataset()["size"]), evaluated.device
    faces = []
    for row in progress(rows, len(rows), "diversity", "face"):
        batch = normalise(read_inputs(evaluated.pack, np.array([row])), device)
        of_face = []
        for code in range(CODES):
            seed = stream_seed("code", evaluated.seed, code)
            samples = evaluated.system.sample(batch, torch.Generator(device).manual_seed(seed))
            if output not in samples:
                return None
            of_face.append(scaled(from_signed(samples[output].cpu()), size))
        faces.append(torch.cat(of_face))
    return torch.stack(faces)


def _differences(pictures: Tensor, names: Sequence[str]) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield what differs, and metric -> mean difference of each face, (N,) or (N // 2,).

    A face of the first half is compared with one of the second: no face is in two pairs.

    Args:
        pictures: (N, CODES, C, S, S) uint8.
        names: of the metrics.
    """
    pairs = [(pictures[:, one], pictures[:, other]) for one, other in combinations(range(CODES), 2)]
    yield "codes", _mean_of_pairs(pairs, names)
    half = len(pictures) // 2
    if half:
        ours, others = pictures[:half], pictures[half : 2 * half]
        same_code = [(ours[:, code], others[:, code]) for code in range(CODES)]
        yield "faces", _mean_of_pairs(same_code, names)


def _mean_of_pairs(
    pairs: Sequence[tuple[Tensor, Tensor]], names: Sequence[str]
) -> dict[str, Tensor]:
    scored = [
        [
            score_batch(one, other, names=names)
            for one, other in zip(*(each.split(BATCH) for each in pair), strict=True)
        ]
        for pair in pairs
    ]
    return {
        name: torch.stack([torch.cat([batch[name] for batch in pair]) for pair in scored]).mean(0)
        for name in names
    }


def _sheet(pack: Pack, target: str, rows: np.ndarray, pictures: Tensor) -> np.ndarray:
    """Return a line for each face: the target's first input, then a picture from each code."""
    first = pictured_inputs(pack, target)[0]
    inputs = pack.read_faces(rows, [first])[first]
    groups = [
        [displayed(inputs[i], first), *(displayed(each) for each in pictures[i])]
        for i in range(len(rows))
    ]
    heads = [first, *(f"code {code + 1}" for code in range(CODES))]
    return sheet(groups, [pack.ids[row] for row in rows], heads, side=max(pack.size, 96))
