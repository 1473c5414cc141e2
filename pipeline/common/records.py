"""What `evaluate` writes and `report` reads, typed: one folder for each output of a run and seed.

    data/evaluate/RUN/SEED/OUTPUT/
        summary.json        `Summary`: what was scored, by which protocol, with which measures
        faces.parquet       `FACES`: the test faces and the subsets that they belong to
        scores.parquet      `SCORES`: every value, one a line
        resampled.parquet   `RESAMPLED`: measures of sets, on faces drawn again with repetitions
        confusion.parquet   `CONFUSION`: outputs that are label maps only
        generated.parquet   `GENERATED`: the pictures themselves, at scoring size
        features.parquet    `FEATURES`: what the networks of set metrics see in them
        samples.png         input, generated picture and target of some faces

Scores are one long pandas frame from here to the report. `per_face` and `pooled` pick out of it,
`Subset` says which faces belong together, and `why_not_comparable` says which runs may be ranked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

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
SAMPLES_FILE = "samples.png"
STYLES_FILE = "styles.png"
CONFUSION_PICTURE = "confusion.png"
RANK = "rank"
"""The metric that says how many targets are as similar to a generated picture as its own is."""
STYLE_FIDELITY = "style_fidelity"
"""Whether a picture is recognised as in the style that was asked for. Here a subset `style k`
names the style that was asked for, not the face's own."""


class Method(StrEnum):
    """What made the pictures that were scored: the run's system, or a baseline that learns nothing.

    `TARGET` names the targets themselves where features are stored; it has no scores.
    """

    SYSTEM = "system"
    INPUT = "input"
    MEAN = "mean"
    OTHER = "other"
    CLASS_COLOURS = "class_colours"
    REAL = "real"
    TARGET = "target"


BASELINES = {
    Method.INPUT: "the input itself",
    Method.MEAN: "the mean training target",
    Method.OTHER: "another face's target",
    Method.CLASS_COLOURS: "each class's mean colour",
    Method.REAL: "the real photo (ceiling)",
}
"""Baselines in table order, in words."""


class Kind(StrEnum):
    """What an output is."""

    IMAGE = "image"
    LABELS = "labels"


class Level(StrEnum):
    """What one value of a measure belongs to."""

    FACE = "face"
    SET = "set"
    """All faces of a subset together; compared by resampled values."""
    POOLED = "pooled"
    """All pixels of a subset together; resampled from per-face confusion matrices."""


class SubsetKind(StrEnum):
    """Which test faces a subset holds."""

    ALL = "all"
    STYLE = "style"
    """Those whose sketch is in one style."""
    UNSHARED = "without shared photos"
    """Those whose photo does not also stand in the training split."""


@dataclass(frozen=True)
class Subset:
    """Some of the test faces; `str` gives the name that stands in the `subset` columns."""

    kind: SubsetKind = SubsetKind.ALL
    style: int | None = None

    def __str__(self) -> str:
        return self.kind if self.style is None else f"{self.kind} {self.style}"

    def mask(self, faces: pd.DataFrame) -> np.ndarray:
        """Which rows of a `FACES` frame belong to it: (N,) bool."""
        if self.kind is SubsetKind.STYLE:
            return (faces["style"] == self.style).fillna(False).to_numpy(bool)
        if self.kind is SubsetKind.UNSHARED:
            return ~faces["shared"].to_numpy(bool)
        return np.ones(len(faces), bool)


ALL = Subset()
UNSHARED = Subset(SubsetKind.UNSHARED)


def style_subset(style: int) -> Subset:
    """The faces whose sketch is in this style."""
    return Subset(SubsetKind.STYLE, style)


def subsets(faces: pd.DataFrame) -> list[Subset]:
    """All faces, those of each style, those without shared photos where there are any.

    Args:
        faces: a `FACES` frame.
    """
    styles = [style_subset(int(style)) for style in sorted(faces["style"].dropna().unique())]
    return [ALL, *styles, *([UNSHARED] if faces["shared"].any() else [])]


@dataclass(frozen=True)
class Measure:
    """One measure of a run: a metric of the registry, or one that an evaluation adds."""

    name: str
    """Value of the `metric` columns."""
    label: str
    """For tables, with the unit where there is one."""
    direction: Direction
    """Which end is good."""
    level: Level = Level.FACE
    least: int = 0
    """Fewer faces decide nothing."""


@dataclass(frozen=True)
class NotMeasured:
    """A measure whose weights are not there."""

    name: str
    label: str
    reason: str
    """One line that names the missing file and where it goes."""


@dataclass(frozen=True)
class MissingFace:
    """A test face that could not be scored."""

    id: str
    split: str
    style: int | None
    reason: str


@dataclass(frozen=True)
class Origin:
    """Which output of which training."""

    run: str
    seed: int
    output: str


@dataclass(frozen=True)
class Summary:
    """What was scored, and how: all of an evaluation that is no number of a face."""

    run: str
    """Name of the run."""
    seed: int
    """Seed of the training."""
    data: str
    """Name of the data set."""
    split: str
    """Split that was scored."""
    output: str
    """Name of the system's output."""
    target: str
    """Field that the output is compared with."""
    kind: Kind
    """What the output is: image or labels."""
    inputs: tuple[str, ...]
    """Fields that the system reads."""
    size: int
    """Side in pixels at which pictures are compared."""
    n: int
    """Faces that were scored."""
    protocol: str
    """Tag (`name:hash`) of everything that could change a value, the run's inputs included."""
    protocol_any_inputs: str
    """The same tag of everything but the inputs: what a claim across inputs asks to be equal."""
    protocol_details: dict[str, Any]
    """What the tag is the hash of."""
    measures: tuple[Measure, ...]
    """In table order."""
    not_measured: tuple[NotMeasured, ...]
    """Measures whose weights are not there, and what to do."""
    missing: tuple[MissingFace, ...]
    """Test faces that could not be scored, and why."""
    known_kinds: int = 1
    """Kinds of targets (styles) of which the system knows each face's own; see `Retrieval`."""
    sees_target: bool = False
    """Whether an input is made from the target itself."""
    style: dict[str, Any] | None = None
    """Of runs that take a style: how often it is recognised, or a `note` why nobody could ask."""
    weights: dict[str, Any] = field(default_factory=dict)
    """`file`, `steps` and `images` of the weights that were scored."""
    validation: dict[str, Any] | None = None
    """The validation score by which these weights were chosen, if they were."""
    means: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    """Method -> measure -> mean, low, high and n over all faces of this one training, and method
    -> `rank_1`, `rank_5` likewise: for readers of this file; a report takes the scores."""
    classes: tuple[dict[str, Any], ...] = ()
    """Of label maps: a line for each class that the truth has."""
    not_learned: tuple[str, ...] = ()
    """Reasons to say that this training has learned nothing; none if it has."""

    def measure(self, name: str) -> Measure:
        """The measure of this name.

        Raises:
            KeyError: if there is none.
        """
        return {each.name: each for each in self.measures}[name]


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
        column("id", pa.string(), "the face; null for measures of a whole subset"),
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
FEATURES = pa.schema(
    [
        column("extractor", pa.string(), "network that the features come from"),
        column("method", pa.string(), "`system`, or `target` for the target itself"),
        column("id", pa.string(), "the face"),
        column("features", pa.list_(pa.float32()), "one vector, as long as the network says"),
    ]
)
SCHEMAS = {
    SCORES_FILE: SCORES,
    RESAMPLED_FILE: RESAMPLED,
    FACES_FILE: FACES,
    CONFUSION_FILE: CONFUSION,
    GENERATED_FILE: GENERATED,
    FEATURES_FILE: FEATURES,
}


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
        """The system and the baselines that there are, in table order."""
        present = set(self.scores["method"])
        return [method for method in (Method.SYSTEM, *BASELINES) if method in present]


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
    found = sorted(path.parent for path in folder.glob(f"*/{SUMMARY_FILE}"))
    if not found:
        raise SketchFaceError(f"{folder}: missing; run `dvc repro evaluate@{run}-{seed}`")
    evaluations = [read_evaluation(each, f"evaluate@{run}-{seed}") for each in found]
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


def long_frame(
    origin: Origin | Summary,
    method: Method,
    subset: Subset,
    metric: str,
    ids: Sequence[str],
    values: Any,
) -> pd.DataFrame:
    """Return lines of `SCORES`: one measure of some faces.

    Args:
        origin: of the pictures.
        method: that made the pictures.
        subset: of the faces.
        metric: name of the measure.
        ids: of the N faces; [] for one value of the whole subset.
        values: (N,), or one number.
    """
    numbers = np.atleast_1d(np.asarray(values, float))
    names: list[str | None] = [*ids] or [None] * len(numbers)
    return pd.DataFrame(
        {
            "run": origin.run,
            "seed": origin.seed,
            "output": origin.output,
            "method": str(method),
            "subset": str(subset),
            "metric": metric,
            "id": pd.array(names, "str"),
            "value": numbers,
        }
    )


def as_resampled(lines: pd.DataFrame) -> pd.DataFrame:
    """Return lines of one measure, a value for each resample, as `RESAMPLED` has them."""
    return lines.drop(columns="id").assign(resample=np.arange(len(lines)))


@dataclass(frozen=True)
class Scores:
    """Lines of `SCORES` and of `RESAMPLED`, where there are any."""

    scores: pd.DataFrame | None
    resampled: pd.DataFrame | None = None


def per_face(
    evaluations: Iterable[Evaluation],
    metric: str,
    method: Method = Method.SYSTEM,
    subset: Subset = ALL,
) -> pd.DataFrame:
    """Values of one measure: a line for each seed, a column for each face of the subset.

    Args:
        evaluations: of one output of one run, one for each seed.
        metric: of level `FACE`, or `RANK`.
        method: whose pictures.
        subset: values that were measured for it, or else selected from those of all faces.

    Returns:
        (S, N) float64, index `seed`, columns in the order of `faces`; empty if not measured.
    """
    lines = {}
    for each in evaluations:
        scores = each.scores
        mine = scores[(scores["metric"] == metric) & (scores["method"] == method)]
        mine = mine[mine["id"].notna()]
        own = mine[mine["subset"] == str(subset)]
        ids = each.faces["id"] if len(own) else each.faces["id"][subset.mask(each.faces)]
        values = (own if len(own) else mine[mine["subset"] == str(ALL)]).set_index("id")["value"]
        lines[each.summary.seed] = values.reindex([id for id in ids if id in values.index])
    return pd.DataFrame(lines).T.rename_axis(index="seed", columns="id")


def pooled(
    evaluations: Iterable[Evaluation],
    metric: str,
    method: Method = Method.SYSTEM,
    subset: Subset = ALL,
) -> pd.Series:
    """Values of one measure of a whole subset: seed -> value; empty if not measured."""
    lines = pd.concat([_matching(each.scores, metric, method, subset) for each in evaluations])
    return lines[lines["id"].isna()].set_index("seed")["value"]


def resampled(
    evaluations: Iterable[Evaluation],
    metric: str,
    method: Method = Method.SYSTEM,
    subset: Subset = ALL,
) -> pd.DataFrame:
    """A measure on faces drawn again: a line for each seed, a column for each draw (S, R)."""
    lines = pd.concat([_matching(each.resampled, metric, method, subset) for each in evaluations])
    return lines.pivot(index="seed", columns="resample", values="value")


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


def _matching(frame: pd.DataFrame, metric: str, method: Method, subset: Subset) -> pd.DataFrame:
    chosen = (frame["metric"] == metric) & (frame["method"] == method)
    return frame[chosen & (frame["subset"] == str(subset))]


def _measure(direction: str, level: str, **rest: Any) -> Measure:
    return Measure(direction=Direction(direction), level=Level(level), **rest)
