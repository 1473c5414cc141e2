"""How much of what a system generates is decided by sampling, and how much by its inputs.

Lüken-Winkels and Häcker 2020 (docs/papers.md, Sketch2face) show 16 samples of each of several
inputs (Figure 10) and blame sampling for the loss of information. The figure as a number: the mean
over inputs of the variance over samples, by the variance over inputs of the samples' mean, both in
the judge's features. At 0 sampling changes nothing; at 1 as much as another input does.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipeline.baselines.baseline_records import pictured_inputs
from pipeline.common.evaluations import SAMPLINGS_FILE
from pipeline.common.images import encode_png
from pipeline.common.progress import progress
from pipeline.common.records import SAMPLES, SAMPLING, Level, Measure, Method, Origin
from pipeline.common.score_frames import Scores, as_resampled, long_frame
from pipeline.common.sheets import displayed, sheet
from pipeline.common.subsets import ALL
from pipeline.evaluate.cycles import as_levels, translates_back
from pipeline.evaluate.evaluated_system import EvaluatedSystem
from pipeline.evaluate.generate import read_inputs
from pipeline.style.faces import spread
from sketchface_models.metrics.judge import JUDGE
from sketchface_models.metrics.registry import Direction
from sketchface_models.metrics.sets import LEAST_FACES, resample_indices
from sketchface_models.training.feed import stream_seed
from sketchface_models.training.pack_reader import normalise

INPUTS = 32
"""At most: a network looks at each sample."""
SHOWN = 6
"""Inputs on the sheet."""
LEAST = 2
MEASURE = Measure(SAMPLING, "sampling ratio", Direction.LOWER, Level.SET, LEAST_FACES, control=True)


@dataclass(frozen=True)
class Sampling:
    """What was measured: see `Cycles`. picture: a line an input, a column a sample."""

    measures: tuple[Measure, ...]
    scores: tuple[Scores, ...]
    parameters: Mapping[str, Mapping[str, object]]
    picture: np.ndarray

    def write(self, folder: Path) -> None:
        """Write the sheet."""
        (folder / SAMPLINGS_FILE).write_bytes(encode_png(self.picture))


def sampling(evaluated: EvaluatedSystem, origin: Origin) -> Sampling | None:
    """Generate some test faces from 16 codes each, and measure how far sampling decides.

    Args:
        evaluated: the trained system and its data.
        origin: of the pictures.

    Returns:
        None for a system without codes, one that does not translate both ways, and where there is
        a single test face.
    """
    system, pack = evaluated.system, evaluated.pack
    if not system.trained or not translates_back(system, pack.channels):
        return None
    rows = np.array(spread(evaluated.rows.tolist(), INPUTS))
    pictures = _samples(evaluated, rows, origin.output)
    if pictures is None or len(rows) < LEAST:
        return None
    network = JUDGE.load(evaluated.device)
    features = torch.stack([network(each).cpu().double() for each in pictures])
    resamples = resample_indices(len(rows))
    draws = [sampling_ratio(features[chosen]) for chosen in resamples]
    line = functools.partial(long_frame, origin, Method.SYSTEM, ALL, SAMPLING, [])
    scores = Scores(line(sampling_ratio(features)), as_resampled(line(draws)))
    about = {"revision": 1, "inputs": len(rows), "samples": SAMPLES, "seed": evaluated.seed}
    picture = _sheet(evaluated, origin.output, rows, pictures)
    return Sampling((MEASURE,), (scores,), {SAMPLING: about}, picture)


def sampling_ratio(features: Tensor) -> float:
    """Return the mean variance over samples, by the variance of the samples' means.

    Args:
        features: (N, K, D) floating point, K samples of each of N inputs.

    Returns:
        Variances are sums over the D features, unbiased. NaN where all means are the same.
    """
    within = features.var(dim=1).sum(dim=-1).mean()
    between = features.mean(dim=1).var(dim=0).sum()
    return float(within / between) if between > 0 else float("nan")


@torch.no_grad()
def _samples(evaluated: EvaluatedSystem, rows: np.ndarray, output: str) -> Tensor | None:
    """Return (N, SAMPLES, C, S, S) uint8; None if the system has no codes for this output."""
    faces, device = [], evaluated.device
    for number, row in enumerate(progress(rows, len(rows), "samples", "face")):
        batch = normalise(read_inputs(evaluated.pack, np.full(SAMPLES, row)), device)
        seed = stream_seed("samples", evaluated.seed, number)
        samples = evaluated.system.sample(batch, torch.Generator(device).manual_seed(seed))
        if output not in samples:
            return None
        faces.append(as_levels(samples[output]))
    return torch.stack(faces)


def _sheet(
    evaluated: EvaluatedSystem, output: str, rows: np.ndarray, pictures: Tensor
) -> np.ndarray:
    field = pictured_inputs(evaluated.pack, evaluated.system.outputs[output].field)[0]
    some = np.unique(np.linspace(0, len(rows) - 1, SHOWN).astype(int))
    inputs = evaluated.pack.read_faces(rows[some], [field])[field]
    groups = [
        [displayed(own, field), *(displayed(each) for each in pictures[number])]
        for own, number in zip(inputs, some, strict=True)
    ]
    heads = [field, *(f"{number}" for number in range(1, SAMPLES + 1))]
    return sheet(groups, [], heads, side=64)
