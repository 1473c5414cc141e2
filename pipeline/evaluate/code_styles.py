"""The pictures of a system with style codes, in styles other than its default.

By default a picture is made from its inputs alone. Beside it stand pictures in the style of another
face's target, in a random style, and in the style of the face's own target: what a perfect guess of
the style would give, which no other row may be ranked against. A sheet shows the style of some
faces on the inputs of others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.baselines.baseline_records import pictured_inputs
from pipeline.common.progress import progress
from pipeline.common.records import Method
from pipeline.common.scored_pictures import BATCH, scaled
from pipeline.common.sheets import displayed, sheet
from pipeline.evaluate.evaluated_system import EvaluatedSystem
from pipeline.evaluate.generate import read_inputs
from sketchface_models.metrics.untrained_baselines import another_face
from sketchface_models.pixels import from_signed
from sketchface_models.training.feed import stream_seed
from sketchface_models.training.pack_reader import normalise

SHOWN = 6
"""Faces whose styles, and faces whose inputs, are on the sheet."""


@dataclass(frozen=True)
class CodeStyles:
    """Pictures in other styles.

    pictures: (N, C, size, size) uint8 of every style. transfer: a sheet, the style of each column's
    photo on the inputs of each line.
    """

    pictures: dict[Method, Tensor]
    transfer: np.ndarray


@torch.no_grad()
def code_styles(evaluated: EvaluatedSystem, output: str) -> CodeStyles | None:
    """Generate every test face in three styles, and some faces in the styles of others.

    Args:
        evaluated: the trained system and its data.
        output: of the system; its first has styles, if any has.

    Returns:
        None for a system without styles, one that was not trained here, and an unpaired one.
    """
    system, rows = evaluated.system, evaluated.rows
    first = next(iter(system.outputs))
    if not system.trained or output != first or len(evaluated.pack.domains) > 1:
        return None
    if _in_style_of(evaluated, rows[:1], rows[:1]) is None:
        return None
    others = rows[another_face(torch.arange(len(rows)), evaluated.seed).numpy()]
    batches: dict[Method, list[Tensor]] = {}
    starts = range(0, len(rows), BATCH)
    for start in progress(starts, len(starts), "styles"):
        part = slice(start, start + BATCH)
        seed = stream_seed("random style", evaluated.seed, start)
        for method, pictures in (
            (Method.ANOTHER_STYLE, _in_style_of(evaluated, rows[part], others[part])),
            (Method.RANDOM_STYLE, _in_random_style(evaluated, rows[part], output, seed)),
            (Method.OWN_STYLE, _in_style_of(evaluated, rows[part], rows[part])),
        ):
            if pictures is not None:
                batches.setdefault(method, []).append(pictures)
    return CodeStyles(
        {method: torch.cat(parts) for method, parts in batches.items()}, _transfer(evaluated)
    )


def _in_style_of(evaluated: EvaluatedSystem, rows: np.ndarray, styles: np.ndarray) -> Tensor | None:
    """Return the pictures of some faces in the styles of others' targets, as scored."""
    pack = evaluated.pack
    photos = normalise(pack.read_faces(styles, [pack.target]), evaluated.device)[pack.target]
    return _as_scored(evaluated, evaluated.system.in_style_of(_batch(evaluated, rows), photos))


def _in_random_style(
    evaluated: EvaluatedSystem, rows: np.ndarray, output: str, seed: int
) -> Tensor | None:
    generator = torch.Generator(evaluated.device).manual_seed(seed)
    samples = evaluated.system.sample(_batch(evaluated, rows), generator)
    return _as_scored(evaluated, samples.get(output))


def _transfer(evaluated: EvaluatedSystem) -> np.ndarray:
    """Return the sheet: photos above, inputs on the left, and between them the pictures."""
    pack, rows = evaluated.pack, evaluated.rows
    maps = rows[np.unique(np.linspace(0, len(rows) - 1, SHOWN).astype(int))]
    styles = np.roll(maps, 1)
    photos = pack.read_faces(styles, [pack.target])[pack.target]
    field = pictured_inputs(pack, pack.target)[0]
    inputs = pack.read_faces(maps, [field])[field]
    lines: list[list[np.ndarray | None]] = [[None, *(displayed(photo) for photo in photos)]]
    for row, shown in zip(maps, inputs, strict=True):
        pictures = _in_style_of(evaluated, np.full(len(styles), row), styles)
        if pictures is not None:
            lines.append([displayed(shown, field), *(displayed(each) for each in pictures)])
    return sheet(lines, headers=["", *(pack.ids[row] for row in styles)], side=max(pack.size, 96))


def _batch(evaluated: EvaluatedSystem, rows: np.ndarray) -> dict[str, Tensor]:
    return normalise(read_inputs(evaluated.pack, rows), evaluated.device)


def _as_scored(evaluated: EvaluatedSystem, generated: Tensor | None) -> Tensor | None:
    if generated is None:
        return None
    return scaled(from_signed(generated.cpu()), int(evaluated.dataset()["size"]))
