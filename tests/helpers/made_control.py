"""Measures of control added to a made evaluation, as `evaluate` leaves them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.common.evaluations import (
    VECTOR_MAPS_FILE,
    read_evaluation,
    write_evaluation,
    write_frame,
)
from pipeline.common.records import Measure, Method
from pipeline.common.score_frames import Scores
from pipeline.evaluate.control.feature_spread import measures, plane_maps, spread_scores
from pipeline.evaluate.control.locality import MEASURES, lines

FACES = tuple(f"made-edit-{number:06d}" for number in range(8))
GROUPS = ("G1", "G5", "G7", "G8")
VARIANTS = 2


def edit_ids() -> list[str]:
    """Every edit of every face."""
    return [f"{f}/{g}/{v:02d}" for f in FACES for g in GROUPS for v in range(VARIANTS)]


def edit_values(leakage: float, seed: int, unanswered: tuple[str, ...] = ()) -> dict[str, dict]:
    """Return the values of each edit: leakage about a level, none where there is no answer."""
    draw = np.random.default_rng([seed, int(1000 * leakage)])
    values = {}
    for number, id in enumerate(edit_ids()):
        own = leakage * (1 + 0.1 * np.sin(number)) + float(draw.normal(0, 0.004))
        each = {"inside": 0.1, "outside": 0.1 * own, "true_inside": 0.2, "true_outside": 0.01}
        each["answered"] = float(id not in unanswered)
        if id not in unanswered:
            each["leakage"] = own
        values[id] = each
    return values


def layer_cells(spread: float, seed: int) -> dict[str, np.ndarray]:
    """Return vectors of two layers whose drawings lie `spread` apart within a face and group."""
    draw, drawings = np.random.default_rng(seed), VARIANTS + 1
    shape = (len(FACES), len(GROUPS))
    centres = draw.normal(size=(*shape, 1, 6))
    noise = draw.normal(size=(*shape, drawings, 6))
    return {"L0": centres + 0.01 * noise, "L2": centres + spread * noise}


def add_control(
    folder: Path,
    seed: int,
    values: Mapping[str, Mapping[str, float]],
    spread: float = 0.5,
    more: tuple[pd.DataFrame, ...] = (),
    other_measures: tuple[Measure, ...] = (),
    planes: bool = False,
) -> None:
    """Add edits, spreads and other lines of scores and measures to the evaluation in `folder`.

    With `planes`, also maps of the vectors, which take most of the time.
    """
    evaluation = read_evaluation(folder, "evaluate")
    summary = evaluation.summary
    layers = {Method.SYSTEM: layer_cells(spread, seed), Method.UNTRAINED: layer_cells(0.9, seed)}
    scores = [Scores(each) for each in lines(summary, [*values], [*values.values()])]
    for method, cells in layers.items():
        scores += spread_scores(summary, method, cells, GROUPS)
    frames = [each.scores for each in scores] + list(more)
    draws = [each.resampled for each in scores if each.resampled is not None]
    about = {"faces": len(FACES), "edits": len(values), "shift": 25.0, "rotation": 7.0, "moved": 6}
    changed = dataclasses.replace(
        evaluation,
        summary=dataclasses.replace(
            summary,
            measures=(*summary.measures, *MEASURES, *measures(["L0", "L2"]), *other_measures),
            control=about,
        ),
        scores=pd.concat([evaluation.scores, *frames], ignore_index=True),
        resampled=pd.concat([evaluation.resampled, *draws], ignore_index=True),
    )
    write_evaluation(changed)
    if planes:
        maps = plane_maps(layers[Method.SYSTEM], FACES, GROUPS)
        write_frame(folder / VECTOR_MAPS_FILE, maps)
