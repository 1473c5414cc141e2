"""Score an output that is a picture, beside baselines that need no learning."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from torch import Tensor

from pipeline.baselines.baseline_records import BaselineRecords, pictured_inputs, write_features
from pipeline.baselines.baselines import PHOTO, read_baselines
from pipeline.baselines.image_protocol import image_protocol
from pipeline.baselines.resegmentation import Truth, resegmentation_scores
from pipeline.baselines.scoring import (
    extract_features,
    face_scores,
    image_measures,
    set_scores,
)
from pipeline.baselines.targets import TEST, read_pictures
from pipeline.common.evaluations import (
    FEATURES_FILE,
    GENERATED_FILE,
    SAMPLES_FILE,
    TRANSFER_FILE,
    VECTOR_MAPS_FILE,
    Evaluation,
    write_evaluation,
    write_frame,
)
from pipeline.common.fields import showing
from pipeline.common.images import encode_png
from pipeline.common.records import Kind, Method, Summary
from pipeline.common.score_frames import Scores
from pipeline.common.scored_pictures import with_channels_of
from pipeline.common.sheets import displayed, sheet
from pipeline.common.subsets import ALL
from pipeline.evaluate.code_styles import code_styles
from pipeline.evaluate.control.measured import Photos, control
from pipeline.evaluate.drawing_noise import drawings
from pipeline.evaluate.evaluate_settings import EvaluateSettings
from pipeline.evaluate.evaluated_system import EvaluatedSystem
from pipeline.evaluate.generate import generate
from pipeline.evaluate.image_records import cycles_and_codes, extended, joined, write_generated
from pipeline.evaluate.style_fidelity import style_fidelity
from pipeline.evaluate.summary import summarised
from sketchface_models.labels import PARSING
from sketchface_models.styles import STYLE
from sketchface_models.training.pack_reader import Pack


def evaluate_images(
    evaluated: EvaluatedSystem, output: str, target: str, folder: Path, settings: EvaluateSettings
) -> None:
    """Score one output of a run and write its records.

    Args:
        evaluated: the trained system and its data.
        output: name of the output.
        target: field that it is compared with.
        folder: to write to; exists.
        settings: the `evaluate` section.

    Raises:
        SketchFaceError: if a table lacks faces, or pictures cannot be compared.
    """
    pack, ids, faces = evaluated.pack, evaluated.ids, evaluated.faces()
    size = evaluated.dataset()["size"]
    # Pictures of the system, in all its styles.
    targets = read_pictures(evaluated.data, target, ids, size)
    generated = generate(
        evaluated.system, pack, evaluated.rows, size, evaluated.device, output=output
    )
    pictures = {Method.SYSTEM: with_channels_of(targets, generated, target)}
    styles = code_styles(evaluated, output)
    if styles:
        pictures |= {m: with_channels_of(targets, p, target) for m, p in styles.pictures.items()}
        (folder / TRANSFER_FILE).write_bytes(encode_png(styles.transfer))
    # Their scores; those of the baselines are there already.
    origin = evaluated.origin(output)
    baselines = _baselines(evaluated, target)
    features = extract_features(pictures, evaluated.device)
    for extractor, own in features.items():
        own[Method.TARGET] = baselines.features[extractor]
    scores = [
        Scores(face_scores(origin, pictures, targets, ids, ALL, evaluated.device)),
        set_scores(origin, features, faces),
        baselines.scores,
    ]
    summary = _summary(evaluated, output, target, targets)
    if target == PHOTO and PARSING in pack.inputs:
        maps = read_pictures(evaluated.data, PARSING, ids, size)
        truth = Truth(maps[:, 0], baselines.parsed_photos())
        scores += [
            resegmentation_scores(origin, method, own, truth, faces)
            for method, own in pictures.items()
        ]
        summary = extended(summary, truth)
    photos = Photos(target, pictures[Method.SYSTEM], targets)
    added, summary = _asked(evaluated, photos, summary, folder, settings)
    sketches = drawings(evaluated, generated, targets, origin)
    if sketches:
        added.append(Scores(sketches.scores))
        summary = extended(summary, sketches)
    # Records.
    lines = joined([*scores, *added], origin)
    write_evaluation(summarised(Evaluation(folder, summary, faces, *lines)))
    write_features(folder / FEATURES_FILE, features, ids, [Method.SYSTEM, Method.TARGET])
    write_generated(folder / GENERATED_FILE, ids, generated)
    chosen = np.unique(np.linspace(0, len(ids) - 1, settings.samples).astype(int))
    picture = sample_sheet(pack, evaluated.rows[chosen], generated[chosen], targets[chosen], target)
    (folder / SAMPLES_FILE).write_bytes(encode_png(picture))


def _asked(
    evaluated: EvaluatedSystem,
    photos: Photos,
    summary: Summary,
    folder: Path,
    settings: EvaluateSettings,
) -> tuple[list[Scores], Summary]:
    """Ask the system for more pictures, and measure how it answers: control, styles, codes.

    Returns:
        The scores, and the summary with what was measured.
    """
    scores: list[Scores] = []
    origin = evaluated.origin(summary.output)
    controlled = control(evaluated, photos, origin, settings.moved_faces)
    if controlled:
        scores += controlled.scores
        summary = extended(summary, controlled, control=controlled.about)
        if controlled.maps is not None:
            write_frame(folder / VECTOR_MAPS_FILE, controlled.maps)
    styled = style_fidelity(evaluated, settings.style_faces, origin)
    if styled:
        scores.append(Scores(styled.scores))
        summary = extended(summary, styled, style=styled.about)
        styled.write(folder)
    more, summary = cycles_and_codes(
        evaluated, photos.generated, photos.targets, summary, folder, settings
    )
    return [*scores, *more], summary


def _baselines(evaluated: EvaluatedSystem, target: str) -> BaselineRecords:
    """Read the baselines; label maps that are scored as pictures have none but their features."""
    faces = evaluated.test_faces(target)
    stage = f"baselines@{evaluated.card['run']}"
    return read_baselines(evaluated.baselines / target, faces, stage)


def _summary(evaluated: EvaluatedSystem, output: str, target: str, targets: Tensor) -> Summary:
    data, pack = evaluated.dataset()["name"], evaluated.pack
    inputs = evaluated.inputs(target)
    protocol = image_protocol(
        evaluated.data, data, target, evaluated.ids, targets, inputs, evaluated.seed
    )
    measured, lacking = image_measures(targets.shape[1])
    styles = {pack.styles[row] for row in evaluated.rows}
    return Summary(
        **vars(evaluated.origin(output)),
        data=data,
        split=TEST,
        target=target,
        kind=Kind.IMAGE,
        inputs=inputs,
        size=targets.shape[-1],
        n=len(targets),
        protocol=protocol.tag,
        protocol_any_inputs=protocol.tag_any_inputs,
        protocol_details=dataclasses.asdict(protocol),
        measures=measured,
        not_measured=lacking,
        missing=evaluated.missing(),
        known_kinds=len(styles) if STYLE in pack.inputs else 1,
        sees_target=pack.sees_target or (len(pack.domains) > 1 and bool(showing(target, inputs))),
        weights=evaluated.weights,
        validation=evaluated.card.get("best"),
    )


def sample_sheet(
    pack: Pack, rows: np.ndarray, generated: Tensor, targets: Tensor, field: str = ""
) -> np.ndarray:
    """Return a sheet of inputs, generated picture and target of some faces, two faces to a row.

    Args:
        pack: holds the inputs.
        rows: of the pack's first domain, (n,).
        generated: (n, C, S, S) uint8.
        targets: likewise.
        field: of the targets; the pack's target if empty.
    """
    field = field or pack.target
    names = pictured_inputs(pack, field)
    raw = pack.read_faces(rows, names)
    groups = []
    for i in range(len(rows)):
        inputs = [displayed(raw[name][i], name) for name in names]
        groups.append([*inputs, displayed(generated[i]), displayed(targets[i])])
    captions = [f"{pack.ids[row]}  style {pack.styles[row] or '-'}" for row in rows]
    headers = [*names, "generated", f"target {field}"]
    return sheet(groups, captions, headers, side=pack.size, columns=2)
