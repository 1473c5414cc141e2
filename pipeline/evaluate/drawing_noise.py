"""Noise in generated sketches before and after its removal, and how much sketches differ.

Zhao et al. 2023, section 4.3: colourful noise turns grey, and shadows at the edges go. Ink at the
border that is far from the target's strokes is a shadow; what changes from pixel to pixel where the
target is blank is noise. What the same weights generate with nothing taken off stands beside it,
and for the authors' bytes what they would be had negative values not wrapped round.

Section 4.1: a plain network gives "an average face" for whatever it is shown. The *variety* of a
system is the difference between its sketches of two faces by that between their inputs: near 0
where it has collapsed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.baselines.baseline_records import pictured_inputs
from pipeline.baselines.targets import read_pictures
from pipeline.common.records import Measure, Method, Origin
from pipeline.common.score_frames import frame_of_defined
from pipeline.common.scored_pictures import BATCH
from pipeline.evaluate.evaluated_system import EvaluatedSystem
from pipeline.evaluate.generate import generate
from sketchface_models.metrics.registry import Direction
from sketchface_models.noise_removal import BAND, FAINT, PAPER, REACH, border, near, strokes
from sketchface_models.pixels import as_grey
from sketchface_models.systems.base import System
from sketchface_models.systems.registry import build

SKETCH = "sketch"
EDGE_INK, PAPER_NOISE, COLOUR, VARIETY = "edge_ink", "paper_noise", "colour", "variety"
MEASURES = (
    Measure(EDGE_INK, "ink at the edges, %", Direction.LOWER, control=True),
    Measure(PAPER_NOISE, "noise on paper, %", Direction.LOWER, control=True),
    Measure(COLOUR, "colour, %", Direction.LOWER, control=True),
    Measure(VARIETY, "variety", Direction.HIGHER, control=True),
)
REMOVAL = ("greyscale", "edge_shadows")
"""Keys of a model that switch noise removal on after the network has drawn."""
WRAP_AROUND = "wrap_around"
BEFORE, MAPPED = "before_", "mapped_"
"""How metrics begin of pictures before noise removal; the same, had their values not wrapped."""
TRUE = "true_"
PARAMETERS = {"revision": 2, "band": BAND, "reach": REACH, "faint": FAINT, "paper": PAPER}


@dataclass(frozen=True)
class Drawings:
    """What was measured: see `Diversity`."""

    measures: tuple[Measure, ...]
    scores: pd.DataFrame
    parameters: Mapping[str, Mapping[str, object]]


def drawings(
    evaluated: EvaluatedSystem, generated: Tensor, targets: Tensor, origin: Origin
) -> Drawings | None:
    """Measure the sketches of a run.

    Args:
        evaluated: the trained system and its data.
        generated: its pictures of the N test faces as it wrote them, (N, C, S, S) uint8.
        targets: likewise.
        origin: of the pictures.

    Returns:
        None for an output that is no sketch, and for a system that was not trained here.
    """
    target = evaluated.system.outputs[origin.output].field
    if target != SKETCH or not evaluated.system.trained:
        return None
    size, ids = targets.shape[-1], evaluated.ids
    values = dict(noise(generated, targets))
    for prefix, system in _other_ways(evaluated):
        others = generate(
            system, evaluated.pack, evaluated.rows, size, evaluated.device, output=origin.output
        )
        values |= {prefix + name: value for name, value in noise(others, targets)}
    inputs = pictured_inputs(evaluated.pack, target)[0]
    shown = read_pictures(evaluated.data, inputs, ids, size)
    values |= {VARIETY: variety(generated, shown), TRUE + VARIETY: variety(targets, shown)}
    lines = [
        frame_of_defined(origin, Method.SYSTEM, metric, ids[: len(value)], value)
        for metric, value in values.items()
    ]
    scores = pd.concat(lines, ignore_index=True)
    measured = tuple(each for each in MEASURES if each.name in set(scores["metric"]))
    return Drawings(measured, scores, {"drawings": PARAMETERS | {"input": inputs}})


def noise(generated: Tensor, targets: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Yield measure -> value of each picture, (N,) in percent of black; NaN where none is defined.

    Args:
        generated: (N, 1 or 3, S, S) uint8.
        targets: likewise.
    """
    parts = [
        _noise_of_batch(own.double(), true.double())
        for own, true in zip(generated.split(BATCH), targets.split(BATCH), strict=True)
    ]
    for name in (EDGE_INK, PAPER_NOISE, COLOUR):
        yield name, 100 * torch.cat([part[name] for part in parts])


def variety(pictures: Tensor, inputs: Tensor) -> Tensor:
    """Return how much pictures of two faces differ by how much their inputs do, (N // 2,).

    The first half of the faces, each with one of the second half: no face is in two pairs. NaN
    where the inputs are the same.

    Args:
        pictures: (N, 1 or 3, S, S) uint8.
        inputs: likewise.
    """
    half = len(pictures) // 2
    differences = [
        torch.cat(
            [
                (as_grey(one.double()) - as_grey(other.double())).abs().mean(dim=(1, 2, 3))
                for one, other in zip(
                    each[:half].split(BATCH), each[half : 2 * half].split(BATCH), strict=True
                )
            ]
        )
        for each in (pictures, inputs)
    ]
    return torch.where(differences[1] > 0, differences[0] / differences[1], torch.nan)


def _noise_of_batch(generated: Tensor, targets: Tensor) -> dict[str, Tensor]:
    grey, true = as_grey(generated), as_grey(targets)
    levels = true.flatten(1)
    paper = levels.kthvalue(round(PAPER * levels.shape[1]), dim=1).values[:, None, None, None]
    blank = ~near(strokes(true / 127.5 - 1, paper / 127.5 - 1))
    ink = (paper - grey).clamp(min=0) / 255
    smooth = F.avg_pool2d(grey, 3, stride=1, padding=1, count_include_pad=False)
    steps = (grey - smooth) / 255
    return {
        EDGE_INK: _mean(ink, blank & border(grey.shape[-1])),
        PAPER_NOISE: _mean(steps.square(), blank).sqrt(),
        COLOUR: (generated.amax(dim=1) - generated.amin(dim=1)).mean(dim=(1, 2)) / 255,
    }


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of each picture's values in a mask, both (N, 1, S, S) -> (N,); NaN where it is empty."""
    return (values * mask).flatten(1).sum(dim=1) / mask.flatten(1).sum(dim=1)


def _other_ways(evaluated: EvaluatedSystem) -> Iterator[tuple[str, System]]:
    """Yield the same weights without noise removal, and also without wrapping, by prefix."""
    model = evaluated.card["model"]
    changes: dict[str, Any] = {key: False for key in REMOVAL if model.get(key)}
    if changes:
        yield BEFORE, _changed(evaluated, changes)
    if model.get(WRAP_AROUND):
        yield MAPPED, _changed(evaluated, changes | {WRAP_AROUND: False})


def _changed(evaluated: EvaluatedSystem, changes: Mapping[str, Any]) -> System:
    """Return a system with the same networks and some other settings, none of the networks'."""
    card = evaluated.card
    with torch.random.fork_rng(devices=[]):
        system = build({**card["model"], **changes}, dict(card["channels"]))
    system.networks = evaluated.system.networks
    return system
