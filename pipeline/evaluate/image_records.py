"""What every evaluation of pictures asks and records, whether their faces have partners or not."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from typing import Protocol as Interface

import pandas as pd
from torch import Tensor

from pipeline.common.evaluations import GENERATED
from pipeline.common.images import encode_png
from pipeline.common.records import Measure, Origin, Summary
from pipeline.common.score_frames import Scores
from pipeline.common.shards import Row, image_cell, write_rows
from pipeline.common.sheets import displayed
from pipeline.evaluate.cycles import cycles
from pipeline.evaluate.diversity import diversity
from pipeline.evaluate.evaluate_settings import EvaluateSettings
from pipeline.evaluate.evaluated_system import EvaluatedSystem
from pipeline.evaluate.likeness import likeness
from pipeline.evaluate.sampling_ratio import sampling
from sketchface_models.metrics.protocol import Protocol


class Added(Interface):
    """Something else that was measured of a run."""

    @property
    def measures(self) -> Sequence[Measure]:
        """In table order."""
        ...

    @property
    def parameters(self) -> Mapping[str, Mapping[str, object]]:
        """For the protocol."""
        ...


def cycles_and_codes(
    evaluated: EvaluatedSystem,
    generated: Tensor,
    photos: Tensor | None,
    summary: Summary,
    folder: Path,
    settings: EvaluateSettings,
) -> tuple[list[Scores], Summary]:
    """Ask a system for reconstructions and for pictures from random codes, where it has them.

    What photos have of the doodles that they were made from is measured, too.

    Args:
        evaluated: the trained system and its data.
        generated: pictures of the test faces, (N, C, S, S) uint8.
        photos: their targets likewise; None where faces have no partner.
        summary: of the output so far.
        folder: for the sheets.
        settings: the `evaluate` section.

    Returns:
        The scores, and the summary with what was measured.
    """
    scores: list[Scores] = []
    origin = evaluated.origin(summary.output)
    rounds = cycles(evaluated, origin)
    if rounds:
        scores += rounds.scores
        summary = extended(summary, rounds)
        rounds.write(folder)
    samples = sampling(evaluated, origin)
    if samples:
        scores += samples.scores
        summary = extended(summary, samples)
        samples.write(folder)
    alike = likeness(evaluated, generated, photos, origin)
    if alike:
        scores += alike.scores
        summary = extended(summary, alike)
    variety = diversity(evaluated, settings.sampled_faces, origin)
    if variety:
        scores.append(Scores(variety.scores))
        summary = extended(summary, variety)
        variety.write(folder)
    return scores, summary


def extended(
    summary: Summary,
    added: Added,
    **about: Any,
) -> Summary:
    """Add what else was measured, to the protocol too.

    What claims across inputs ask to be equal stays: runs that read other fields cannot be asked.
    """
    details = summary.protocol_details
    details = details | {"metrics": details["metrics"] | added.parameters}
    return dataclasses.replace(
        summary,
        measures=(*summary.measures, *added.measures),
        protocol=Protocol(**details).tag,
        protocol_details=details,
        **about,
    )


def joined(scores: Sequence[Scores], origin: Origin) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return all lines of scores and of resampled ones, as those of this training."""
    lines = [each.scores for each in scores if each.scores is not None]
    draws = [each.resampled for each in scores if each.resampled is not None]
    both = (pd.concat(each, ignore_index=True) for each in (lines, draws))
    single, resampled = (each.assign(**vars(origin)) for each in both)
    return single, resampled


def write_generated(path: Path, ids: Sequence[str], generated: Tensor) -> None:
    """Write `GENERATED`: (N, C, S, S) uint8, picture i of face i."""
    rows: list[Row] = [
        {"id": id, "generated": image_cell(encode_png(displayed(picture)), f"{id}.png")}
        for id, picture in zip(ids, generated, strict=True)
    ]
    write_rows(path, rows, GENERATED)
