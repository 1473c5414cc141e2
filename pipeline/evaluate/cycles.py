"""Pictures translated to the other kind and back, beside what they were.

What Sketch2face's authors measure (docs/papers.md, Sketch2face) is the distance between real
pictures and these reconstructions, and not between real pictures and translated ones: it says how
much a pair of translators preserves, and nothing of what the pictures between look like.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from pipeline.baselines.one_way import OneWayPack
from pipeline.baselines.scoring import extract_features, extractors, set_scores
from pipeline.baselines.targets import face_frame
from pipeline.common.evaluations import CYCLES_FILE
from pipeline.common.images import encode_png
from pipeline.common.progress import progress
from pipeline.common.records import CYCLE, Level, Measure, Method, Origin
from pipeline.common.score_frames import Scores, long_frame
from pipeline.common.scored_pictures import BATCH, rounded
from pipeline.common.sheets import displayed, sheet
from pipeline.common.subsets import ALL
from pipeline.evaluate.evaluated_system import EvaluatedSystem
from pipeline.evaluate.generate import read_inputs
from sketchface_models.metrics.registry import SET_METRICS, Direction
from sketchface_models.pixels import from_signed
from sketchface_models.systems.base import Batch, System
from sketchface_models.training.feed import stream_seed
from sketchface_models.training.pack_reader import normalise

SHOWN = 8
"""Faces on the sheet."""
PARAMETERS = {"revision": 1, "codes": "sampled"}


@dataclass(frozen=True)
class Cycles:
    """What was measured.

    measures, scores: field by field. parameters: for the protocol. picture: a sheet, a line a face.
    """

    measures: tuple[Measure, ...]
    scores: tuple[Scores, ...]
    parameters: Mapping[str, Mapping[str, object]]
    picture: np.ndarray

    def write(self, folder: Path) -> None:
        """Write the sheet."""
        (folder / CYCLES_FILE).write_bytes(encode_png(self.picture))


@dataclass(frozen=True)
class Round:
    """Pictures on their way to the other kind and back: (N, C, S, S) uint8, each at its own size.

    fakes: of the other field.
    """

    field: str
    other: str
    inputs: Tensor
    fakes: Tensor
    reconstructions: Tensor


def cycles(evaluated: EvaluatedSystem, origin: Origin) -> Cycles | None:
    """Translate test pictures there and back, and measure how much is left of them.

    Where faces have partners, the first output stands for all cycles; otherwise each output for
    that of the pictures which it is generated from.

    Args:
        evaluated: the trained system and its data.
        origin: of the pictures.

    Returns:
        None for a system that does not translate between two kinds of pictures, for one that was
        not trained here, and for outputs after the first where faces have partners.
    """
    pack, system = evaluated.pack, evaluated.system
    if not system.trained or not translates_back(system, pack.channels):
        return None
    one_way = isinstance(pack, OneWayPack)
    if not one_way and origin.output != next(iter(system.outputs)):
        return None
    fields = [pack.domains[0].fields[0]] if one_way else [o.field for o in system.outputs.values()]
    rounds = rounds_of(evaluated, fields)
    scores = [each for one in rounds for each in _scores(origin, one, evaluated)]
    measures = tuple(each for one in rounds for each in cycle_measures(one.field))
    return Cycles(
        measures,
        tuple(scores),
        {"cycles": PARAMETERS | {"seed": evaluated.seed}},
        _sheet(evaluated, rounds),
    )


def translates_back(system: System, fields: Mapping[str, int]) -> bool:
    """Return whether a system generates each of two fields from the other.

    Args:
        system: of the run.
        fields: of its pack.
    """
    generated = [output.field for output in system.outputs.values() if output.kind == "image"]
    return len(fields) == 2 and set(generated) == set(fields)


def cycle_measures(field: str) -> tuple[Measure, ...]:
    """Return the measures of reconstructions of a field."""
    words = f"reconstructed {field}"
    sets = [
        Measure(
            f"{CYCLE}{field}_{name}", f"{words}, {each.label}", each.direction, Level.SET,
            each.least, control=True,
        )
        for name, each in SET_METRICS.items()
        if each.extractor.name in extractors()
    ]  # fmt: skip
    own = Measure(f"{CYCLE}{field}_l1", f"{words}, L1", Direction.LOWER, control=True)
    return (own, *sets)


@torch.no_grad()
def rounds_of(evaluated: EvaluatedSystem, fields: list[str]) -> list[Round]:
    """Return the cycles that begin at some fields, of all test faces.

    Args:
        evaluated: the trained system and its data.
        fields: that it generates; the pack's.
    """
    pack, system = evaluated.pack, evaluated.system
    by_field = {output.field: name for name, output in system.outputs.items()}
    parts: dict[str, list[tuple[Tensor, Tensor]]] = {field: [] for field in fields}
    starts = range(0, len(evaluated.rows), BATCH)
    for start in progress(starts, len(starts), "cycles"):
        chosen = evaluated.rows[start : start + BATCH]
        batch = normalise(read_inputs(pack, chosen), evaluated.device)
        seed = stream_seed("cycles", evaluated.seed, start)
        generator = torch.Generator(evaluated.device).manual_seed(seed)
        there, back = there_and_back(system, batch, generator)
        for field, own in parts.items():
            other = _other(field, by_field)
            pair = (there[by_field[other]], back[by_field[field]])
            own.append((as_levels(pair[0]), as_levels(pair[1])))
    inputs = pack.read_faces(evaluated.rows, fields)
    return [
        Round(
            field,
            _other(field, by_field),
            inputs[field],
            *(torch.cat(each) for each in zip(*parts[field], strict=True)),
        )
        for field in fields
    ]


def there_and_back(
    system: System, batch: Batch, generator: torch.Generator
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return every output of a batch, and every output of these.

    A system with codes samples them both ways, as the authors' evaluation does and as it learned.

    Args:
        system: in eval mode.
        batch: both fields.
        generator: of all random numbers.

    Returns:
        Output -> (B, C, S, S) in [-1, 1], twice: the second are reconstructions.
    """
    there = _translated(system, batch, generator)
    fakes = {output.field: there[name] for name, output in system.outputs.items()}
    return there, _translated(system, fakes, generator)


def _translated(system: System, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
    return system.sample(batch, generator) or system.generate_all(batch)


def as_levels(pictures: Tensor) -> Tensor:
    """(B, C, S, S) in [-1, 1] -> uint8 on the CPU, as a file would hold them."""
    return rounded(from_signed(pictures.cpu()))


def _other(field: str, fields: Mapping[str, str]) -> str:
    return next(each for each in fields if each != field)


def _scores(origin: Origin, one: Round, evaluated: EvaluatedSystem) -> list[Scores]:
    difference = (one.inputs.double() - one.reconstructions.double()).abs().mean(dim=(1, 2, 3))
    prefix = f"{CYCLE}{one.field}_"
    at = (origin, Method.SYSTEM, ALL, f"{prefix}l1")
    lines = Scores(long_frame(*at, evaluated.ids, (difference / 255).numpy()))
    pictures = {Method.TARGET: one.inputs, Method.SYSTEM: one.reconstructions}
    ids = evaluated.ids
    whole = face_frame(ids, [None] * len(ids), {}, [()] * len(ids))
    sets = set_scores(origin, extract_features(pictures, evaluated.device), whole)
    return [lines, Scores(_named(sets.scores, prefix), _named(sets.resampled, prefix))]


def _named(lines: pd.DataFrame | None, prefix: str) -> pd.DataFrame | None:
    return None if lines is None else lines.assign(metric=prefix + lines["metric"])


def _sheet(evaluated: EvaluatedSystem, rounds: list[Round]) -> np.ndarray:
    ids, side = evaluated.ids, max(evaluated.pack.size, 96)
    some = np.unique(np.linspace(0, len(ids) - 1, SHOWN).astype(int))
    groups = [
        [
            displayed(pictures[number])
            for one in rounds
            for pictures in (one.inputs, one.fakes, one.reconstructions)
        ]
        for number in some
    ]
    heads = [head for one in rounds for head in (one.field, f"as {one.other}", "and back")]
    return sheet(groups, [ids[number] for number in some], heads, side=side)
