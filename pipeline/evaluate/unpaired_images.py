"""Score an output whose test faces have no partner: only sets of pictures can be compared.

No picture is compared with a target of its own, so there is no measure of faces and no retrieval.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from torch import Tensor

from pipeline.baselines.baseline_records import write_features
from pipeline.baselines.learned import REASON
from pipeline.baselines.one_way import OneWayPack
from pipeline.baselines.scoring import extract_features, image_measures
from pipeline.baselines.targets import TEST, read_pictures
from pipeline.baselines.unpaired_baselines import (
    UnpairedSets,
    read_unpaired_baselines,
    unpaired_set_scores,
    unpaired_sets,
)
from pipeline.common.evaluations import (
    FEATURES_FILE,
    GENERATED_FILE,
    SAMPLES_FILE,
    Evaluation,
    write_evaluation,
)
from pipeline.common.images import encode_png
from pipeline.common.records import Kind, Level, Method, MissingFace, Summary
from pipeline.common.scored_pictures import with_channels_of
from pipeline.common.sheets import displayed, sheet
from pipeline.evaluate.evaluate_settings import EvaluateSettings
from pipeline.evaluate.evaluated_system import EvaluatedSystem
from pipeline.evaluate.generate import generate
from pipeline.evaluate.image_records import cycles_and_codes, joined, write_generated
from pipeline.evaluate.summary import summarised
from sketchface_models.errors import SketchFaceError
from sketchface_models.metrics.registry import SET_METRICS


def evaluate_unpaired_images(
    evaluated: EvaluatedSystem, output: str, target: str, folder: Path, settings: EvaluateSettings
) -> None:
    """Score one output of a run and write its records.

    Args:
        evaluated: the trained system and its data, its pack a `OneWayPack` of this output.
        output: name of the output.
        target: its field.
        folder: to write to; exists.
        settings: the `evaluate` section.

    Raises:
        SketchFaceError: if a table lacks faces, or all test faces of a kind are left out.
    """
    pack = evaluated.pack
    assert isinstance(pack, OneWayPack)
    sets = unpaired_sets(evaluated.data, evaluated.dataset(), pack, target, evaluated.seed)
    if not sets.ids or not sets.references:
        raise SketchFaceError(f"{pack.folder}: every test face is one that {REASON}; add others")
    size, ids, origin = sets.size, list(sets.ids), evaluated.origin(output)
    # Pictures of the system and real ones.
    sources = read_pictures(evaluated.data, sets.source, ids, size)
    references = sets.read_references()
    generated = generate(
        evaluated.system, pack, evaluated.rows, size, evaluated.device, output=output
    )
    like_real = with_channels_of(references[:1].expand(len(ids), -1, -1, -1), generated, target)
    # Their distances beside those of the baselines.
    stage = f"baselines@{evaluated.card['run']}"
    baselines = read_unpaired_baselines(evaluated.baselines / target, sets, stage)
    features = extract_features({Method.SYSTEM: like_real}, evaluated.device)
    both = {
        extractor: own | {Method.TARGET: baselines.features[extractor]}
        for extractor, own in features.items()
    }
    scores = [unpaired_set_scores(origin, both), baselines.scores]
    summary = _summary(evaluated, output, sets, sources, references)
    added, summary = cycles_and_codes(evaluated, like_real, None, summary, folder, settings)
    # Records.
    lines = joined([*scores, *added], origin)
    write_evaluation(summarised(Evaluation(folder, summary, sets.faces, *lines)))
    write_features(folder / FEATURES_FILE, features, ids, [Method.SYSTEM])
    write_generated(folder / GENERATED_FILE, ids, generated)
    chosen = np.unique(np.linspace(0, len(ids) - 1, settings.samples).astype(int))
    picture = _sheet(evaluated, sets, chosen, generated[chosen])
    (folder / SAMPLES_FILE).write_bytes(encode_png(picture))


def _summary(
    evaluated: EvaluatedSystem,
    output: str,
    sets: UnpairedSets,
    sources: Tensor,
    references: Tensor,
) -> Summary:
    protocol = sets.protocol(sources, references)
    measured, lacking = image_measures(references.shape[1])
    return Summary(
        **vars(evaluated.origin(output)),
        data=sets.dataset["name"],
        split=TEST,
        target=sets.target,
        kind=Kind.IMAGE,
        inputs=(sets.source,),
        size=sets.size,
        n=len(sets.ids),
        protocol=protocol.tag,
        protocol_any_inputs=protocol.tag_any_inputs,
        protocol_details=dataclasses.asdict(protocol),
        measures=tuple(each for each in measured if each.level is Level.SET),
        not_measured=tuple(each for each in lacking if each.name in SET_METRICS),
        missing=_missing(evaluated, sets),
        references=len(sets.references),
        weights=evaluated.weights,
        validation=evaluated.card.get("best"),
    )


def _missing(evaluated: EvaluatedSystem, sets: UnpairedSets) -> tuple[MissingFace, ...]:
    """Return the test faces of both kinds that are left out."""
    pack = evaluated.pack
    assert isinstance(pack, OneWayPack)
    left_out = set(pack.references) - set(sets.references)
    real = tuple(MissingFace(id, TEST, None, REASON) for id in left_out)
    each_once = {face.id: face for face in (*real, *evaluated.missing())}
    return tuple(sorted(each_once.values(), key=lambda face: face.id))


def _sheet(
    evaluated: EvaluatedSystem, sets: UnpairedSets, chosen: np.ndarray, generated: Tensor
) -> np.ndarray:
    """Return a sheet of inputs and generated pictures, three faces to a row."""
    pack, rows = evaluated.pack, evaluated.rows[chosen]
    inputs = pack.read_faces(rows, [sets.source])[sets.source]
    groups = [
        [displayed(own), displayed(picture)] for own, picture in zip(inputs, generated, strict=True)
    ]
    captions = [pack.ids[row] for row in rows]
    return sheet(groups, captions, [sets.source, "generated"], side=max(pack.size, 96), columns=3)
