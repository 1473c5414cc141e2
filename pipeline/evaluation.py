"""The `evaluate` stage: draw every test face of a run and set it beside three trivial rows.

It writes

    per_image.parquet   row, id, style, one column a metric, rank of its own target
    drawings.parquet    id, picture as drawn, scaled to the scoring size
    summary.json        protocol, means with intervals, by style, retrieval, verdicts
    samples.png         input, drawing and target of some test faces
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from pipeline.faces.palette import colourise
from pipeline.fields import FIELDS
from pipeline.images import decode, encode_png
from pipeline.shards import IMAGE, Row, image_cell, iter_rows, write_rows
from pipeline.sheets import sheet
from sketchface_models.atomic import atomic_dir
from sketchface_models.config import at_least
from sketchface_models.metrics import (
    METRICS,
    Protocol,
    Retrieval,
    compare,
    from_signed,
    mean_interval,
    measures,
    metric_names,
    retrieve,
    score_batch,
)
from sketchface_models.metrics.trivial import another_face, as_grey, input_itself, mean_target
from sketchface_models.systems.base import System
from sketchface_models.training.checkpoint import write_json
from sketchface_models.training.pack import Pack, normalise
from sketchface_models.training.run import load_trained

BATCH = 16
MODEL = "model"
TRIVIAL = {
    "input": "the input itself",
    "mean": "the mean training target",
    "other": "another face's target",
}
RESIZE = "bicubic"


@dataclass(frozen=True)
class EvaluateSettings:
    """The `evaluate` section."""

    samples: Annotated[int, at_least(1)]
    """Faces on the sample sheet."""
    seed: Annotated[int, at_least(0)]
    """Of the bootstrap and of who is another face."""


def evaluate(
    faces: Path, pack_folder: Path, weights: Path, out: Path, settings: EvaluateSettings
) -> None:
    """Score one trained run on the test split.

    Args:
        faces: folder of the `faces` stage: targets at scoring size.
        pack_folder: the run's pack: inputs at training size.
        weights: folder with the trained weights.
        out: folder to write.
        settings: the `evaluate` section.

    Raises:
        SketchFaceError: if weights or pack do not fit.
    """
    pack = Pack(pack_folder)
    system, card = load_trained(weights)
    rows = pack.rows("test")
    ids, styles = [pack.ids[row] for row in rows], [pack.styles[row] for row in rows]
    targets = read_targets(faces, pack.target, ids)
    size = targets.shape[-1]
    candidates = {MODEL: draw(system, pack, rows, size)}
    candidates |= trivial_rows(pack, rows, targets, settings.seed)
    data = json.loads((faces / "dataset.json").read_text(encoding="utf-8"))
    protocol = _protocol(data["name"], size, targets.shape[1], ids)
    scores = {name: score(pictures, targets, name) for name, pictures in candidates.items()}
    missing = json.loads((pack_folder / "pack.json").read_text(encoding="utf-8"))["missing"]
    summary = {
        "run": card["run"],
        "seed": card["seed"],
        "data": data["name"],
        "split": "test",
        "target": pack.target,
        "protocol": protocol.tag,
        "protocol_details": asdict(protocol),
        "n": len(ids),
        "missing": [face for face in missing if face["split"] == "test"],
        **summarise(scores, styles, ids, data.get("shared", []), settings.seed),
    }
    with atomic_dir(out) as folder:
        write_json(folder / "summary.json", summary)
        _write_per_image(folder / "per_image.parquet", scores, ids, styles)
        _write_drawings(folder / "drawings.parquet", ids, candidates[MODEL])
        chosen = np.unique(np.linspace(0, len(ids) - 1, settings.samples).astype(int))
        picture = sample_sheet(pack, rows[chosen], candidates[MODEL][chosen], targets[chosen])
        (folder / "samples.png").write_bytes(encode_png(picture))


def read_targets(faces: Path, field: str, ids: list[str]) -> Tensor:
    """Targets at scoring size, (N, C, S, S) uint8, in the order of `ids`."""
    place = {id: i for i, id in enumerate(ids)}
    channels = FIELDS[field].channels
    found: Tensor | None = None
    for row in iter_rows(faces, ["id", field]):
        if row["id"] in place:
            picture = decode(row[field]["bytes"])
            tensor = torch.from_numpy(np.ascontiguousarray(np.atleast_3d(picture)))
            if found is None:
                found = torch.empty((len(ids), channels, *picture.shape[:2]), dtype=torch.uint8)
            found[place[row["id"]]] = tensor.movedim(2, 0)
    assert found is not None
    return found


@torch.no_grad()
def draw(system: System, pack: Pack, rows: np.ndarray, size: int) -> Tensor:
    """What the system draws for these rows, as written to a file: (N, C, size, size) uint8."""
    parts = []
    for start in tqdm(range(0, len(rows), BATCH), desc="draw", unit="batch", disable=None):
        raw = pack.read(rows[start : start + BATCH], pack.inputs)
        parts.append(
            scaled(from_signed(system.generate(normalise(raw, torch.device("cpu")))), size)
        )
    return torch.cat(parts)


def scaled(pictures: Tensor, size: int) -> Tensor:
    """Grey levels (N, C, H, W) in 0..255 -> (N, C, size, size) uint8, bicubic."""
    if pictures.shape[-1] != size:
        pictures = F.interpolate(
            pictures.float(), (size, size), mode=RESIZE, align_corners=False, antialias=True
        )
    return pictures.round().clamp(0, 255).to(torch.uint8)


def trivial_rows(pack: Pack, rows: np.ndarray, targets: Tensor, seed: int) -> dict[str, Tensor]:
    """What a system must beat to have learned anything, each (N, C, S, S) uint8."""
    channels, size = targets.shape[1], targets.shape[-1]
    inputs = torch.cat(
        [
            scaled(input_itself(raw.float(), channels), size)
            for raw in _batches(pack, rows, pack.inputs[0])
        ]
    )
    mean = mean_target(_batches(pack, pack.rows("train"), pack.target))
    mean = scaled(mean[None], size).expand(len(rows), -1, -1, -1)
    found = {"input": inputs, "mean": mean}
    if len(rows) > 1:
        found["other"] = another_face(targets, seed)
    return found


def score(pictures: Tensor, targets: Tensor, name: str) -> dict[str, np.ndarray]:
    """Every metric and the retrieval rank, one value a face."""
    channels = targets.shape[1]
    found: dict[str, list[Tensor]] = {metric: [] for metric in metric_names(channels)}
    for start in tqdm(
        range(0, len(targets), BATCH), desc=f"score {name}", unit="batch", disable=None
    ):
        part = slice(start, start + BATCH)
        for metric, values in score_batch(targets[part].double(), pictures[part].double()).items():
            found[metric].append(values)
    ranks = retrieve(as_grey(pictures.double()), as_grey(targets.double())).ranks
    return {metric: torch.cat(values).numpy() for metric, values in found.items()} | {
        "rank": ranks.numpy()
    }


def summarise(
    scores: dict[str, dict[str, np.ndarray]],
    styles: list[int | None],
    ids: list[str],
    shared: list[str],
    seed: int,
) -> dict[str, Any]:
    """Means with intervals overall, by style and without shared photos; verdicts.

    Args:
        scores: row -> metric (and `rank`) -> (N,) values.
        styles: of the N faces.
        ids: of the N faces.
        shared: ids of test faces whose photo also stands in train.
        seed: of the bootstrap.
    """
    n = len(ids)
    parts = {"all": np.ones(n, bool)}
    for style in sorted({style for style in styles if style is not None}):
        parts[f"style {style}"] = np.array([each == style for each in styles])
    if set(ids) & set(shared):
        parts["without shared photos"] = np.array([id not in set(shared) for id in ids])
    metrics = [name for name in scores[MODEL] if name != "rank"]
    rows = {
        row: {
            part: {name: asdict(mean_interval(values[name][chosen], seed)) for name in metrics}
            for part, chosen in parts.items()
        }
        for row, values in scores.items()
    }
    retrieval = {
        row: {f"rank_{k}": float((values["rank"] <= k).mean()) for k in (1, 5)}
        for row, values in scores.items()
    }
    verdicts = {
        row: {
            name: compare(scores[MODEL][name], values[name], METRICS[name].direction, seed).verdict
            for name in metrics
        }
        for row, values in scores.items()
        if row != MODEL
    }
    chance = {f"rank_{k}": k / n for k in (1, 5)}
    return {
        "scores": rows,
        "parts": {part: int(chosen.sum()) for part, chosen in parts.items()},
        "retrieval": retrieval,
        "chance": chance,
        "verdicts": verdicts,
        "not_learned": why_not_learned(verdicts, scores[MODEL]["rank"]),
    }


def why_not_learned(verdicts: Mapping[str, Mapping[str, str]], ranks: np.ndarray) -> list[str]:
    """Reasons to call a system "not learned"; [] when it has learned (design, Evidence)."""
    reasons = [
        f"not better than {TRIVIAL[row]} on any metric"
        for row, found in verdicts.items()
        if "better" not in found.values()
    ]
    if Retrieval(torch.from_numpy(ranks)).at_chance(5):
        reasons.append("finds the right target no more often than chance")
    return reasons


def sample_sheet(pack: Pack, rows: np.ndarray, drawings: Tensor, targets: Tensor) -> np.ndarray:
    """Inputs, drawing and target of some faces, two faces to a row."""
    raw = pack.read(rows, pack.inputs)
    groups = []
    for i in range(len(rows)):
        inputs = [_picture(raw[name][i], name) for name in pack.inputs]
        groups.append([*inputs, _picture(drawings[i]), _picture(targets[i])])
    captions = [f"{pack.ids[row]}  style {pack.styles[row] or '-'}" for row in rows]
    headers = [*pack.inputs, "drawn", f"target {pack.target}"]
    return sheet(groups, captions, headers, side=pack.size, columns=2)


def _picture(tensor: Tensor, field: str = "") -> np.ndarray:
    picture = np.squeeze(np.moveaxis(tensor.numpy(), 0, 2))
    return colourise(picture) if field == "parsing" else picture


def _batches(pack: Pack, rows: np.ndarray, field: str) -> Iterator[Tensor]:
    for start in range(0, len(rows), 64):
        yield pack.read(rows[start : start + 64], [field])[field]


def _protocol(data: str, size: int, channels: int, ids: list[str]) -> Protocol:
    kind: Any = "grey" if channels == 1 else "rgb"
    return Protocol(
        f"{data}-{size}",
        f"{size}x{size}",
        RESIZE,
        kind,
        data=f"{data}/test/{len(ids)}",
        metrics=measures(kind),
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
