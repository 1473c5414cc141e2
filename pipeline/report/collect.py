"""What a report is made of: the runs it was asked for, read and checked."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.common.shards import iter_rows, read_quarantine
from pipeline.evaluate.layout import MODEL, TRIVIAL
from pipeline.evaluate.setfile import SETS_FILE, SetScores, read_sets
from sketchface_models.errors import SketchFaceError
from sketchface_models.metrics.sets import SetScore

ROWS = (MODEL, *TRIVIAL)
RANK = "rank"
WHOLE = "all"
"""The part that is all test faces."""
_NOT_METRICS = ("row", "id", "style")

Json = dict[str, Any]


@dataclass(frozen=True)
class Trained:
    """One run from one seed, trained and scored.

    summary: `summary.json` of its `evaluate` folder. card: `model.json` of its weights.
    environment: `run.json` of its logs. scores: row -> metric (and `rank`) -> (N,) float64 in the
    order of `ids`. sets: row -> part -> metric -> what the row scored as a set. steps: the file of
    loss terms. samples: the sample sheet, a PNG.
    """

    seed: int
    summary: Json
    card: Json
    environment: Json
    ids: tuple[str, ...]
    scores: dict[str, dict[str, np.ndarray]]
    styles: tuple[int | None, ...]
    sets: SetScores
    steps: Path
    samples: Path


@dataclass(frozen=True)
class Run:
    """One run from all its seeds, all scored on the same faces by the same protocol."""

    name: str
    trained: tuple[Trained, ...]

    @property
    def summary(self) -> Json:
        """The first seed's summary; `read_run` made sure that what is shared is the same."""
        return self.trained[0].summary

    @property
    def rows(self) -> list[str]:
        """The system's row and those trivial rows that there are, in table order."""
        return [row for row in ROWS if row in self.trained[0].scores]

    @property
    def metrics(self) -> list[str]:
        """What was measured of every face, in table order."""
        return [name for name in self.trained[0].scores[MODEL] if name != RANK]

    @property
    def set_metrics(self) -> list[str]:
        """What was measured of all faces together, in table order."""
        return list(self.trained[0].sets.get(MODEL, {}).get(WHOLE, {}))

    @property
    def measures(self) -> list[str]:
        """Both."""
        return [*self.metrics, *self.set_metrics]

    def values(self, row: str, metric: str) -> np.ndarray:
        """(S, N) float64: one line a seed, one column a face."""
        return np.stack([each.scores[row][metric] for each in self.trained])

    def set_scores(self, row: str, metric: str, part: str = WHOLE) -> list[SetScore]:
        """One for each seed; none where the row or the part has no such score."""
        found = [each.sets.get(row, {}).get(part, {}).get(metric) for each in self.trained]
        return [score for score in found if score]


@dataclass(frozen=True)
class Data:
    """The data set as the `faces` and `landmarks` stages left it.

    about: `dataset.json`. left_out: (stage, reason, faces), most frequent first. located: faces
    in whose photo the detector found a face. lost: test faces that are in no table, because their
    files could not be used.
    """

    about: Json
    left_out: tuple[tuple[str, str, int], ...]
    located: int
    lost: int

    @property
    def test(self) -> int:
        """All test faces that the data set promises, also the lost ones."""
        return int(self.about["splits"]["test"]) + self.lost

    @property
    def shared(self) -> frozenset[str]:
        """Test faces whose photo also stands in train."""
        return frozenset(self.about.get("shared", []))


def read_data(folder: Path) -> Data:
    """What `folder/faces` and `folder/landmarks` say of the data.

    Raises:
        SketchFaceError: naming the stage to run, if one of them is missing, damaged or older than
            the faces.
    """
    about = read_json(folder / "faces" / "dataset.json", "faces")
    landmarks = folder / "landmarks"
    require(landmarks / "shards", "landmarks")
    located = sum(1 for _ in iter_rows(landmarks, ["id"]))
    left_out = [*read_quarantine(folder / "faces"), *read_quarantine(landmarks)]
    looked_at = located + sum(row["stage"] == "landmarks" for row in left_out)
    if looked_at != about["accepted"]:
        raise SketchFaceError(
            f"{landmarks}: of {looked_at} faces, not of the {about['accepted']} that there are; "
            "run `dvc repro landmarks`"
        )
    lost = sum(row.get("split") == "test" for row in left_out)
    reasons = Counter((row["stage"], kind(row["reason"])) for row in left_out)
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return Data(about, tuple((*kind, count) for kind, count in ordered), located, lost)


def read_run(name: str, seeds: Sequence[int], folder: Path, data: Data) -> Run:
    """A run from `folder/evaluate/NAME/SEED` and `folder/train/NAME/SEED`.

    Raises:
        SketchFaceError: naming the stage to run, if a folder is missing or damaged, if test faces
            of `data` are neither scored nor named as missing, or if the seeds were not scored
            alike.
    """
    trained = tuple(_read_trained(name, seed, folder) for seed in seeds)
    first = trained[0]
    for each in trained:
        place = f"{folder}/evaluate/{name}/{each.seed}"
        remedy = f"run `dvc repro evaluate@{name}-{each.seed}`"
        counted = len(each.ids) + len(each.summary["missing"])
        if counted != data.test:
            raise SketchFaceError(
                f"{place}: accounts for {counted} test faces, but there are {data.test}; {remedy}"
            )
        if (each.ids, each.summary["protocol"]) != (first.ids, first.summary["protocol"]):
            raise SketchFaceError(
                f"{place}: scored on other faces or by another protocol than seed {first.seed}; "
                f"{remedy}"
            )
    return Run(name, trained)


def _read_trained(name: str, seed: int, folder: Path) -> Trained:
    scored, trained = folder / "evaluate" / name / str(seed), folder / "train" / name / str(seed)
    evaluate, train = f"evaluate@{name}-{seed}", f"train@{name}-{seed}"
    summary = read_json(scored / "summary.json", evaluate)
    if (summary.get("run"), summary.get("seed")) != (name, seed):
        raise SketchFaceError(
            f"{scored}/summary.json: of run {summary.get('run')}, seed {summary.get('seed')}; "
            f"run `dvc repro {evaluate}`"
        )
    ids, styles, scores = _read_scores(scored / "per_image.parquet", evaluate)
    sets = require(scored / SETS_FILE, evaluate)
    try:
        measured = read_sets(sets)
    except (OSError, ValueError, KeyError):
        raise SketchFaceError(f"{sets}: damaged; run `dvc repro {evaluate}`") from None
    return Trained(
        seed=seed,
        summary=summary,
        card=read_json(trained / "weights" / "model.json", train),
        environment=read_json(trained / "logs" / "run.json", train),
        ids=ids,
        scores=scores,
        styles=styles,
        sets=measured,
        steps=require(trained / "logs" / "steps.jsonl", train),
        samples=require(scored / "samples.png", evaluate),
    )


def _read_scores(
    path: Path, stage: str
) -> tuple[tuple[str, ...], tuple[int | None, ...], dict[str, dict[str, np.ndarray]]]:
    """Ids, styles, and row -> metric -> (N,), every row in the order of the ids."""
    try:
        columns = pq.read_table(require(path, stage)).to_pydict()
    except (OSError, pa.ArrowInvalid):
        raise SketchFaceError(f"{path}: damaged; run `dvc repro {stage}`") from None
    row_of = np.array(columns["row"])
    ids = np.array(columns["id"])
    scores: dict[str, dict[str, np.ndarray]] = {}
    first = row_of == MODEL
    for row in dict.fromkeys(columns["row"]):
        chosen = row_of == row
        if not np.array_equal(ids[chosen], ids[first]):
            raise SketchFaceError(
                f"{path}: row {row} has other faces than {MODEL}; run `dvc repro {stage}`"
            )
        scores[row] = {
            metric: np.array(values, float)[chosen]
            for metric, values in columns.items()
            if metric not in _NOT_METRICS
        }
    styles = [style for style, of_model in zip(columns["style"], first, strict=True) if of_model]
    return tuple(ids[first].tolist()), tuple(styles), scores


def read_steps(path: Path) -> Iterator[tuple[int, dict[str, float]]]:
    """Step and terms of every line of a `steps.jsonl`.

    Raises:
        SketchFaceError: if a line is damaged.
    """
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                terms = json.loads(line)
                yield terms.pop("step"), terms
            except (ValueError, KeyError, AttributeError):
                raise SketchFaceError(f"{path}:{number}: damaged; train this run again") from None


def kind(reason: str) -> str:
    """A quarantine reason without the name of the file it begins with."""
    return re.sub(r"^\S+: ", "", reason)


def read_json(path: Path, stage: str) -> Json:
    """A JSON file that a stage wrote.

    Raises:
        SketchFaceError: naming the stage to run, if it is missing or damaged.
    """
    try:
        found = json.loads(require(path, stage).read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SketchFaceError(f"{path}: damaged; run `dvc repro {stage}`")
    return found


def require(path: Path, stage: str) -> Path:
    """The path itself.

    Raises:
        SketchFaceError: naming the stage to run, if there is nothing.
    """
    if not path.exists():
        raise SketchFaceError(f"{path}: missing; run `dvc repro {stage}`")
    return path
