"""An evaluation of three faces, written as `evaluate` does."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.common.evaluations import Evaluation, write_evaluation
from pipeline.common.records import Kind, Level, Measure, Method, MissingFace, NotMeasured, Summary
from pipeline.common.score_frames import long_frame
from pipeline.common.subsets import ALL, style_subset
from sketchface_models.metrics.registry import Direction

IDS = ["c", "a", "b"]


def summary(seed: int = 0, **changes: object) -> Summary:
    """Return the summary of a run, with some values changed."""
    made = Summary(
        run="hida",
        seed=seed,
        data="made",
        split="test",
        output="sketch",
        target="sketch",
        kind=Kind.IMAGE,
        inputs=("photo", "depth"),
        size=64,
        n=3,
        protocol="made-64:0123abcd",
        protocol_any_inputs="made-64:4567cdef",
        protocol_details={"networks": {}},
        measures=(
            Measure("ssim", "SSIM", Direction.HIGHER),
            Measure("parser_kernel", "parser kernel", Direction.LOWER, Level.SET, 6),
        ),
        not_measured=(NotMeasured("fid", "FID", "models/judges/x.pth: missing"),),
        missing=(MissingFace("d", "test", None, "without depth"),),
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def faces() -> pd.DataFrame:
    """Return three faces: two styles and one unknown, one with a shared photo, some traits."""
    styles = pd.array([2, 1, None], dtype="Int8")
    traits = [["pose turned", "source made"], ["source made"], ["pose frontal", "source made"]]
    shared = [False, True, False]
    return pd.DataFrame({"id": IDS, "style": styles, "shared": shared, "traits": traits})


def write_three_faces(folder: Path, seed: int) -> None:
    """Write the evaluation of one seed where the stage leaves it below `folder`."""
    about = summary(seed)
    scores = pd.concat(
        [
            long_frame(about, Method.SYSTEM, ALL, "ssim", IDS, [0.3 + seed, 0.1, 0.2]),
            long_frame(about, Method.MEAN, ALL, "ssim", IDS, [0.0, 0.0, np.inf]),
            long_frame(about, Method.SYSTEM, style_subset(2), "fidelity", IDS, [1, 0, 1]),
            long_frame(about, Method.SYSTEM, ALL, "parser_kernel", [], 0.5 + seed),
        ]
    )
    draws = long_frame(about, Method.SYSTEM, ALL, "parser_kernel", [], [0.4, 0.6])
    draws = draws.drop(columns="id").assign(resample=[0, 1])
    out = folder / "evaluate" / "hida" / str(seed) / "sketch"
    out.mkdir(parents=True)
    write_evaluation(Evaluation(out, about, faces(), scores, draws))
