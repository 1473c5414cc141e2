"""The `evaluate` stage: draw every test face of a run and set it beside three trivial rows.

It writes

    per_image.parquet   row, id, style, one column a metric, rank of its own target
    drawings.parquet    id, picture as drawn (in colour, if it is), scaled to the scoring size
    features.parquet    row (model, target), id, what the judge sees in that picture
    sets.parquet        row, part, distances between the sets of drawings and of targets
    summary.json        protocol, means with intervals, by style, retrieval, verdicts
    samples.png         input, drawing and target of some test faces
    style.json          where a style is an input: whether the style asked for is the one drawn
    styles.png          ... and some test faces in every style

and for runs that draw parsing maps what `parsing` says instead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from face_geometry.palette import colourise
from pipeline.common.fields import NEEDS
from pipeline.common.images import encode_png
from pipeline.common.shards import IMAGE, Row, image_cell, write_rows
from pipeline.common.sheets import sheet
from pipeline.evaluate.draw import RESIZE, as_scored, draw
from pipeline.evaluate.judged import (
    judge_features,
    judge_sets,
    judged_pictures,
    with_sets,
    write_features,
)
from pipeline.evaluate.layout import MODEL
from pipeline.evaluate.parsing import evaluate_parser
from pipeline.evaluate.score import processor, score
from pipeline.evaluate.setfile import SETS_FILE, write_sets
from pipeline.evaluate.style_fidelity import style_fidelity
from pipeline.evaluate.summary import parts_of, summarise
from pipeline.evaluate.trivial import trivial_rows
from pipeline.evaluate.truth import (
    TEST,
    fingerprint,
    missing_faces,
    read_about,
    read_pictures,
)
from sketchface_models.atomic import atomic_dir, write_json
from sketchface_models.config import at_least
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import BEST_FILE, WEIGHTS_FILE, load_trained
from sketchface_models.metrics.judge import NAME, PARAMETERS
from sketchface_models.metrics.protocol import Protocol, measures
from sketchface_models.metrics.sets import SET_METRICS
from sketchface_models.pretrained.parsers import read_card
from sketchface_models.runtime import keep_freed_memory
from sketchface_models.styles import STYLE
from sketchface_models.systems.base import System
from sketchface_models.systems.parser import Parser
from sketchface_models.training.pack import Pack


@dataclass(frozen=True)
class EvaluateSettings:
    """The `evaluate` section."""

    samples: Annotated[int, at_least(1)]
    """Faces on the sample sheet."""
    seed: Annotated[int, at_least(0)]
    """Of the bootstrap and of who is another face."""
    style_faces: Annotated[int, at_least(1)] = 120
    """Test faces that a system with a style among its inputs draws in every style."""


def evaluate(
    data: Path, pack_folder: Path, weights: Path, out: Path, settings: EvaluateSettings
) -> None:
    """Score one trained run on the test split.

    Args:
        data: folder with the stages' folders: targets and trivial rows at scoring size.
        pack_folder: the run's pack: inputs at training size.
        weights: folder with the trained weights.
        out: folder to write.
        settings: the `evaluate` section.

    Raises:
        SketchFaceError: if weights, pack or tables are missing, damaged or of different runs.
    """
    keep_freed_memory()
    device = processor()
    system, card = load_trained(weights, device)
    pack = Pack(pack_folder)
    if isinstance(system, Parser):
        _evaluate_parser(data, pack, weights, out, settings, device)
    else:
        evaluate_system(system, card, data, pack, out, settings, device)


def _evaluate_parser(
    data: Path,
    pack: Pack,
    weights: Path,
    out: Path,
    settings: EvaluateSettings,
    device: torch.device,
) -> None:
    """Score the weights that did best on the validation faces, the last ones if none were kept."""
    file = BEST_FILE if (weights / BEST_FILE).exists() else WEIGHTS_FILE
    system, card = load_trained(weights, device, file)
    _check_fits(card, pack)
    about = {
        "run": card["run"],
        "seed": card["seed"],
        "data": read_about(data)["name"],
        "missing": missing_faces(data, _lacking(pack)),
        "weights": {"file": file, "steps": card["steps"], "images": card["images"]},
        "validation": card.get("best"),
    }
    evaluate_parser(system, about, pack, out, settings.samples, device)


def evaluate_system(
    system: System,
    card: Mapping[str, Any],
    data: Path,
    pack: Pack,
    out: Path,
    settings: EvaluateSettings,
    device: torch.device,
) -> None:
    """`evaluate` with a system at hand.

    Args:
        system: in eval mode, on `device`.
        card: what it was trained for: `run`, `seed`, `model.task` and `channels`.
        data: folder with the stages' folders.
        pack: the run's.
        out: folder to write.
        settings: the `evaluate` section.
        device: on which to draw and score.

    Raises:
        SketchFaceError: as `evaluate`.
    """
    _check_fits(card, pack)
    rows = pack.rows(TEST)
    ids, styles = [pack.ids[row] for row in rows], [pack.styles[row] for row in rows]
    about, missing = read_about(data), missing_faces(data, _lacking(pack))
    size = about["size"]
    targets = read_pictures(data, pack.target, ids, size)
    drawings = draw(system, pack, rows, size, device)
    candidates = {MODEL: as_scored(drawings, targets, pack.target)}
    fields = (_pictured(pack)[0], pack.target)
    candidates |= trivial_rows(data, fields, ids, targets, settings.seed)
    protocol = _protocol(about["name"], pack.target, ids, targets)
    scores = {name: score(each, targets, device, name) for name, each in candidates.items()}
    features = judge_features(judged_pictures(candidates, targets), device)
    shared = about.get("shared", [])
    told = len(set(styles)) if STYLE in pack.inputs else 1
    sets = judge_sets(features, parts_of(styles, ids, shared))
    summary = {
        "run": card["run"],
        "seed": card["seed"],
        "data": about["name"],
        "split": TEST,
        "target": pack.target,
        "protocol": protocol.tag,
        "protocol_details": asdict(protocol),
        "n": len(ids),
        "missing": missing,
        **with_sets(summarise(scores, styles, ids, shared, settings.seed, told), sets),
    }
    styled = style_fidelity(system, card, data, pack, settings.style_faces, settings.seed, device)
    if styled:
        summary["style"] = styled.about
    with atomic_dir(out) as folder:
        write_json(folder / "summary.json", summary)
        if styled:
            styled.write(folder)
        _write_per_image(folder / "per_image.parquet", scores, ids, styles)
        write_features(folder / "features.parquet", features, ids)
        write_sets(folder / SETS_FILE, sets)
        _write_drawings(folder / "drawings.parquet", ids, drawings)
        chosen = np.unique(np.linspace(0, len(ids) - 1, settings.samples).astype(int))
        picture = sample_sheet(pack, rows[chosen], drawings[chosen], targets[chosen])
        (folder / "samples.png").write_bytes(encode_png(picture))


def _check_fits(card: Mapping[str, Any], pack: Pack) -> None:
    """Refuse weights of another task than the pack's, and a pack that holds nothing to draw."""
    task, channels = card["model"]["task"], dict(card["channels"])
    trained = (list(task["inputs"]), task["target"], task["size"], channels)
    if trained != (list(pack.inputs), pack.target, pack.size, pack.channels):
        raise SketchFaceError(
            f"{pack.folder}: {_task(pack.inputs, pack.target, pack.size)}, but the weights of run "
            f"{card['run']} were trained for {_task(task['inputs'], task['target'], task['size'])} "
            f"with channels {channels}; train this run again"
        )
    unknown = [name for name in (*pack.inputs, pack.target) if name not in NEEDS]
    if unknown:
        raise SketchFaceError(f"{pack.folder}: no table holds its field {unknown[0]}; pack again")
    if not len(pack.rows(TEST)):
        raise SketchFaceError(f"{pack.folder}: no test face in it; pack again")


def _task(inputs: Any, target: str, size: int) -> str:
    return f"{', '.join(inputs)} -> {target} at {size} pixels"


def _lacking(pack: Pack) -> list[dict[str, Any]]:
    path = pack.folder / "pack.json"
    try:
        return list(json.loads(path.read_text(encoding="utf-8"))["missing"])
    except (KeyError, TypeError):
        raise SketchFaceError(f"{path}: does not say which faces are missing; pack again") from None


def sample_sheet(pack: Pack, rows: np.ndarray, drawings: Tensor, targets: Tensor) -> np.ndarray:
    """Inputs, drawing and target of some faces, two faces to a row."""
    names = _pictured(pack)
    raw = pack.read(rows, names)
    groups = []
    for i in range(len(rows)):
        inputs = [_picture(raw[name][i], name) for name in names]
        groups.append([*inputs, _picture(drawings[i]), _picture(targets[i])])
    captions = [f"{pack.ids[row]}  style {pack.styles[row] or '-'}" for row in rows]
    headers = [*names, "drawn", f"target {pack.target}"]
    return sheet(groups, captions, headers, side=pack.size, columns=2)


def _pictured(pack: Pack) -> list[str]:
    """The inputs that are pictures."""
    return [name for name in pack.inputs if name in pack.pictures]


def _picture(tensor: Tensor, field: str = "") -> np.ndarray:
    picture = np.squeeze(np.moveaxis(tensor.numpy(), 0, 2))
    return colourise(picture) if field == "parsing" else picture


def _protocol(name: str, field: str, ids: list[str], targets: Tensor) -> Protocol:
    channels, size = targets.shape[1], targets.shape[-1]
    kind: Any = "grey" if channels == 1 else "rgb"
    return Protocol(
        f"{name}-{size}",
        f"{size}x{size}",
        RESIZE,
        kind,
        data=f"{name}/{TEST}/{len(ids)}/{field}/{fingerprint(field, ids, targets)}",
        networks={NAME: read_card(NAME)["sha256"]},
        metrics={
            **measures(kind),
            **{name: metric.parameters for name, metric in SET_METRICS.items()},
            NAME: PARAMETERS,
        },
    )


def _write_per_image(
    path: Path,
    scores: dict[str, dict[str, np.ndarray]],
    ids: list[str],
    styles: list[int | None],
) -> None:
    tables = [
        pa.table(
            {"row": [row] * len(ids), "id": ids, "style": pa.array(styles, pa.int8()), **values}
        )
        for row, values in scores.items()
    ]
    pq.write_table(pa.concat_tables(tables), path, compression="zstd")


def _write_drawings(path: Path, ids: list[str], drawings: Tensor) -> None:
    rows: list[Row] = [
        {"id": id, "drawing": image_cell(encode_png(_picture(picture)), f"{id}.png")}
        for id, picture in zip(ids, drawings, strict=True)
    ]
    write_rows(path, rows, pa.schema([("id", pa.string()), ("drawing", IMAGE)]))
