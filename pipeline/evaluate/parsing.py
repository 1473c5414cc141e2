"""Scores of a run that draws parsing maps: one confusion matrix over all test faces (facts B.8).

summary.json     kind "parsing", the means, a line for each class, the matrix
confusion.png    the matrix, each true class as parts of 1
per_image.parquet  id, style, accuracy, mean_f1 of each face, for finding the worst
samples.png      photo, what was found, truth; the worst faces first
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from matplotlib.figure import Figure
from torch import Tensor
from tqdm import tqdm

from face_geometry.palette import CLASSES, colourise
from pipeline.common.images import encode_png
from pipeline.common.sheets import sheet
from pipeline.evaluate.draw import BATCH
from pipeline.evaluate.layout import PARSING
from pipeline.evaluate.truth import TEST
from sketchface_models.atomic import atomic_dir, write_json
from sketchface_models.labels import as_labels
from sketchface_models.metrics.parsing import confusion, parsing_scores
from sketchface_models.systems.base import System
from sketchface_models.training.pack import Pack, normalise


def evaluate_parser(
    system: System,
    about: Mapping[str, Any],
    pack: Pack,
    out: Path,
    samples: int,
    device: torch.device,
) -> None:
    """Parse the pack's test faces and score them at training size.

    Args:
        system: in eval mode, on `device`.
        about: begins the summary: run, seed, data, missing, weights.
        pack: with at least one test face.
        out: folder to write.
        samples: faces on the sheet.
        device: on which to parse.
    """
    rows = pack.rows(TEST)
    found, truth = parsed(system, pack, rows, device)
    each = [confusion(t, f) for t, f in zip(truth, found, strict=True)]
    matrix = torch.stack(each).sum(dim=0)
    scores = parsing_scores(matrix)
    alone = [parsing_scores(one).summary() for one in each]
    summary = {
        "kind": PARSING,
        **about,
        "split": TEST,
        "target": pack.target,
        "size": pack.size,
        "n": len(rows),
        "scores": scores.summary(),
        "classes": scores.table(),
        "confusion": matrix.tolist(),
    }
    with atomic_dir(out) as folder:
        write_json(folder / "summary.json", summary)
        (folder / "confusion.png").write_bytes(confusion_picture(matrix))
        columns = {name: [one[name] for one in alone] for name in ("accuracy", "mean_f1")}
        faces = {
            "id": [pack.ids[row] for row in rows],
            "style": pa.array([pack.styles[row] for row in rows], pa.int8()),
        }
        pq.write_table(pa.table(faces | columns), folder / "per_image.parquet", compression="zstd")
        worst = np.argsort(columns["accuracy"], kind="stable")[:samples]
        picture = parsing_sheet(pack, rows[worst], found[worst], truth[worst], columns, worst)
        (folder / "samples.png").write_bytes(encode_png(picture))


@torch.no_grad()
def parsed(
    system: System, pack: Pack, rows: np.ndarray, device: torch.device
) -> tuple[Tensor, Tensor]:
    """What the system finds in these faces, and the truth: (N, S, S) int64 both."""
    found, truth = [], []
    steps = range(0, len(rows), BATCH)
    for start in tqdm(steps, desc="parse", unit="batch", disable=None):
        batch = normalise(pack.read(rows[start : start + BATCH]), device)
        found.append(as_labels(system.generate(batch)).cpu())
        truth.append(as_labels(batch[pack.target]).cpu())
    return torch.cat(found), torch.cat(truth)


def confusion_picture(matrix: Tensor) -> bytes:
    """PNG of a confusion matrix: each row (a true class) as parts of 1, in percent."""
    counts = matrix.double()
    parts = (counts / counts.sum(dim=1, keepdim=True).clamp(min=1)).numpy()
    figure = Figure((8.6, 7.6), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(parts**0.5, cmap="Blues", vmin=0, vmax=1)  # the root shows small parts too
    places = range(len(CLASSES))
    axes.set_xticks(places, CLASSES, rotation=60, ha="right", fontsize=8)
    axes.set_yticks(places, CLASSES, fontsize=8)
    axes.set_xlabel("found")
    axes.set_ylabel("truth")
    for row, column in np.argwhere(parts >= 0.005):
        value = parts[row, column]
        colour = "white" if value > 0.4 else "black"
        text = f"{100 * value:.0f}"
        axes.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def parsing_sheet(
    pack: Pack,
    rows: np.ndarray,
    found: Tensor,
    truth: Tensor,
    columns: Mapping[str, Sequence[float]],
    places: np.ndarray,
) -> np.ndarray:
    """Photo, found and true labels of some faces, two faces to a line, with their accuracy."""
    photos = pack.read(rows, ["photo"])["photo"].permute(0, 2, 3, 1).numpy()
    groups = [
        [photo, colourise(f.numpy()), colourise(t.numpy())]
        for photo, f, t in zip(photos, found, truth, strict=True)
    ]
    captions = [
        f"{pack.ids[row]}  {100 * columns['accuracy'][place]:.1f} %"
        for row, place in zip(rows, places, strict=True)
    ]
    headers = ["photo", "found", "truth"]
    return sheet(groups, captions, headers, side=min(pack.size, 192), columns=2)
