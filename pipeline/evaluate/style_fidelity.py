"""Whether a system that is asked for a style draws in it.

The same test faces are drawn in every style it learned. A classifier that learned from real
sketches, and that no system learns from, says which style each drawing is in. All faces come from
one source, so that nothing but the style that was asked for can tell the drawings apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.common.images import encode_png
from pipeline.common.sheets import sheet
from pipeline.evaluate.draw import draw, scaled, whole
from pipeline.evaluate.layout import STYLES_SHEET
from pipeline.evaluate.truth import TEST, read_about
from pipeline.style.classifier import StyleClassifier
from pipeline.style.crops import Box
from pipeline.style.faces import of_main_source, read_boxes, spread
from pipeline.style.training import ABOUT, NO_STYLES, accuracy, read_told
from sketchface_models.atomic import write_json
from sketchface_models.metrics.bootstrap import mean_interval
from sketchface_models.pixels import as_grey
from sketchface_models.styles import STYLE
from sketchface_models.systems.base import System
from sketchface_models.training.pack import Pack

SKETCH = "sketch"
SHOWN = 8
"""Faces on the sheet."""


@dataclass(frozen=True)
class StyleFidelity:
    """What is written of it; `about` stands in the summary too."""

    about: dict[str, Any]
    picture: np.ndarray | None

    def write(self, folder: Path) -> None:
        """Write `style.json` and the sheet, where there is one."""
        write_json(folder / ABOUT, self.about)
        if self.picture is not None:
            (folder / STYLES_SHEET).write_bytes(encode_png(self.picture))


def style_fidelity(
    system: System,
    card: Mapping[str, Any],
    data: Path,
    pack: Pack,
    most: int,
    seed: int,
    device: torch.device,
) -> StyleFidelity | None:
    """Draw test faces in every style, and say how often the one asked for is recognised.

    Args:
        system: in eval mode, on `device`.
        card: of its weights; `styles` counts the training faces of each style.
        data: folder with the stages' folders, `style` among them.
        pack: the run's.
        most: faces to draw.
        seed: of the bootstrap over faces.
        device: on which to draw.

    Returns:
        None for a run that takes no style or draws no sketches.

    Raises:
        SketchFaceError: if the classifier is missing or damaged.
    """
    if STYLE not in pack.inputs or pack.target != SKETCH:
        return None
    told = read_told(data / "style")
    if "note" in told:
        return StyleFidelity({"note": told["note"]}, None)
    classifier = StyleClassifier.load(data / "style")
    labels = [label for label in classifier.labels if card["styles"].get(str(label))]
    if len(labels) < 2:
        return StyleFidelity({"note": NO_STYLES}, None)
    ids = [pack.ids[row] for row in pack.rows(TEST)]
    boxes = read_boxes(data / "landmarks", set(ids))
    source, chosen = of_main_source(data / "faces", [id for id in ids if id in boxes])
    chosen = spread(chosen, most)
    if not chosen:
        return StyleFidelity({"note": "no test face has landmarks: nothing to look at"}, None)
    rows = np.array([pack.ids.index(id) for id in chosen])
    size = int(read_about(data)["size"])
    drawn = {
        label: draw(system, pack, rows, size, device, _weights([label], pack)) for label in labels
    }
    where = [boxes[id] for id in chosen]
    taken = {label: _taken(classifier, drawn[label], where) for label in labels}
    about = _about(chosen, taken, classifier.labels, seed) | {
        "source": source,
        "real": _real(classifier, pack, boxes, size),
        "classifier": {name: _brief(found) for name, found in told["test"].items()},
    }
    some = np.unique(np.linspace(0, len(rows) - 1, SHOWN).astype(int))
    shown: dict[tuple[int, ...], Tensor] = {(label,): drawn[label][some] for label in labels}
    for pair in itertools.pairwise(labels):
        shown[pair] = draw(system, pack, rows[some], size, device, _weights(pair, pack))
    return StyleFidelity(about, _sheet(pack, rows[some], shown))


def _about(
    ids: Sequence[str], taken: Mapping[int, np.ndarray], known: Sequence[int], seed: int
) -> dict[str, Any]:
    """What each style that was asked for was taken for.

    `hits`: for each face, in how many of the styles, as a part of them, it was drawn as asked.
    """
    asked = [label for label, each in taken.items() for _ in each]
    found = accuracy(asked, np.concatenate(list(taken.values())).tolist(), known)
    hits = np.stack([each == label for label, each in taken.items()])
    return {
        "faces": hits.shape[1],
        "asked": found["counts"],
        "rates": {str(label): float(hit.mean()) for label, hit in zip(taken, hits, strict=True)},
        "fidelity": asdict(mean_interval(hits.mean(axis=0), seed)),
        "chance": 1 / len(known),
        "hits": dict(zip(ids, hits.mean(axis=0).round(4).tolist(), strict=True)),
        "hits_by_style": {
            str(label): hit.astype(int).tolist() for label, hit in zip(taken, hits, strict=True)
        },
    }


def _real(
    classifier: StyleClassifier, pack: Pack, boxes: Mapping[str, Box], size: int
) -> dict[str, Any]:
    """How well real test sketches are recognised that went through the run's own size."""
    rows = [row for row in pack.rows(TEST) if pack.ids[row] in boxes]
    rows = [row for row in rows if pack.styles[row] in classifier.labels]
    taken: list[int] = []
    for row in rows:
        raw = pack.read(np.array([row]), [pack.target])[pack.target]
        taken += _taken(classifier, scaled(raw, size), [boxes[pack.ids[row]]]).tolist()
    return _brief(accuracy([pack.styles[row] or 0 for row in rows], taken, classifier.labels))


def _brief(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("n", "accuracy", "balanced_accuracy", "rates")}


def _taken(classifier: StyleClassifier, pictures: Tensor, boxes: Sequence[Box]) -> np.ndarray:
    grey = pictures if pictures.shape[1] == 1 else whole(as_grey(pictures.double()))
    return classifier.taken_for(zip(grey[:, 0].numpy(), boxes, strict=True))


def _weights(labels: Sequence[int], pack: Pack) -> list[float]:
    planes = range(1, pack.channels[STYLE] + 1)
    return [1 / len(labels) if label in labels else 0.0 for label in planes]


def _sheet(pack: Pack, rows: np.ndarray, drawn: Mapping[tuple[int, ...], Tensor]) -> np.ndarray:
    """A line a face: its first input, then the styles with the mixtures between them."""
    first = next(name for name in pack.inputs if name in pack.pictures)
    given = pack.read(rows, [first])[first]
    order = sorted(drawn, key=lambda labels: (labels[0], len(labels)))
    groups = [
        [_shown(each) for each in (given[i], *(drawn[labels][i] for labels in order))]
        for i in range(len(rows))
    ]
    heads = [f"style {' + '.join(map(str, labels))}" for labels in order]
    captions = [f"{pack.ids[row]}  target in style {pack.styles[row]}" for row in rows]
    return sheet(groups, captions, [first, *heads], side=max(pack.size, 96))


def _shown(picture: Tensor) -> np.ndarray:
    return np.squeeze(np.moveaxis(picture.numpy(), 0, 2))
