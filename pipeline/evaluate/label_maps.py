"""Score an output that is a label map: one confusion matrix over all test faces.

Beside the records of every output it writes `confusion.parquet`, the matrix of each face, and
`confusion.png`, the matrix of all. On the sample sheet the worst faces come first.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from face_geometry.palette import CLASSES, colourise
from pipeline.baselines.label_scores import (
    FACE_MEASURES,
    POOLED_MEASURES,
    face_label_scores,
    label_measures,
    pooled_label_scores,
)
from pipeline.baselines.targets import TEST, fingerprint
from pipeline.common.evaluations import (
    CONFUSION_FILE,
    CONFUSION_PICTURE,
    SAMPLES_FILE,
    Evaluation,
    write_evaluation,
    write_frame,
)
from pipeline.common.images import encode_png
from pipeline.common.progress import progress
from pipeline.common.records import Kind, Level, Method, Summary
from pipeline.common.scored_pictures import BATCH
from pipeline.common.sheets import sheet
from pipeline.evaluate.evaluate_settings import EvaluateSettings
from pipeline.evaluate.evaluated_system import EvaluatedSystem
from pipeline.evaluate.generate import generate_output, read_inputs
from pipeline.evaluate.summary import summarised
from sketchface_models.confusion import confusion, parsing_scores
from sketchface_models.labels import as_labels
from sketchface_models.metrics.protocol import Protocol
from sketchface_models.systems.base import System
from sketchface_models.training.pack_reader import Pack, normalise

PARAMETERS = {"revision": 1, "classes": len(CLASSES), "absent": "left out of means"}


def evaluate_label_maps(
    evaluated: EvaluatedSystem, output: str, target: str, folder: Path, settings: EvaluateSettings
) -> None:
    """Score one output of a run at training size and write its records.

    Args:
        evaluated: the trained system and its data.
        output: name of the output.
        target: field that it is compared with.
        folder: to write to; exists.
        settings: the `evaluate` section.
    """
    pack, ids, faces = evaluated.pack, evaluated.ids, evaluated.faces()
    predicted, truth = predict(
        evaluated.system, pack, evaluated.rows, evaluated.device, output, target
    )
    matrices = torch.stack([confusion(t, p) for t, p in zip(truth, predicted, strict=True)])
    total = matrices.sum(dim=0)
    of_faces = (evaluated.origin(output), Method.SYSTEM, matrices, faces)
    single, totals = face_label_scores(*of_faces), pooled_label_scores(*of_faces)
    scores = pd.concat([totals.scores, single], ignore_index=True)
    summary = _summary(evaluated, output, target, truth)
    summary = dataclasses.replace(summary, classes=tuple(parsing_scores(total).table()))
    evaluation = summarised(Evaluation(folder, summary, faces, scores, totals.resampled))
    write_evaluation(evaluation)
    rows = pd.DataFrame({"id": ids, "matrix": [each.flatten().tolist() for each in matrices]})
    write_frame(folder / CONFUSION_FILE, rows)
    (folder / CONFUSION_PICTURE).write_bytes(confusion_picture(total))
    accuracy = matrices.diagonal(dim1=1, dim2=2).sum(dim=1) / matrices.sum(dim=(1, 2))
    worst = np.argsort(accuracy.numpy(), kind="stable")[: settings.samples]
    picture = parsing_sheet(
        pack,
        next(name for name in evaluated.inputs(target) if name in pack.pictures),
        evaluated.rows[worst],
        predicted[worst],
        truth[worst],
        accuracy.numpy()[worst],
    )
    (folder / SAMPLES_FILE).write_bytes(encode_png(picture))


@torch.no_grad()
def predict(
    system: System, pack: Pack, rows: np.ndarray, device: torch.device, output: str, target: str
) -> tuple[Tensor, Tensor]:
    """Return the labels that the system gives these faces, and the true ones: (N, S, S) int64.

    Args:
        system: in eval mode, on `device`.
        pack: holds its inputs and the true labels.
        rows: of the first domain, (N,).
        device: on which to generate.
        output: of the system.
        target: field of the true labels.
    """
    predicted, truth = [], []
    starts = range(0, len(rows), BATCH)
    for start in progress(starts, len(starts), "parse"):
        chosen = rows[start : start + BATCH]
        batch = normalise(read_inputs(pack, chosen), device)
        predicted.append(as_labels(generate_output(system, batch, output)).cpu())
        truth.append(pack.read_faces(chosen, [target])[target][:, 0].long())
    return torch.cat(predicted), torch.cat(truth)


def label_protocol(
    dataset: str, target: str, ids: Sequence[str], truth: Tensor, inputs: Sequence[str]
) -> Protocol:
    """Return the protocol by which label maps of some faces are scored.

    Args:
        dataset: name of the data set.
        target: field that maps are compared with.
        ids: of the N faces.
        truth: their labels, (N, S, S) int64.
        inputs: fields that the system reads.
    """
    size = truth.shape[-1]
    labels = fingerprint(target, ids, truth[:, None].to(torch.uint8))
    return Protocol(
        f"{dataset}-{target}-{size}",
        f"{size}x{size}",
        "none",
        "labels",
        data=f"{dataset}/{TEST}/{len(truth)}/{target}/{labels}",
        precision="int64",
        metrics={"confusion": PARAMETERS},
        inputs=tuple(inputs),
    )


def _summary(evaluated: EvaluatedSystem, output: str, target: str, truth: Tensor) -> Summary:
    data, inputs = evaluated.dataset()["name"], evaluated.inputs(target)
    protocol = label_protocol(data, target, evaluated.ids, truth, inputs)
    return Summary(
        **vars(evaluated.origin(output)),
        data=data,
        split=TEST,
        target=target,
        kind=Kind.LABELS,
        inputs=inputs,
        size=truth.shape[-1],
        n=len(truth),
        protocol=protocol.tag,
        protocol_any_inputs=protocol.tag_any_inputs,
        protocol_details=dataclasses.asdict(protocol),
        measures=(
            *label_measures(POOLED_MEASURES, Level.POOLED),
            *label_measures(FACE_MEASURES, Level.FACE),
        ),
        not_measured=(),
        missing=evaluated.missing(),
        weights=evaluated.weights,
        validation=evaluated.card.get("best"),
    )


def confusion_picture(matrix: Tensor) -> bytes:
    """Return a PNG of a confusion matrix: each row (a true class) as parts of 1, in percent."""
    from matplotlib.figure import Figure  # slow to import, and few runs need it

    counts = matrix.double()
    parts = (counts / counts.sum(dim=1, keepdim=True).clamp(min=1)).numpy()
    figure = Figure((8.6, 7.6), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(parts**0.5, cmap="Blues", vmin=0, vmax=1)  # the root shows small parts too
    ticks = range(len(CLASSES))
    axes.set_xticks(ticks, CLASSES, rotation=60, ha="right", fontsize=8)
    axes.set_yticks(ticks, CLASSES, fontsize=8)
    axes.set_xlabel("predicted")
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
    field: str,
    rows: np.ndarray,
    predicted: Tensor,
    truth: Tensor,
    accuracy: np.ndarray,
) -> np.ndarray:
    """Return a sheet of input, predicted and true labels, two faces to a line, with accuracies.

    Args:
        pack: holds the inputs.
        field: that is shown as the input, a picture.
        rows: of the pack's first domain, (n,).
        predicted: (n, S, S) int64.
        truth: likewise.
        accuracy: (n,).
    """
    inputs = pack.read_faces(rows, [field])[field].permute(0, 2, 3, 1).numpy()
    groups = [
        [np.squeeze(shown), colourise(p.numpy()), colourise(t.numpy())]
        for shown, p, t in zip(inputs, predicted, truth, strict=True)
    ]
    captions = [
        f"{pack.ids[row]}  {100 * part:.1f} %" for row, part in zip(rows, accuracy, strict=True)
    ]
    headers = [field, "predicted", "truth"]
    return sheet(groups, captions, headers, side=min(pack.size, 192), columns=2)
