"""Whether a system that takes a style draws in it.

The same test faces are generated in every style that the system learned. A classifier that learned
from real sketches, and that no system learns from, says which style each picture is in. All faces
come from one source, so that nothing but the style that was asked for can tell the pictures apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from pipeline.common.evaluations import STYLES_FILE
from pipeline.common.images import encode_png
from pipeline.common.records import STYLE_FIDELITY, Measure, Method, Origin
from pipeline.common.score_frames import long_frame
from pipeline.common.scored_pictures import rounded, scaled
from pipeline.common.sheets import displayed, sheet
from pipeline.common.subsets import ALL, style_subset
from pipeline.common.verdicts import Sample, estimate
from pipeline.evaluate.evaluated_system import EvaluatedSystem
from pipeline.evaluate.generate import generate
from pipeline.style.classifier import StyleClassifier
from pipeline.style.classifier_training import NO_STYLES, accuracy, read_style_card
from pipeline.style.crops import Box
from pipeline.style.faces import of_main_source, read_boxes, spread
from sketchface_models.metrics.registry import Direction
from sketchface_models.pixels import as_grey
from sketchface_models.styles import STYLE
from sketchface_models.training.pack_reader import Pack

SKETCH = "sketch"
SHOWN = 8
"""Faces on the sheet."""


@dataclass(frozen=True)
class StyleFidelity:
    """What was measured.

    about: for the summary. scores: lines of `SCORES`. picture: a sheet of faces. parameters: for
    the protocol; none where nothing was measured.
    """

    about: dict[str, Any]
    scores: pd.DataFrame | None = None
    picture: np.ndarray | None = None
    parameters: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The measure, if anything was measured."""
        fidelity = Measure(STYLE_FIDELITY, "style fidelity", Direction.HIGHER)
        return () if self.scores is None else (fidelity,)

    def write(self, folder: Path) -> None:
        """Write the sheet, where there is one."""
        if self.picture is not None:
            (folder / STYLES_FILE).write_bytes(encode_png(self.picture))


def style_fidelity(evaluated: EvaluatedSystem, most: int, origin: Origin) -> StyleFidelity | None:
    """Generate test faces in every style, and count how often the classifier recognises it.

    Args:
        evaluated: the trained system and its data, `style` among the stages' folders.
        most: faces to generate.
        origin: of the pictures.

    Returns:
        None for a run that takes no style, or an output that is no sketch.

    Raises:
        SketchFaceError: if the classifier is missing or damaged.
    """
    pack, data = evaluated.pack, evaluated.data
    target = evaluated.system.outputs[origin.output].field
    if STYLE not in pack.inputs or not target == pack.target == SKETCH:
        return None
    card = read_style_card(data / "style")
    if "note" in card:
        return StyleFidelity({"note": card["note"]})
    classifier = StyleClassifier.load(data / "style")
    labels = [each for each in classifier.labels if evaluated.card["styles"].get(str(each))]
    if len(labels) < 2:
        return StyleFidelity({"note": NO_STYLES})
    boxes = read_boxes(data / "landmarks", set(evaluated.ids))
    source, chosen = of_main_source(data / "faces", [id for id in evaluated.ids if id in boxes])
    chosen = spread(chosen, most)
    if not chosen:
        return StyleFidelity({"note": "no test face has landmarks: nothing to look at"})
    rows = np.array([pack.ids.index(id) for id in chosen])
    size = int(evaluated.dataset()["size"])
    # The faces in every style, and what the classifier says of them.
    generated = {label: _generate(evaluated, rows, size, [label]) for label in labels}
    face_boxes = [boxes[id] for id in chosen]
    predicted = {label: _classify(classifier, generated[label], face_boxes) for label in labels}
    hits = {label: each == label for label, each in predicted.items()}
    about = _about(predicted, hits, classifier.labels) | {
        "source": source,
        "real": _real(classifier, pack, evaluated.rows, boxes, size),
        "classifier": {name: _brief(counts) for name, counts in card["test"].items()},
    }
    # Some faces in every style, with the mixtures between neighbours.
    some = np.unique(np.linspace(0, len(rows) - 1, SHOWN).astype(int))
    shown: dict[tuple[int, ...], Tensor] = {(label,): generated[label][some] for label in labels}
    for pair in itertools.pairwise(labels):
        shown[pair] = _generate(evaluated, rows[some], size, pair)
    parameters = {STYLE_FIDELITY: {"revision": 1, "faces": len(chosen), "styles": labels}}
    picture = _sheet(pack, rows[some], shown)
    return StyleFidelity(about, _scores(origin, chosen, hits), picture, parameters)


def _generate(
    evaluated: EvaluatedSystem, rows: np.ndarray, size: int, labels: Sequence[int]
) -> Tensor:
    """Generate faces in one style, or in equal parts of several: (N, C, size, size) uint8."""
    styles = range(1, evaluated.pack.channels[STYLE] + 1)
    weights = [1 / len(labels) if style in labels else 0.0 for style in styles]
    return generate(evaluated.system, evaluated.pack, rows, size, evaluated.device, weights)


def _scores(origin: Origin, ids: Sequence[str], hits: Mapping[int, np.ndarray]) -> pd.DataFrame:
    """Return lines of `SCORES`: hits by style that was asked for, and their mean of each face."""
    at = (origin, Method.SYSTEM)
    means = np.stack([*hits.values()]).mean(axis=0)
    return pd.concat(
        [
            long_frame(*at, ALL, STYLE_FIDELITY, ids, means),
            *(
                long_frame(*at, style_subset(label), STYLE_FIDELITY, ids, each)
                for label, each in hits.items()
            ),
        ]
    )


def _about(
    predicted: Mapping[int, np.ndarray], hits: Mapping[int, np.ndarray], known: Sequence[int]
) -> dict[str, Any]:
    """Return what pictures in each style that was asked for are classified as."""
    asked = [label for label, each in predicted.items() for _ in each]
    counts = accuracy(asked, np.concatenate([*predicted.values()]).tolist(), known)
    means = np.stack([*hits.values()]).mean(axis=0)
    fidelity = asdict(estimate(Sample.per_face(means)))
    return {
        "faces": len(means),
        "asked": counts["counts"],
        "rates": {str(label): float(each.mean()) for label, each in hits.items()},
        "fidelity": {key: fidelity[key] for key in ("mean", "low", "high")},
        "chance": 1 / len(known),
    }


def _real(
    classifier: StyleClassifier,
    pack: Pack,
    test: np.ndarray,
    boxes: Mapping[str, Box],
    size: int,
) -> dict[str, Any]:
    """Return how well real test sketches are recognised that went through the run's own size."""
    rows = [row for row in test if pack.ids[row] in boxes]
    rows = [row for row in rows if pack.styles[row] in classifier.labels]
    predicted: list[int] = []
    for row in rows:
        raw = pack.read_faces(np.array([row]), [SKETCH])[SKETCH]
        predicted += _classify(classifier, scaled(raw, size), [boxes[pack.ids[row]]]).tolist()
    return _brief(accuracy([pack.styles[row] or 0 for row in rows], predicted, classifier.labels))


def _brief(counts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: counts[name] for name in ("n", "accuracy", "balanced_accuracy", "rates")}


def _classify(classifier: StyleClassifier, pictures: Tensor, boxes: Sequence[Box]) -> np.ndarray:
    grey = pictures if pictures.shape[1] == 1 else rounded(as_grey(pictures.double()))
    return classifier.classify(zip(grey[:, 0].numpy(), boxes, strict=True))


def _sheet(pack: Pack, rows: np.ndarray, generated: Mapping[tuple[int, ...], Tensor]) -> np.ndarray:
    """Return a line for each face: its first input, then the styles with mixtures between them."""
    first = next(name for name in pack.inputs if name in pack.pictures)
    inputs = pack.read(rows, [first])[first]
    order = sorted(generated, key=lambda labels: (labels[0], len(labels)))
    groups = [
        [displayed(each) for each in (inputs[i], *(generated[labels][i] for labels in order))]
        for i in range(len(rows))
    ]
    heads = [f"style {' + '.join(map(str, labels))}" for labels in order]
    captions = [f"{pack.ids[row]}  target in style {pack.styles[row]}" for row in rows]
    return sheet(groups, captions, [first, *heads], side=max(pack.size, 96))
