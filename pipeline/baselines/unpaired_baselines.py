"""Baselines of an output whose test faces have no partner: only sets can be compared.

The pictures that it is generated from and the mean training picture are what a system must leave
behind; as many real training pictures as are generated show how near a set of real ones comes, the
floor of the distances.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from pipeline.baselines.baseline_records import (
    ABOUT_FILE,
    STAGE,
    BaselineRecords,
    pictured_inputs,
    read_features,
    write_features,
)
from pipeline.baselines.finished_work import stored
from pipeline.baselines.image_protocol import image_protocol
from pipeline.baselines.learned import learned_faces
from pipeline.baselines.one_way import OneWayPack
from pipeline.baselines.scoring import Features, extract_features, extractors
from pipeline.baselines.targets import (
    TEST,
    face_frame,
    fingerprint,
    mean_training_target,
    read_pictures,
    scored_rows,
)
from pipeline.common.evaluations import (
    FEATURES_FILE,
    RESAMPLED_FILE,
    SCORES_FILE,
    read_frame,
    write_frame,
)
from pipeline.common.records import Method, Origin
from pipeline.common.score_frames import Scores, as_resampled, long_frame
from pipeline.common.scored_pictures import BATCH, default_device, rounded
from pipeline.common.subsets import ALL
from sketchface_models.atomic import write_json
from sketchface_models.errors import SketchFaceError
from sketchface_models.metrics.protocol import Protocol
from sketchface_models.metrics.registry import SET_METRICS
from sketchface_models.metrics.unpaired_sets import PARAMETERS, score_unpaired_sets
from sketchface_models.metrics.untrained_baselines import input_itself
from sketchface_models.training.feed import stream_seed
from sketchface_models.training.pack_reader import Pack


@dataclass(frozen=True)
class UnpairedSets:
    """The sets of one output: test pictures that it is generated from, and real ones of its kind.

    ids: of the N sources. references: ids of the M real test pictures. training: ids of at most N
    real training pictures. source, target: their fields. size: at which they are scored.
    """

    data: Path
    dataset: dict[str, Any]
    ids: tuple[str, ...]
    references: tuple[str, ...]
    training: tuple[str, ...]
    source: str
    target: str
    seed: int

    @property
    def size(self) -> int:
        """Side at which pictures are compared, pixels."""
        return int(self.dataset["size"])

    @property
    def about(self) -> dict[str, Any]:
        """All that scores of baselines depend on, but the pictures."""
        about: dict[str, Any] = {
            "ids": self.ids,
            "references": self.references,
            "training": self.training,
        }
        about |= {"inputs": [self.source], "target": self.target}
        plain: dict[str, Any] = json.loads(json.dumps(about))
        return plain | {"size": self.size, "seed": self.seed}

    @property
    def faces(self) -> pd.DataFrame:
        """The sources as a `FACES` frame; of a part of them there are no distances."""
        return face_frame(self.ids, [None] * len(self.ids), {}, [()] * len(self.ids))

    def read_references(self) -> Tensor:
        """Return the real test pictures, (M, C, size, size) uint8."""
        return read_pictures(self.data, self.target, self.references, self.size)

    def protocol(self, sources: Tensor, references: Tensor) -> Protocol:
        """Return the protocol; it says that pictures have no partners.

        Args:
            sources: (N, C, size, size) uint8.
            references: (M, C, size, size) uint8.
        """
        name, ids = self.dataset["name"], self.references
        paired = image_protocol(
            self.data, name, self.target, ids, references, (self.source,), self.seed
        )
        sets = {key for key, each in SET_METRICS.items() if each.extractor.name in extractors()}
        metrics = {k: v for k, v in paired.metrics.items() if k in sets | set(extractors())}
        sources_of = f"{len(self.ids)}/{fingerprint(self.source, self.ids, sources)}"
        return dataclasses.replace(
            paired,
            name=f"{paired.name}-unpaired",
            metrics=metrics | {"unpaired": PARAMETERS | {"generated from": sources_of}},
            seeds={"training pictures": self.seed},
        )


def unpaired_sets(
    data: Path, dataset: dict[str, Any], pack: OneWayPack, target: str, seed: int
) -> UnpairedSets:
    """Return the sets of one output.

    Args:
        data: folder with the stages' folders.
        dataset: `dataset.json` of the `faces` stage.
        pack: from the side of the output.
        target: field of the output.
        seed: of the choice of training pictures.
    """
    rows, _ = scored_rows(data, pack)
    learned = learned_faces(data, set(pack.references))
    aim = pack.domains[-1]
    training = sorted(aim.ids[row] for row in aim.rows("train"))
    random = np.random.default_rng(stream_seed("training pictures", seed))
    chosen = random.choice(len(training), min(len(rows), len(training)), replace=False)
    return UnpairedSets(
        data,
        dataset,
        tuple(pack.ids[row] for row in rows),
        tuple(id for id in pack.references if id not in learned),
        tuple(training[number] for number in sorted(chosen)),
        pictured_inputs(pack, target)[0],
        target,
        seed,
    )


def write_unpaired_baselines(
    data: Path, dataset: dict[str, Any], pack: Pack, folder: Path, seed: int
) -> None:
    """Score the baselines of both directions of a pack without partners.

    Args:
        data: folder with the stages' folders.
        dataset: `dataset.json` of the `faces` stage.
        pack: of the run.
        folder: to write a folder for each output to.
        seed: of the choice of training pictures.
    """
    for target in (pack.target, pack.inputs[0]):
        sets = unpaired_sets(data, dataset, OneWayPack(pack, target, TEST), target, seed)
        if sets.ids and sets.references:
            finished = _finished(sets)
            (folder / target).mkdir()
            for file in finished.iterdir():
                (folder / target / file.name).write_bytes(file.read_bytes())


def _finished(sets: UnpairedSets) -> Path:
    sources = read_pictures(sets.data, sets.source, sets.ids, sets.size)
    references = sets.read_references()
    training = read_pictures(sets.data, sets.target, sets.training, sets.size)
    protocol = sets.protocol(sources, references)
    mean = rounded(mean_training_target(sets.data, sets.target, sets.size))
    named = [protocol.tag, repr(sets.about), fingerprint(sets.target, sets.training, training)]
    named.append(fingerprint("mean", ["mean"], mean[None]))

    def write(folder: Path) -> None:
        channels = references.shape[1]
        grey = [_with_channels(part, channels) for part in sources.split(BATCH)]
        pictures = {
            Method.TARGET: references,
            Method.INPUT: torch.cat(grey),
            Method.MEAN: mean.expand(len(sources), -1, -1, -1),
            Method.TRAINING: training,
        }
        features = extract_features(pictures, default_device())
        scores = unpaired_set_scores(Origin("", 0, sets.target), features)
        write_json(folder / ABOUT_FILE, sets.about)
        write_frame(folder / SCORES_FILE, scores.scores)
        write_frame(folder / RESAMPLED_FILE, scores.resampled)
        write_features(folder / FEATURES_FILE, features, sets.references, [Method.TARGET])

    return stored(named, write)


def _with_channels(pictures: Tensor, channels: int) -> Tensor:
    """Return the input itself as a picture of the output's kind, uint8."""
    return rounded(input_itself(pictures.double(), channels))


def unpaired_set_scores(origin: Origin, features: Features) -> Scores:
    """Return the distances of every method's features from the real pictures'.

    Args:
        origin: of the system's pictures.
        features: extractor -> method -> (N, D), N of each method its own.
    """
    values, draws = [], []
    for extractor, by_method in features.items():
        metrics = {
            key: each for key, each in SET_METRICS.items() if each.extractor.name == extractor
        }
        own = {str(method): vectors for method, vectors in by_method.items()}
        target = own.pop(Method.TARGET)
        for method, measured in score_unpaired_sets(metrics, own, target).items():
            for metric, score in measured.items():
                made_by = Method(method)
                values.append(long_frame(origin, made_by, ALL, metric, [], score.value))
                lines = long_frame(origin, made_by, ALL, metric, [], score.resamples)
                draws.append(as_resampled(lines))
    empty = long_frame(origin, Method.SYSTEM, ALL, "", [], [])
    if not values:
        return Scores(empty, as_resampled(empty))
    return Scores(pd.concat(values), pd.concat(draws))


def read_unpaired_baselines(folder: Path, expected: UnpairedSets, stage: str) -> BaselineRecords:
    """Read the baselines of an output.

    Args:
        folder: that the stage wrote for the output.
        expected: the sets that are scored.
        stage: for messages.

    Raises:
        SketchFaceError: naming the stage, if something is missing, damaged or of other faces.
    """
    path = folder / ABOUT_FILE
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SketchFaceError(f"{path}: missing; run `dvc repro {stage}`") from None
    except (OSError, ValueError):
        raise SketchFaceError(f"{path}: damaged; run `dvc repro {stage}`") from None
    if about != expected.about:
        raise SketchFaceError(f"{path}: of other faces, task or seed; run `dvc repro {stage}`")
    scores, resampled = (read_frame(folder / name, STAGE) for name in (SCORES_FILE, RESAMPLED_FILE))
    features = read_features(folder / FEATURES_FILE, STAGE)
    return BaselineRecords(about, Scores(scores, resampled), features)
