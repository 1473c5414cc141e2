"""Score an output that is a picture, beside baselines that need no learning."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from torch import Tensor

from face_geometry.palette import colourise
from pipeline.baselines.baselines import baseline_pictures
from pipeline.baselines.scoring import (
    Features,
    extract_features,
    extractors,
    face_scores,
    image_measures,
    set_scores,
)
from pipeline.baselines.targets import TEST, fingerprint, read_pictures
from pipeline.common.images import encode_png
from pipeline.common.pictures import RESIZE, with_channels_of
from pipeline.common.records import (
    ALL,
    FEATURES_FILE,
    GENERATED,
    GENERATED_FILE,
    SAMPLES_FILE,
    SCHEMAS,
    Evaluation,
    Kind,
    Method,
    Summary,
    write_evaluation,
)
from pipeline.common.shards import Row, image_cell, write_rows
from pipeline.common.sheets import sheet
from pipeline.evaluate.generate import generate
from pipeline.evaluate.style_fidelity import style_fidelity
from pipeline.evaluate.subject import EvaluateSettings, Subject
from pipeline.evaluate.summary import summarised
from sketchface_models.metrics.protocol import Protocol, measures
from sketchface_models.metrics.registry import SET_METRICS
from sketchface_models.styles import STYLE
from sketchface_models.training.pack import Pack


def evaluate_images(
    subject: Subject, output: str, target: str, folder: Path, settings: EvaluateSettings
) -> None:
    """Score one output of a run and write its records.

    Args:
        subject: the trained system and its data.
        output: name of the output.
        target: field that it is compared with.
        folder: to write to; exists.
        settings: the `evaluate` section.

    Raises:
        SketchFaceError: if a table lacks faces, or pictures cannot be compared.
    """
    pack, ids, faces = subject.pack, subject.ids, subject.faces()
    size = subject.dataset()["size"]
    # Pictures of the system and of the baselines.
    targets = read_pictures(subject.data, target, ids, size)
    generated = generate(subject.system, pack, subject.rows, size, subject.device)
    pictures = {Method.SYSTEM: with_channels_of(targets, generated, target)}
    fields = (_pictured(pack)[0], target)
    pictures |= baseline_pictures(subject.data, fields, ids, targets, settings.seed)
    # Scores.
    origin = subject.origin(output)
    scores = face_scores(origin, pictures, targets, ids, ALL, subject.device)
    features = extract_features({Method.TARGET: targets} | pictures, subject.device)
    sets = set_scores(origin, features, faces)
    styled = style_fidelity(subject, settings.style_faces, origin)
    frames = [scores, sets.scores, *([styled.scores] if styled else [])]
    # Records.
    summary = _summary(subject, output, target, targets)
    if styled:
        added = (*summary.measures, *styled.measures)
        summary = dataclasses.replace(summary, measures=added, style=styled.about)
        styled.write(folder)
    evaluation = Evaluation(
        folder, summary, faces, pd.concat(frames, ignore_index=True), sets.resampled
    )
    evaluation = summarised(evaluation)
    write_evaluation(evaluation)
    _write_features(folder / FEATURES_FILE, features, ids)
    _write_generated(folder / GENERATED_FILE, ids, generated)
    chosen = np.unique(np.linspace(0, len(ids) - 1, settings.samples).astype(int))
    picture = sample_sheet(pack, subject.rows[chosen], generated[chosen], targets[chosen])
    (folder / SAMPLES_FILE).write_bytes(encode_png(picture))


def _summary(subject: Subject, output: str, target: str, targets: Tensor) -> Summary:
    data, pack = subject.dataset()["name"], subject.pack
    protocol = _protocol(data, target, subject.ids, targets)
    measured, lacking = image_measures(targets.shape[1])
    styles = {pack.styles[row] for row in subject.rows}
    return Summary(
        **vars(subject.origin(output)),
        data=data,
        split=TEST,
        target=target,
        kind=Kind.IMAGE,
        inputs=tuple(pack.inputs),
        size=targets.shape[-1],
        n=len(targets),
        protocol=protocol.tag,
        protocol_any_inputs=protocol.tag,
        protocol_details=dataclasses.asdict(protocol),
        measures=measured,
        not_measured=lacking,
        missing=subject.missing(),
        known_kinds=len(styles) if STYLE in pack.inputs else 1,
        weights=subject.weights,
        validation=subject.card.get("best"),
    )


def _protocol(data: str, field: str, ids: list[str], targets: Tensor) -> Protocol:
    channels, size = targets.shape[1], targets.shape[-1]
    kind: Any = "grey" if channels == 1 else "rgb"
    networks = extractors()
    return Protocol(
        f"{data}-{size}",
        f"{size}x{size}",
        RESIZE,
        kind,
        data=f"{data}/{TEST}/{len(ids)}/{field}/{fingerprint(field, ids, targets)}",
        networks={key: digest for e in networks.values() for key, digest in e.hashes().items()},
        metrics={
            **measures(kind),
            **{name: metric.parameters for name, metric in SET_METRICS.items()},
            **{name: each.parameters for name, each in networks.items()},
        },
    )


def sample_sheet(pack: Pack, rows: np.ndarray, generated: Tensor, targets: Tensor) -> np.ndarray:
    """Return a sheet of inputs, generated picture and target of some faces, two faces to a row."""
    names = _pictured(pack)
    raw = pack.read(rows, names)
    groups = []
    for i in range(len(rows)):
        inputs = [_picture(raw[name][i], name) for name in names]
        groups.append([*inputs, _picture(generated[i]), _picture(targets[i])])
    captions = [f"{pack.ids[row]}  style {pack.styles[row] or '-'}" for row in rows]
    headers = [*names, "generated", f"target {pack.target}"]
    return sheet(groups, captions, headers, side=pack.size, columns=2)


def _pictured(pack: Pack) -> list[str]:
    """Return the inputs that are pictures."""
    return [name for name in pack.inputs if name in pack.pictures]


def _picture(tensor: Tensor, field: str = "") -> np.ndarray:
    picture = np.squeeze(np.moveaxis(tensor.numpy(), 0, 2))
    return colourise(picture) if field == "parsing" else picture


def _write_features(path: Path, features: Features, ids: Sequence[str]) -> None:
    tables = []
    for extractor, by_method in features.items():
        for method in (Method.SYSTEM, Method.TARGET):
            vectors = by_method[method].numpy()
            lists = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
            columns = [[extractor] * len(ids), [str(method)] * len(ids), ids]
            arrays = [*map(pa.array, columns), lists.cast(pa.list_(pa.float32()))]
            tables.append(pa.Table.from_arrays(arrays, schema=SCHEMAS[path.name]))
    table = pa.concat_tables(tables).replace_schema_metadata(None)
    pq.write_table(table, path, compression="zstd")


def _write_generated(path: Path, ids: list[str], generated: Tensor) -> None:
    rows: list[Row] = [
        {"id": id, "generated": image_cell(encode_png(_picture(picture)), f"{id}.png")}
        for id, picture in zip(ids, generated, strict=True)
    ]
    write_rows(path, rows, GENERATED)
