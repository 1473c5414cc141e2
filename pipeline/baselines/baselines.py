"""The `baselines` stage: for each output of a run what no training changes.

It writes, in a folder named after the output,

    about.json          which faces, target and inputs, and the seed of the choice of another face
    scores.parquet      `SCORES` of the baselines
    resampled.parquet   `RESAMPLED` likewise
    features.parquet    `FEATURES` of the targets
    parsed.parquet      `PARSED`: the judge's labels of true photos, where runs read parsing maps

Runs with the same targets share the work (see `finished_work`): all of it where they read the same,
and otherwise the mean target's, another face's and the targets' own.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from pipeline.baselines.one_way import without_partners
from pipeline.baselines.resegmentation import Truth, parse, resegmentation_scores
from pipeline.baselines.scoring import Features, extract_features, face_scores, set_scores
from pipeline.baselines.targets import (
    TEST,
    class_colours,
    face_frame,
    fingerprint,
    mean_training_target,
    read_dataset,
    read_pictures,
    read_traits,
    scored_rows,
)
from pipeline.baselines.unpaired_baselines import write_unpaired_baselines
from pipeline.common.evaluations import (
    FEATURES_FILE,
    PARSED,
    PARSED_FILE,
    RESAMPLED_FILE,
    SCORES_FILE,
    read_frame,
    write_frame,
)
from pipeline.common.images import decode, encode_png
from pipeline.common.records import RANK, Method, Origin
from pipeline.common.score_frames import Scores
from pipeline.common.scored_pictures import BATCH, default_device, rounded
from pipeline.common.shards import Row, image_cell, stream_rows, write_rows
from pipeline.common.subsets import ALL
from sketchface_models.atomic import atomic_dir, write_json
from sketchface_models.errors import SketchFaceError
from sketchface_models.labels import PARSING
from sketchface_models.metrics.untrained_baselines import another_face, input_itself
from sketchface_models.training.pack_reader import Pack

PHOTO = "photo"


@dataclass(frozen=True)
class Faces:
    """The test faces of one output, with its target and the run's inputs.

    ids, styles, traits: of the N faces. inputs: fields that the run reads, the first a picture.
    size: at which they are scored. seed: of the choice of another face.
    """

    data: Path
    dataset: dict[str, Any]
    ids: tuple[str, ...]
    styles: tuple[int | None, ...]
    traits: tuple[tuple[str, ...], ...]
    inputs: tuple[str, ...]
    target: str
    seed: int

    @property
    def fields(self) -> tuple[str, ...]:
        """Target and inputs, each once."""
        return tuple(dict.fromkeys((self.target, *self.inputs)))

    @property
    def about(self) -> dict[str, Any]:
        """All that scores of baselines depend on, but the pictures."""
        about = {"ids": self.ids, "inputs": self.inputs, "target": self.target, "seed": self.seed}
        traits = [list(each) for each in self.traits]
        return about | {"size": self.dataset["size"], "traits": traits}


def write_baselines(data: Path, pack_folder: Path, out: Path, seed: int) -> None:
    """Score the baselines of a run's outputs; nothing is scored where an output is a label map.

    Args:
        data: folder with the stages' folders.
        pack_folder: the run's pack, which names its test faces, inputs and target.
        out: folder to write.
        seed: of the choice of another face.

    Raises:
        SketchFaceError: if a face has no input, or no training face a target.
    """
    pack, dataset = Pack(pack_folder), read_dataset(data)
    if without_partners(pack, TEST):
        with atomic_dir(out) as folder:
            write_unpaired_baselines(data, dataset, pack, folder, seed)
        return
    rows, _ = scored_rows(data, pack)
    ids, styles = (tuple(each[row] for row in rows) for each in (pack.ids, pack.styles))
    traits = read_traits(data, ids)
    unpaired = len(pack.domains) > 1
    targets = [pack.target, *(pack.inputs[:1] if unpaired else [])]
    with atomic_dir(out) as folder:
        for target in targets if len(rows) else ():
            if target != PARSING:
                inputs = pictured_inputs(pack, target)
                faces = Faces(data, dataset, ids, styles, traits, inputs, target, seed)
                shutil.copytree(_finished(faces), folder / target)


def _finished(faces: Faces) -> Path:
    """Return the folder of these baselines in the store; make it where it is not there."""
    size, ids = faces.dataset["size"], faces.ids
    pictures = {field: read_pictures(faces.data, field, ids, size) for field in faces.fields}
    targets = pictures[faces.target]
    protocol = image_protocol(
        faces.data, faces.dataset["name"], faces.target, ids, targets, (), faces.seed
    )
    baselines = baseline_pictures(faces, pictures)
    named = [protocol.tag, repr(faces.about)]
    named += [fingerprint(method, ids, each) for method, each in baselines.items()]
    named += [fingerprint(field, ids, each) for field, each in pictures.items()]
    return stored(named, lambda folder: _write(folder, faces, pictures, baselines, protocol.tag))


def _write(
    folder: Path,
    faces: Faces,
    pictures: dict[str, Tensor],
    baselines: dict[Method, Tensor],
    protocol: str,
) -> None:
    targets, origin = pictures[faces.target], Origin("", 0, faces.target)
    frame = face_frame(faces.ids, faces.styles, faces.dataset, faces.traits)
    scores: list[pd.DataFrame] = []
    features: Features = {}
    for method, own in ({Method.TARGET: targets} | baselines).items():
        finished = _of_method(faces, method, own, targets, protocol)
        scores += [read_frame(finished / SCORES_FILE, STAGE)] if method != Method.TARGET else []
        for extractor, vectors in read_features(finished / FEATURES_FILE, STAGE).items():
            features.setdefault(extractor, {})[method] = vectors
    sets = set_scores(origin, features, frame)
    scores.append(sets.scores)
    resampled = [sets.resampled]
    if faces.target == PHOTO and PARSING in pictures:
        truth = Truth(pictures[PARSING][:, 0], parse(targets))
        for method, photos in ({Method.REAL: targets} | baselines).items():
            each = resegmentation_scores(origin, method, photos, truth, frame)
            scores.append(each.scores)
            resampled.append(each.resampled)
        _write_parsed(folder / PARSED_FILE, faces.ids, truth.photos)
    write_json(folder / ABOUT_FILE, faces.about)
    write_frame(folder / SCORES_FILE, pd.concat(scores))
    write_frame(folder / RESAMPLED_FILE, pd.concat(resampled))
    write_features(folder / FEATURES_FILE, features, faces.ids, [Method.TARGET])


def _of_method(
    faces: Faces, method: Method, pictures: Tensor, targets: Tensor, protocol: str
) -> Path:
    """Return a folder of the store with one method's `SCORES` and `FEATURES`.

    The targets have no scores, and other faces' targets no features: those are the targets' own.
    """
    named = [protocol, repr(faces.ids), fingerprint(method, faces.ids, pictures)]

    def write(folder: Path) -> None:
        own, device = {method: pictures}, default_device()
        if method != Method.TARGET:
            origin = Origin("", 0, faces.target)
            lines = face_scores(origin, own, targets, faces.ids, ALL, device)
            write_frame(folder / SCORES_FILE, lines)
        features = {} if method == Method.OTHER else extract_features(own, device)
        write_features(folder / FEATURES_FILE, features, faces.ids, [method])

    return stored(named, write)


def baseline_pictures(faces: Faces, pictures: dict[str, Tensor]) -> dict[Method, Tensor]:
    """Return the pictures of every baseline that makes sense for the task, (N, C, S, S) uint8.

    One face alone has no other, and no such baseline.

    Args:
        faces: of the output.
        pictures: target and inputs, field -> (N, C, S, S) uint8.

    Raises:
        SketchFaceError: if no training face has a target.
    """
    targets, inputs = pictures[faces.target], pictures[faces.inputs[0]]
    size, channels = targets.shape[-1], targets.shape[1]
    grey = [rounded(input_itself(part.double(), channels)) for part in inputs.split(BATCH)]
    mean = rounded(mean_training_target(faces.data, faces.target, size))
    baselines = {Method.INPUT: torch.cat(grey), Method.MEAN: mean.expand_as(targets)}
    if len(targets) > 1:
        baselines[Method.OTHER] = another_face(targets, faces.seed)
    if PARSING in faces.inputs and channels == 3:
        colours = rounded(class_colours(faces.data, faces.target, size))
        labels = pictures[PARSING][:, 0].long().clamp(max=len(colours) - 1)
        baselines[Method.CLASS_COLOURS] = colours[labels].permute(0, 3, 1, 2).contiguous()
    return baselines


def _write_parsed(path: Path, ids: Sequence[str], labels: Tensor) -> None:
    rows: list[Row] = [
        {"id": id, "parsed": image_cell(encode_png(each.numpy()), f"{id}.png")}
        for id, each in zip(ids, labels, strict=True)
    ]
    write_rows(path, rows, PARSED)


def _read_parsed(path: Path, ids: Sequence[str]) -> Tensor | None:
    if not path.exists():
        return None
    labels = {row["id"]: decode(row["parsed"]["bytes"]) for row in stream_rows(path)}
    return torch.stack([torch.from_numpy(labels[id]) for id in ids])


def read_baselines(folder: Path, expected: Faces, stage: str) -> BaselineRecords:
    """Read the baselines of the faces that are scored.

    Where the scored faces are fewer than those of the baselines (pictures that were not there),
    what depends on the whole set is left out: distances between sets, and ranks.

    Args:
        folder: that the stage wrote for the output.
        expected: the faces that are scored.
        stage: for messages.

    Raises:
        SketchFaceError: naming the stage, if something is missing, damaged or of other faces.
    """
    path = folder / ABOUT_FILE
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        position = {id: number for number, id in enumerate(about["ids"])}
        rows = [position[id] for id in expected.ids]
        traits = [about["traits"][row] for row in rows]
    except FileNotFoundError:
        raise SketchFaceError(f"{path}: missing; run `dvc repro {stage}`") from None
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        raise SketchFaceError(
            f"{path}: damaged, or of other faces; run `dvc repro {stage}`"
        ) from None
    wanted = json.loads(json.dumps(expected.about | {"ids": about["ids"]}))
    if about | {"traits": traits} != wanted:
        raise SketchFaceError(f"{path}: of another task or seed; run `dvc repro {stage}`")
    scores, resampled = (read_frame(folder / name, stage) for name in (SCORES_FILE, RESAMPLED_FILE))
    vectors = read_features(folder / FEATURES_FILE, stage)
    features = {extractor: each[rows] for extractor, each in vectors.items()}
    if len(rows) < len(about["ids"]):
        scores = scores[scores["id"].isin(expected.ids) & (scores["metric"] != RANK)]
        resampled = resampled[:0]
    parsed = _read_parsed(folder / PARSED_FILE, expected.ids)
    return BaselineRecords(about, Scores(scores, resampled), features, parsed)
