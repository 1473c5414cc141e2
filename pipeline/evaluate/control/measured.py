"""What of control can be measured of a run, decided by the fields that it reads and generates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from pipeline.common.edit_table import (
    Edit,
    asked_about_edits,
    read_about,
    read_edits,
    table_hash,
)
from pipeline.common.face_tables import landmarks_of
from pipeline.common.images import resize
from pipeline.common.progress import progress
from pipeline.common.records import Measure, Method, Origin
from pipeline.common.score_frames import Scores, base_face_of, group_of
from pipeline.common.scored_pictures import BATCH, with_channels_of
from pipeline.evaluate.control import (
    feature_spread,
    landmark_fidelity,
    locality,
    texture,
    tolerance,
)
from pipeline.evaluate.control.tolerance import CONTOUR
from pipeline.evaluate.evaluated_system import EvaluatedSystem
from pipeline.evaluate.generate import generate_batch
from pipeline.landmarks.face_mesh import FaceMesh
from sketchface_models.labels import PARSING
from sketchface_models.systems.base import System
from sketchface_models.systems.registry import build
from sketchface_models.training.feed import stream_seed
from sketchface_models.training.pack_reader import normalise

EDITS = "edits"
PHOTO = "photo"


@dataclass(frozen=True)
class Control:
    """What was measured.

    about: for the summary. parameters: for the protocol. maps: a `VECTOR_MAPS` frame, if the
    system shows its layers.
    """

    about: dict[str, Any]
    parameters: dict[str, dict[str, object]]
    measures: tuple[Measure, ...]
    scores: tuple[Scores, ...]
    maps: pd.DataFrame | None = None


@dataclass(frozen=True)
class Photos:
    """What a system generated for the N test faces, and the true pictures: (N, C, S, S) uint8.

    field: of the true pictures.
    """

    field: str
    generated: Tensor
    targets: Tensor


@dataclass(frozen=True)
class Answers:
    """What a system makes of all edits, and what its layers see at the eye corner.

    ids: of the E edits. values: of each, metric -> value.
    layers: method -> layer -> (F, G, D, C): D drawings (one before, then each variant) of F faces
    in G groups; empty where the system shows no layers.
    """

    ids: list[str]
    values: list[dict[str, float]]
    layers: dict[Method, dict[str, np.ndarray]]


def control(
    evaluated: EvaluatedSystem, photos: Photos, origin: Origin, faces: int
) -> Control | None:
    """Measure all that a run can be asked; see the package for what there is.

    Args:
        evaluated: the trained system and its data.
        photos: of its test faces.
        origin: of the photos.
        faces: most test faces whose contours are moved.

    Returns:
        None if there is nothing: the run makes no photos and reads no contours, or was not trained
        here.

    Raises:
        SketchFaceError: if a table is missing or damaged.
    """
    pack = evaluated.pack
    if not evaluated.system.trained or len(pack.domains) > 1:
        return None
    parts: list[Control] = []
    if asked_about_edits(pack.inputs, photos.field):
        parts += _edits(evaluated, origin)
    if photos.field == PHOTO:
        parts += _texture(evaluated, photos, origin)
    if photos.field == PHOTO and {CONTOUR, PARSING} & set(pack.inputs):
        parts += _landmark_fidelity(evaluated, photos, origin)
    if CONTOUR in pack.inputs:
        parts += _tolerance(evaluated, photos, origin, faces)
    return _together(parts) if parts else None


def _together(parts: Sequence[Control]) -> Control:
    return Control(
        about={key: value for each in parts for key, value in each.about.items()},
        parameters={key: value for each in parts for key, value in each.parameters.items()},
        measures=tuple(measure for each in parts for measure in each.measures),
        scores=tuple(lines for each in parts for lines in each.scores),
        maps=next((each.maps for each in parts if each.maps is not None), None),
    )


def _edits(evaluated: EvaluatedSystem, origin: Origin) -> Iterator[Control]:
    """Yield locality and feature spread, if the data have edits."""
    folder = evaluated.data / EDITS
    about = read_about(folder)
    if "note" in about:
        return
    answers = _answers(evaluated, int(about["faces"]))
    groups = list(dict.fromkeys(map(group_of, answers.ids)))
    faces = list(dict.fromkeys(map(base_face_of, answers.ids)))
    scores = [Scores(each) for each in locality.lines(origin, answers.ids, answers.values)]
    for method, layers in answers.layers.items():
        scores += feature_spread.spread_scores(origin, method, layers, groups)
    own = answers.layers.get(Method.SYSTEM, {})
    yield Control(
        about={"faces": len(faces), "edits": sum(map(bool, answers.values))},
        parameters={
            "locality": locality.PARAMETERS | {"edits": table_hash(folder)},
            "feature_spread": dict(feature_spread.PARAMETERS),
        },
        measures=(*locality.MEASURES, *feature_spread.measures(list(own))),
        scores=tuple(scores),
        maps=feature_spread.plane_maps(own, faces, groups) if own else None,
    )


def _texture(evaluated: EvaluatedSystem, photos: Photos, origin: Origin) -> Iterator[Control]:
    """Yield the texture, if a test face has the regions."""
    lines = texture.lines(origin, evaluated.data, evaluated.ids, photos.generated, photos.targets)
    yield from _of_faces("texture", texture.PARAMETERS, texture.MEASURES, list(lines))


def _landmark_fidelity(
    evaluated: EvaluatedSystem, photos: Photos, origin: Origin
) -> Iterator[Control]:
    """Yield whether a face is detected in the photos, and where; if landmarks are known."""
    landmarks, ids = landmarks_of(evaluated.data / "landmarks", evaluated.ids), evaluated.ids
    with FaceMesh() as detector:
        lines = list(landmark_fidelity.lines(origin, landmarks, ids, photos.generated, detector))
    parameters = landmark_fidelity.PARAMETERS
    yield from _of_faces("landmark_fidelity", parameters, landmark_fidelity.MEASURES, lines)


def _of_faces(
    name: str,
    parameters: Mapping[str, object],
    measures: Sequence[Measure],
    lines: Sequence[pd.DataFrame],
) -> Iterator[Control]:
    """Yield what was measured of test faces, with those of the measures that a face has."""
    if lines:
        metrics = set(pd.concat(lines)["metric"])
        measured = tuple(each for each in measures if each.name in metrics)
        yield Control({}, {name: dict(parameters)}, measured, tuple(map(Scores, lines)))


def _tolerance(
    evaluated: EvaluatedSystem, photos: Photos, origin: Origin, most: int
) -> Iterator[Control]:
    """Yield scores of some test faces drawn from moved contours."""
    ids, largest = evaluated.ids, evaluated.moves
    chosen = np.unique(np.linspace(0, len(ids) - 1, most).astype(int))
    names = [ids[number] for number in chosen]
    targets = photos.targets[torch.from_numpy(chosen)]
    where = tolerance.directions(evaluated.seed, names)
    scores: list[Scores] = []
    for subset, shift, rotation in tolerance.moves(largest):
        generated = _from_moved(evaluated, chosen, where, shift, rotation, targets.shape[-1])
        own = with_channels_of(targets, generated, photos.field)
        values = tolerance.scored(own, targets)
        scores += map(Scores, tolerance.lines(origin, subset, names, values))
    about = {"shift": largest.shift, "rotation": largest.rotation, "moved": len(chosen)}
    parameters = tolerance.PARAMETERS | about | {"seed": evaluated.seed}
    yield Control(about, {"tolerance": parameters}, (), tuple(scores))


def _from_moved(
    evaluated: EvaluatedSystem,
    chosen: np.ndarray,
    where: tolerance.Directions,
    shift: float,
    rotation: float,
    size: int,
) -> Tensor:
    """Return what the system generates from moved contours, (n, C, size, size) uint8."""
    pack, parts = evaluated.pack, []
    for start in range(0, len(chosen), BATCH):
        part = slice(start, start + BATCH)
        raw = pack.read(evaluated.rows[chosen[part]], pack.inputs)
        there = tolerance.Directions(where.shift[part], where.rotation[part])
        raw[CONTOUR] = tolerance.moved(raw[CONTOUR], there, shift, rotation)
        batch = normalise(raw, evaluated.device)
        parts.append(generate_batch(evaluated.system, pack, batch, size))
    return torch.cat(parts)


def untrained(evaluated: EvaluatedSystem) -> System:
    """Return the run's system as it was before its first step, in eval mode."""
    card = evaluated.card
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(card["seed"], "init"))
        system = build(card["model"], dict(card["channels"]))
    system.networks.to(evaluated.device).eval()
    return system


def _answers(evaluated: EvaluatedSystem, faces: int) -> Answers:
    """Ask the system about all edits, one base face in memory at a time."""
    answers, fresh = Answers([], [], {}), None
    parts: dict[Method, list[dict[str, np.ndarray]]] = {}
    for edits in progress(read_edits(evaluated.data / EDITS), faces, "edits", "face"):
        drawings = list(_drawings(edits))
        photos = _generated(evaluated, drawings)
        for edit, (first, second) in zip(edits, _pairs(edits), strict=True):
            answers.ids.append(edit.id)
            pair = (photos[first], photos[second])
            answers.values.append(locality.locality_values(edit, evaluated.pack.inputs, *pair))
        layers = _vectors(evaluated, evaluated.system, drawings, edits)
        if layers:
            fresh = fresh or untrained(evaluated)
            parts.setdefault(Method.SYSTEM, []).append(layers)
            control_row = _vectors(evaluated, fresh, drawings, edits)
            parts.setdefault(Method.UNTRAINED, []).append(control_row)
    for method, own in parts.items():
        names = list(own[0])
        answers.layers[method] = {name: np.stack([each[name] for each in own]) for name in names}
    return answers


def _by_group(edits: Sequence[Edit]) -> dict[str, list[Edit]]:
    groups: dict[str, list[Edit]] = {}
    for edit in edits:
        groups.setdefault(edit.group, []).append(edit)
    return groups


def _drawings(edits: Sequence[Edit]) -> Iterator[dict[str, np.ndarray]]:
    """Yield the drawings of one face: of each group the one before, then the edited ones."""
    for group in _by_group(edits).values():
        yield group[0].before
        yield from (edit.after for edit in group)


def _pairs(edits: Sequence[Edit]) -> list[tuple[int, int]]:
    """Return for each edit the numbers of its two drawings among `_drawings`."""
    pairs, start = [], 0
    for group in _by_group(edits).values():
        pairs += [(start, start + number) for number in range(1, len(group) + 1)]
        start += 1 + len(group)
    return pairs


def _batches(
    evaluated: EvaluatedSystem, drawings: Sequence[dict[str, np.ndarray]]
) -> Iterator[dict[str, Tensor]]:
    """Yield the inputs of the drawings at training size, as a batch of the pack's would be."""
    side = evaluated.pack.size
    for start in range(0, len(drawings), BATCH):
        raw = {
            field: torch.stack(
                [
                    torch.from_numpy(
                        resize(each[field], (side, side), labels=field == PARSING)
                    ).reshape(side, side, -1)
                    for each in drawings[start : start + BATCH]
                ]
            ).permute(0, 3, 1, 2)
            for field in evaluated.pack.inputs
        }
        yield normalise(raw, evaluated.device)


def _generated(evaluated: EvaluatedSystem, drawings: Sequence[dict[str, np.ndarray]]) -> np.ndarray:
    """Return the photos of the drawings, (N, S, S, 3) uint8 at scoring size."""
    size = int(evaluated.dataset()["size"])
    photos = [
        generate_batch(evaluated.system, evaluated.pack, batch, size)
        for batch in _batches(evaluated, drawings)
    ]
    return torch.cat(photos).permute(0, 2, 3, 1).numpy()


@torch.no_grad()
def _vectors(
    evaluated: EvaluatedSystem,
    system: System,
    drawings: Sequence[dict[str, np.ndarray]],
    edits: Sequence[Edit],
) -> dict[str, np.ndarray]:
    """Return layer -> (G, D, C) at the eye corner; empty where the system shows no layers."""
    side, size = evaluated.pack.size, int(evaluated.dataset()["size"])
    column, row = edits[0].corner
    corner = (column * side // size, row * side // size)
    parts: dict[str, list[np.ndarray]] = {}
    for batch in _batches(evaluated, drawings):
        for layer, maps in system.features(batch).items():
            parts.setdefault(layer, []).append(feature_spread.vectors(maps, corner, side))
    groups = len(_by_group(edits))
    return {
        layer: np.concatenate(own).reshape(groups, len(drawings) // groups, -1)
        for layer, own in parts.items()
    }
