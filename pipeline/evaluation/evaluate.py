"""The `evaluate` stage: draw every test face of a run and set it beside three trivial rows.

It writes

    per_image.parquet   row, id, style, one column a metric, rank of its own target
    drawings.parquet    id, picture as drawn, scaled to the scoring size
    summary.json        protocol, means with intervals, by style, retrieval, verdicts
    samples.png         input, drawing and target of some test faces
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor
from tqdm import tqdm

from pipeline.evaluation.draw import BATCH, RESIZE, draw, read_targets, trivial_rows
from pipeline.evaluation.layout import MODEL
from pipeline.evaluation.summary import summarise
from pipeline.faces.palette import colourise
from pipeline.images import encode_png
from pipeline.shards import IMAGE, Row, image_cell, write_rows
from pipeline.sheets import sheet
from sketchface_models.atomic import atomic_dir, write_json
from sketchface_models.config import at_least
from sketchface_models.inference import load_trained
from sketchface_models.memory import keep_freed_memory
from sketchface_models.metrics.protocol import Protocol, measures
from sketchface_models.metrics.registry import metric_names, score_batch
from sketchface_models.metrics.retrieval import retrieve
from sketchface_models.metrics.trivial import as_grey
from sketchface_models.training.pack import Pack


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
    keep_freed_memory()
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
