"""What a report is made of: the runs it was asked for, read and checked."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.common.evaluations import Evaluation, read_evaluations
from pipeline.common.records import (
    ATTRIBUTE,
    BASELINES,
    CLASS_IOU,
    CYCLE,
    RANK,
    SAMPLING,
    Level,
    Measure,
    Method,
    Summary,
)
from pipeline.common.score_frames import by_base_face, per_edit, per_face, pooled, resampled
from pipeline.common.shards import iter_rows, read_quarantine
from pipeline.common.subsets import ALL, Subset, measured_subsets, subsets
from pipeline.common.verdicts import Sample
from pipeline.report.training_measures import MEASURES as TRAINING_MEASURES
from pipeline.report.training_measures import training_sample, training_values
from sketchface_models.errors import SketchFaceError
from sketchface_models.metrics.registry import Direction
from sketchface_models.systems.registry import SYSTEMS

RANKS = {f"rank_{k}": k for k in (1, 5)}
"""Measures of retrieval, and how many of the most similar targets they look at."""
RANK_MEASURES = tuple(Measure(name, f"rank-{k}", Direction.HIGHER) for name, k in RANKS.items())

Json = dict[str, Any]


@dataclass(frozen=True)
class Training:
    """What `train` left of one run from one seed.

    card: `model.json` of the weights. environment: `run.json` of the logs. steps: the file of
    loss terms.
    """

    seed: int
    card: Json
    environment: Json
    steps: Path


@dataclass(frozen=True)
class Result:
    """One output of one run from all its seeds, scored on the same faces by the same protocol.

    name: of the run, and of the output where the run has several.
    """

    name: str
    run: str
    evaluations: tuple[Evaluation, ...]
    trainings: tuple[Training, ...]
    _samples: dict[tuple[str, Method, Subset], Sample | None] = field(
        default_factory=dict, repr=False, compare=False
    )
    _faces: dict[tuple[str, Method, Subset], pd.DataFrame] = field(
        default_factory=dict, repr=False, compare=False
    )
    _logged: list[dict[str, float]] = field(default_factory=list, repr=False, compare=False)

    @property
    def summary(self) -> Summary:
        """The first seed's summary; what matters of it is the same for all."""
        return self.evaluations[0].summary

    @property
    def seeds(self) -> list[int]:
        """Seeds of the trainings."""
        return [each.seed for each in self.trainings]

    @property
    def methods(self) -> list[Method]:
        """The system and the baselines that there are, in table order."""
        return self.evaluations[0].methods

    @property
    def baselines(self) -> list[Method]:
        """Those of the methods that learn nothing."""
        return [method for method in self.methods if method in BASELINES]

    @property
    def every_measure(self) -> tuple[Measure, ...]:
        """What was measured, retrieval apart, in table order."""
        return (*self.summary.measures, *self.training_measures)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Those that compare pictures with their targets."""
        return tuple(measure for measure in self.summary.measures if not measure.control)

    @property
    def control_measures(self) -> tuple[Measure, ...]:
        """Those of how the system answers changed drawings, and of its photos' texture."""
        return tuple(measure for measure in self.summary.measures if measure.control)

    @property
    def training_measures(self) -> tuple[Measure, ...]:
        """Those of the trainings themselves that the logs of all seeds hold."""
        logs = self._training_values()
        return tuple(each for each in TRAINING_MEASURES if all(each.name in log for log in logs))

    @property
    def subsets(self) -> list[Subset]:
        """All test faces, and those of each style or without shared photos."""
        return subsets(self.evaluations[0].faces)

    @property
    def measured_subsets(self) -> list[Subset]:
        """Groups of edits, shifts and rotations that have measurements of their own."""
        return measured_subsets(self.evaluations[0].scores["subset"].unique())

    @property
    def partners(self) -> bool:
        """Whether each test face has a target of its own; else only sets were compared."""
        return not self.summary.references

    @property
    def retrieved(self) -> bool:
        """Whether targets were ranked by their likeness to what was generated."""
        return self.sample("rank_1") is not None

    def sample(
        self, metric: str, method: Method = Method.SYSTEM, subset: Subset = ALL
    ) -> Sample | None:
        """Return what a method scored by a measure (or of `RANKS`); None if not measured."""
        key = (metric, method, subset)
        if key not in self._samples:
            self._samples[key] = self._read_sample(*key)
        return self._samples[key]

    def _read_sample(self, metric: str, method: Method, subset: Subset) -> Sample | None:
        fixed = method in BASELINES
        level = {measure.name: measure.level for measure in self.every_measure}.get(metric)
        if level is Level.EDIT:
            return self.sample_of_edits(metric, subset)
        if level is Level.TRAINING:
            whole = method is Method.SYSTEM and subset == ALL
            logs = self._training_values()
            return training_sample(logs, metric, self.summary.n) if whole else None
        if level in (None, Level.FACE):
            values = self.faces(metric, method, subset)
            return Sample.per_face(values, fixed) if values.size else None
        of_seeds = pooled(self.evaluations, metric, method, subset)
        if not len(of_seeds):
            return None
        draws = resampled(self.evaluations, metric, method, subset)
        return Sample.pooled(of_seeds, draws, self._count(metric, subset), fixed)

    def faces(
        self, metric: str, method: Method = Method.SYSTEM, subset: Subset = ALL
    ) -> pd.DataFrame:
        """Return values of level `FACE`, or 0 and 1 of `RANKS`: (S, N), the faces as columns.

        A face that has no value in one of the seeds (landmarks in a photo where no face is
        detected) is left out.
        """
        key = (RANK if metric in RANKS else metric, method, subset)
        if key not in self._faces:
            self._faces[key] = per_face(self.evaluations, *key)
        values = self._faces[key]
        return values <= RANKS[metric] if metric in RANKS else values.dropna(axis="columns")

    def _training_values(self) -> list[dict[str, float]]:
        if not self._logged:
            for each in self.trainings:
                self._logged.append(training_values(read_steps(each.steps), each.environment))
        return self._logged

    def _count(self, metric: str, subset: Subset) -> int:
        """How many faces a measure of a whole subset is of."""
        others = (ATTRIBUTE, CLASS_IOU, CYCLE, SAMPLING)
        of_edits = {m.name for m in self.control_measures if not m.name.startswith(others)}
        if metric in of_edits:
            return int((self.summary.control or {})["faces"])
        return int(subset.mask(self.evaluations[0].faces).sum())

    def edits(self, metric: str, subset: Subset = ALL) -> pd.DataFrame:
        """Return the values of edits, (S, E), NaN where a seed has none; see `per_edit`."""
        return per_edit(self.evaluations, metric, subset=subset)

    def sample_of_edits(
        self, metric: str, subset: Subset = ALL, other: Result | None = None
    ) -> Sample | None:
        """Return what the system scored by a measure of edits; None if nothing is left.

        Args:
            metric: of level `EDIT`, or one of the changes that it is made from.
            subset: one group, or all.
            other: beside which it stands: only edits of which every training of both has a value.
        """
        values = self.edits(metric, subset)
        if other is not None:
            theirs = other.edits(metric, subset).dropna(axis="columns").columns
            values = values.dropna(axis="columns")
            values = values[values.columns.intersection(theirs)]
        faces = by_base_face(values)
        return Sample.per_face(faces) if faces.size else None


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


def read_data(folder: Path) -> Data:
    """Return what `folder/faces` and `folder/landmarks` say of the data.

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
    reasons = Counter((row["stage"], without_file(row["reason"])) for row in left_out)
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return Data(about, tuple((*reason, count) for reason, count in ordered), located, lost)


def read_results(run: str, seeds: Sequence[int], folder: Path, data: Data) -> list[Result]:
    """Return every output of a run, from `folder/evaluate/RUN` and `folder/train/RUN`.

    Pictures that other code made are the same for every seed: one training of which nothing more is
    known, so that they count once, and nothing is said of the system that made them.

    Raises:
        SketchFaceError: naming the stage to run, if a folder is missing or damaged, if test faces
            of `data` are neither scored nor named as missing, or if the seeds were not scored
            alike.
    """
    trainings = tuple(_read_training(run, seed, folder) for seed in seeds)
    by_seed = [read_evaluations(folder, run, seed) for seed in seeds]
    if not SYSTEMS[trainings[0].card["model"]["system"]].trained:
        trainings, by_seed = trainings[:1], by_seed[:1]
    outputs = [each.summary.output for each in by_seed[0]]
    for evaluations in by_seed:
        _check_alike(by_seed[0], evaluations, data)
    return [
        Result(run if len(outputs) == 1 else f"{run}: {output}", run, evaluations, trainings)
        for output, evaluations in zip(outputs, zip(*by_seed, strict=True), strict=True)
    ]


def _check_alike(first: Sequence[Evaluation], own: Sequence[Evaluation], data: Data) -> None:
    """Refuse a seed that was scored unlike the first, or on fewer faces than there are."""
    of, seed = own[0].summary, first[0].summary.seed
    remedy = f"run `dvc repro evaluate@{of.run}-{of.seed}`"
    if [each.summary.output for each in own] != [each.summary.output for each in first]:
        raise SketchFaceError(f"{own[0].folder.parent}: other outputs than seed {seed}; {remedy}")
    for each, other in zip(own, first, strict=True):
        counted = len(each.ids) + each.summary.references + len(each.summary.missing)
        if counted != data.test:
            raise SketchFaceError(
                f"{each.folder}: accounts for {counted} test faces, but there are {data.test}; "
                f"{remedy}"
            )
        if (each.ids, each.summary.protocol) != (other.ids, other.summary.protocol):
            raise SketchFaceError(
                f"{each.folder}: scored on other faces or by another protocol than seed {seed}; "
                f"{remedy}"
            )


def _read_training(run: str, seed: int, folder: Path) -> Training:
    trained, stage = folder / "train" / run / str(seed), f"train@{run}-{seed}"
    return Training(
        seed=seed,
        card=read_json(trained / "weights" / "model.json", stage),
        environment=read_json(trained / "logs" / "run.json", stage),
        steps=require(trained / "logs" / "steps.jsonl", stage),
    )


def read_steps(path: Path) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield step and terms of every line of a `steps.jsonl`.

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


def without_file(reason: str) -> str:
    """Return a quarantine reason without the name of the file it begins with."""
    return re.sub(r"^\S+: ", "", reason)


def read_json(path: Path, stage: str) -> Json:
    """Return the content of a JSON file that a stage wrote.

    Raises:
        SketchFaceError: naming the stage to run, if it is missing or damaged.
    """
    try:
        content = json.loads(require(path, stage).read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise SketchFaceError(f"{path}: damaged; run `dvc repro {stage}`")
    return content


def require(path: Path, stage: str) -> Path:
    """Return the path itself.

    Raises:
        SketchFaceError: naming the stage to run, if there is nothing.
    """
    if not path.exists():
        raise SketchFaceError(f"{path}: missing; run `dvc repro {stage}`")
    return path
