"""What `evaluate` writes and `report` reads: one folder for each output of a run and seed.

    data/evaluate/RUN/SEED/OUTPUT/
        summary.json        `Summary`: what was scored, by which protocol, with which measures
        faces.parquet       `FACES`: the test faces and the subsets that they belong to
        scores.parquet      `SCORES`: every value, one a line
        resampled.parquet   `RESAMPLED`: measures of sets, on faces drawn again with repetitions
        confusion.parquet   `CONFUSION`: outputs that are label maps only
        generated.parquet   `GENERATED`: the pictures themselves, at scoring size
        features.parquet    `FEATURES`: what the networks of set metrics see in them
        vector_maps.parquet `VECTOR_MAPS`: what layers see in edited drawings, on planes
        samples.png         input, generated picture and target of some faces

Scores are one long pandas frame from here to the report (`score_frames`). `why_not_comparable`
says which runs may be ranked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.common.records import (
    BASELINES,
    STYLED,
    Kind,
    Level,
    Measure,
    Method,
    MissingFace,
    NotMeasured,
    Summary,
)
from pipeline.common.shards import IMAGE
from sketchface_models.atomic import write_json
from sketchface_models.errors import SketchFaceError
from sketchface_models.metrics.registry import Direction

SUMMARY_FILE = "summary.json"

FACES_FILE = "faces.parquet"

SCORES_FILE = "scores.parquet"

RESAMPLED_FILE = "resampled.parquet"

CONFUSION_FILE = "confusion.parquet"

GENERATED_FILE = "generated.parquet"

FEATURES_FILE = "features.parquet"

PARSED_FILE = "parsed.parquet"
VECTOR_MAPS_FILE = "vector_maps.parquet"

SAMPLES_FILE = "samples.png"

STYLES_FILE = "styles.png"

CODES_FILE = "codes.png"
CYCLES_FILE = "cycles.png"
SAMPLINGS_FILE = "samplings.png"
TRANSFER_FILE = "transfer.png"

CONFUSION_PICTURE = "confusion.png"


def column(name: str, kind: pa.DataType, description: str) -> pa.Field:
    """A column of a schema that documents itself."""
    return pa.field(name, kind, metadata={"description": description})


_OF = [
    column("run", pa.string(), "name of the run"),
    column("seed", pa.int64(), "seed of the training"),
    column("output", pa.string(), "the system's output"),
    column("method", pa.string(), "`Method`: the system, or which baseline"),
    column("subset", pa.string(), "`Subset`: which test faces"),
    column("metric", pa.string(), "name of the measure"),
]

SCORES = pa.schema(
    [
        *_OF,
        column("id", pa.string(), "the face, or edit; null for measures of a whole subset"),
        column("value", pa.float64(), "as measured; the PSNR of identical pictures is inf"),
    ]
)
"""Values of faces stand once, under the subset `all`; `per_face` selects smaller subsets from it.
A face's value under another subset (fidelity to one style) is a measurement of its own."""

RESAMPLED = pa.schema(
    [
        *_OF,
        column("resample", pa.int32(), "number of the draw; equal draws hold equal faces"),
        column("value", pa.float64(), "the measure of the faces of that draw"),
    ]
)

FACES = pa.schema(
    [
        column("id", pa.string(), "the face"),
        column("style", pa.int8(), "style of its sketch; null if unknown"),
        column("shared", pa.bool_(), "whether its photo also stands in the training split"),
        column("traits", pa.list_(pa.string()), "what else is known of it: `pose turned`"),
    ]
)

CONFUSION = pa.schema(
    [
        column("id", pa.string(), "the face"),
        column("matrix", pa.list_(pa.int64()), "19 x 19 pixel counts, row = true class"),
    ]
)

GENERATED = pa.schema(
    [
        column("id", pa.string(), "the face"),
        column("generated", IMAGE, "PNG, (size, size) or (size, size, 3) uint8, at scoring size"),
    ]
)

PARSED = pa.schema(
    [
        column("id", pa.string(), "the face"),
        column("parsed", IMAGE, "labels of its photo, PNG, (size, size) uint8, at scoring size"),
    ]
)

FEATURES = pa.schema(
    [
        column("extractor", pa.string(), "network that the features come from"),
        column("method", pa.string(), "`system`, or `target` for the target itself"),
        column("id", pa.string(), "the face"),
        column("features", pa.list_(pa.float32()), "one vector, as long as the network says"),
    ]
)

VECTOR_MAPS = pa.schema(
    [
        column("layer", pa.string(), "layer of the network, from its input on"),
        column("map", pa.string(), "how its vectors come to a plane: PCA or t-SNE"),
        column("face", pa.string(), "the base face of the drawing"),
        column("group", pa.string(), "what is edited"),
        column("drawing", pa.int32(), "0 before the edit, then the variants"),
        column("x", pa.float32(), "place on the plane"),
        column("y", pa.float32(), "likewise"),
    ]
)
"""The vectors of the first layers at the eye corner of edited drawings."""
PLANES = ("PCA", "t-SNE")
"""Kinds of maps."""

SCHEMAS = {
    SCORES_FILE: SCORES,
    RESAMPLED_FILE: RESAMPLED,
    FACES_FILE: FACES,
    CONFUSION_FILE: CONFUSION,
    GENERATED_FILE: GENERATED,
    FEATURES_FILE: FEATURES,
    VECTOR_MAPS_FILE: VECTOR_MAPS,
}


ByMeasure = Mapping[tuple[str, str], Mapping[str, pd.Series]]
"""(Method, metric) -> subset -> values."""


@dataclass(frozen=True)
class Evaluation:
    """One output of one run from one seed, as `evaluate` left it."""

    folder: Path
    summary: Summary
    faces: pd.DataFrame
    scores: pd.DataFrame
    resampled: pd.DataFrame

    @property
    def ids(self) -> tuple[str, ...]:
        """The test faces that were scored."""
        return tuple(self.faces["id"])

    @property
    def methods(self) -> list[Method]:
        """The system, its styles and the baselines that there are, in table order."""
        present = set(self.scores["method"])
        return [method for method in (Method.SYSTEM, *STYLED, *BASELINES) if method in present]

    @cached_property
    def values(self) -> ByMeasure:
        """Values of faces and edits, by id."""
        return _by_measure(self.scores.dropna(subset="id"), "id")

    @cached_property
    def pooled_values(self) -> ByMeasure:
        """Values of whole subsets, by seed."""
        return _by_measure(self.scores[self.scores["id"].isna()], "seed")

    @cached_property
    def draws(self) -> ByMeasure:
        """Values of `RESAMPLED`, by number of the draw."""
        return _by_measure(self.resampled, "resample")


def _by_measure(lines: pd.DataFrame, index: str) -> ByMeasure:
    """Return lines as series with one of their columns as index, split once for all look-ups."""
    groups = lines.set_index(index).groupby(["method", "metric", "subset"])["value"]
    measures: dict[tuple[str, str], dict[str, pd.Series]] = {}
    for (method, metric, subset), values in groups:
        measures.setdefault((method, metric), {})[subset] = values
    return measures


def why_not_comparable(
    ours: Evaluation, theirs: Evaluation, across_inputs: bool = False
) -> str | None:
    """Why two evaluations may not be ranked, in a few words; None if they may.

    Args:
        ours: one output of one run.
        theirs: of another.
        across_inputs: as in a paper's claim on runs that read different inputs.
    """
    one, other = ours.summary, theirs.summary
    if (one.output, one.target) != (other.output, other.target):
        return "other targets"
    if one.protocol_any_inputs != other.protocol_any_inputs:
        return "other protocols"
    if ours.ids != theirs.ids:
        return "other faces"
    if not across_inputs and (one.inputs, one.protocol) != (other.inputs, other.protocol):
        return "other inputs"
    return None


def write_evaluation(evaluation: Evaluation) -> None:
    """Write the records of one output into its folder, which exists."""
    write_json(evaluation.folder / SUMMARY_FILE, asdict(evaluation.summary))
    write_frame(evaluation.folder / FACES_FILE, evaluation.faces)
    write_frame(evaluation.folder / SCORES_FILE, evaluation.scores)
    write_frame(evaluation.folder / RESAMPLED_FILE, evaluation.resampled)


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame as Parquet, by the schema that its file name has in `SCHEMAS`."""
    table = pa.Table.from_pandas(frame, SCHEMAS[path.name], preserve_index=False)
    pq.write_table(table.replace_schema_metadata(None), path, compression="zstd")


def read_evaluations(data: Path, run: str, seed: int) -> list[Evaluation]:
    """Every output of a run from one seed, in alphabetical order.

    Raises:
        SketchFaceError: naming the stage to run, if something is missing or damaged.
    """
    folder = data / "evaluate" / run / str(seed)
    folders = sorted(path.parent for path in folder.glob(f"*/{SUMMARY_FILE}"))
    if not folders:
        raise SketchFaceError(f"{folder}: missing; run `dvc repro evaluate@{run}-{seed}`")
    evaluations = [read_evaluation(each, f"evaluate@{run}-{seed}") for each in folders]
    for each in evaluations:
        if (each.summary.run, each.summary.seed) != (run, seed):
            raise SketchFaceError(
                f"{each.folder / SUMMARY_FILE}: of run {each.summary.run}, seed "
                f"{each.summary.seed}; run `dvc repro evaluate@{run}-{seed}`"
            )
    return evaluations


def read_evaluation(folder: Path, stage: str) -> Evaluation:
    """One output of a run.

    Args:
        folder: `data/evaluate/RUN/SEED/OUTPUT`.
        stage: that wrote it, for messages.

    Raises:
        SketchFaceError: naming the stage, if something is missing or damaged.
    """
    summary = read_summary(folder / SUMMARY_FILE, stage)
    frames = [read_frame(folder / n, stage) for n in (FACES_FILE, SCORES_FILE, RESAMPLED_FILE)]
    return Evaluation(folder, summary, *frames)


def read_summary(path: Path, stage: str) -> Summary:
    """A `Summary` from its JSON file.

    Raises:
        SketchFaceError: naming the stage, if the file is missing or damaged.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        for key, record in (("not_measured", NotMeasured), ("missing", MissingFace)):
            values[key] = tuple(record(**each) for each in values[key])
        values["measures"] = tuple(_measure(**each) for each in values["measures"])
        kind = Kind(values["kind"])
        for key in ("inputs", "classes", "not_learned"):
            values[key] = tuple(values[key])
        return Summary(**values | {"kind": kind})
    except FileNotFoundError:
        raise SketchFaceError(f"{path}: missing; run `dvc repro {stage}`") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise SketchFaceError(f"{path}: damaged; run `dvc repro {stage}`") from None


def read_frame(path: Path, stage: str) -> pd.DataFrame:
    """A table of `SCHEMAS` as a frame.

    Raises:
        SketchFaceError: naming the stage, if the file is missing, damaged or of another schema.
    """
    try:
        table = pq.read_table(path, schema=SCHEMAS[path.name])
    except FileNotFoundError:
        raise SketchFaceError(f"{path}: missing; run `dvc repro {stage}`") from None
    except (OSError, pa.ArrowException):
        raise SketchFaceError(f"{path}: damaged; run `dvc repro {stage}`") from None
    frame = table.to_pandas()
    return frame.astype({"style": "Int8"}) if path.name == FACES_FILE else frame


def _measure(direction: str, level: str, **rest: Any) -> Measure:
    return Measure(direction=Direction(direction), level=Level(level), **rest)
