"""Train the classifier of real sketches that says in which style a generated sketch is.

It writes

    style.json          how well it classifies real test sketches, as they are and as soft as
                        generated ones of half their size: overall, by style and by the
                        photos' source
    model.safetensors   the classifier; left out where there are not two styles to tell apart
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from pipeline.common.face_tables import aligned_size
from pipeline.common.progress import progress
from pipeline.style.classifier import SMALLEST, StyleClassifier, StyleNet, as_input
from pipeline.style.crops import lowpassed, training_piece
from pipeline.style.faces import StyledFace, read_sketches, styled_faces
from sketchface_models.atomic import atomic_dir, write_json
from sketchface_models.config import at_least, between
from sketchface_models.errors import SketchFaceError
from sketchface_models.runtime import one_thread

ABOUT = "style.json"
RATE, DECAY, SMOOTHING = 6e-3, 1e-2, 0.05
SOFTENED = 0.5
"""Size, as a part of the data set's, at which most sketches are generated."""
NO_STYLES = "fewer than two styles among the training sketches: nothing to tell apart"


@dataclass(frozen=True)
class StyleSettings:
    """The `style` section."""

    steps: Annotated[int, at_least(1)]
    """Training steps."""
    batch: Annotated[int, at_least(2)]
    """Pieces of sketches a step, of each style in turn."""
    piece: Annotated[float, between(0.05, 0.5)]
    """Side of a piece, as a part of the picture's."""
    faces: Annotated[int, at_least(1)]
    """Most sketches of each style, to learn from and to test on."""
    seed: Annotated[int, at_least(0)]
    """Of the first weights, and of the sketches and pieces that each step learns from."""


def train_styles(faces: Path, landmarks: Path, out: Path, settings: StyleSettings) -> None:
    """Train the classifier on training sketches and test it on real test sketches.

    Args:
        faces: folder of the `faces` stage.
        landmarks: folder of the `landmarks` stage.
        out: folder to write.
        settings: the `style` section.
    """
    learned = styled_faces(faces, landmarks, "train", settings.faces)
    labels = tuple(sorted({face.style for face in learned}))
    if len(labels) < 2:
        with atomic_dir(out) as folder:
            write_json(folder / ABOUT, {"note": NO_STYLES})
        return
    side = max(SMALLEST, round(settings.piece * aligned_size(faces)))
    with one_thread():  # or the weights would depend on the number of cores
        sketches = dict(read_sketches(faces, {face.id for face in learned}))
        network = _trained(learned, sketches, labels, side, settings)
        classifier = StyleClassifier(network, labels, side)
        test = styled_faces(faces, landmarks, "test", settings.faces)
        about = {
            "trained_on": {str(label): _count(learned, label) for label in labels},
            "side": side,
            "test": _test(classifier, [face for face in test if face.style in labels], faces),
        }
    with atomic_dir(out) as folder:
        write_json(folder / ABOUT, about)
        classifier.save(folder)


def read_style_card(folder: Path) -> dict[str, Any]:
    """Read what `train_styles` wrote of its classifier.

    Raises:
        SketchFaceError: if it is missing or damaged.
    """
    path = folder / ABOUT
    try:
        card = dict(json.loads(path.read_text(encoding="utf-8")))
        return card if "note" in card else card | {"test": dict(card["test"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise SketchFaceError(f"{path}: missing or damaged; run `dvc repro style`") from None


def accuracy(
    truth: Sequence[int], predicted: Sequence[int], labels: Sequence[int]
) -> dict[str, Any]:
    """Count which styles pictures of each style are classified as.

    Args:
        truth: style of each picture.
        predicted: style that it is classified as.
        labels: of all styles.

    Returns:
        n, accuracy, balanced_accuracy (the mean of the styles' rates), rates by style, and counts
        by style and predicted style. What cannot be said without pictures is None.
    """
    pairs = list(zip(map(int, truth), map(int, predicted), strict=True))
    counts = {
        str(label): {str(other): pairs.count((label, other)) for other in labels}
        for label in labels
    }
    rates = {
        label: row[label] / sum(row.values()) if sum(row.values()) else None
        for label, row in counts.items()
    }
    measured = [rate for rate in rates.values() if rate is not None]
    right = sum(one == other for one, other in pairs)
    return {
        "n": len(pairs),
        "accuracy": right / len(pairs) if pairs else None,
        "balanced_accuracy": sum(measured) / len(measured) if measured else None,
        "rates": rates,
        "counts": counts,
    }


def _trained(
    faces: Sequence[StyledFace],
    sketches: Mapping[str, np.ndarray],
    labels: tuple[int, ...],
    side: int,
    settings: StyleSettings,
) -> StyleNet:
    by_style = [[face for face in faces if face.style == label] for label in labels]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = StyleNet(len(labels)).train()
    optimizer = AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = OneCycleLR(optimizer, RATE, total_steps=max(settings.steps, 2))

    def batch(step: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([settings.seed, step])
        classes = (step * settings.batch + np.arange(settings.batch)) % len(labels)
        chosen = [by_style[each][rng.integers(len(by_style[each]))] for each in classes]
        pieces = [training_piece(sketches[face.id], face.box, side, rng) for face in chosen]
        return np.stack(pieces), classes

    with ThreadPoolExecutor(1) as cutter:  # cuts the next step's pieces while this one learns
        ahead = cutter.submit(batch, 0)
        for step in progress(range(settings.steps), settings.steps, "style", "step"):
            pieces, classes = ahead.result()
            ahead = cutter.submit(batch, step + 1)
            scores = network(as_input(pieces))
            loss = F.cross_entropy(scores, torch.from_numpy(classes), label_smoothing=SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network


def _test(
    classifier: StyleClassifier, test: Sequence[StyledFace], faces: Path
) -> dict[str, dict[str, Any]]:
    """Return the accuracy on real sketches, as they are and softened, overall and by source."""
    by_id = {face.id: face for face in test}
    tested: list[StyledFace] = []
    plain: list[int] = []
    soft: list[int] = []
    for id, sketch in read_sketches(faces, by_id):
        softened = lowpassed(sketch, round(SOFTENED * len(sketch)))
        box = by_id[id].box
        tested.append(by_id[id])
        for predicted, picture in ((plain, sketch), (soft, softened)):
            predicted += classifier.classify([(picture, box)]).tolist()
    return {
        name: _accuracies(tested, predicted, classifier.labels)
        for name, predicted in (("as they are", plain), ("softened", soft))
    }


def _accuracies(
    faces: Sequence[StyledFace], predicted: Sequence[int], labels: Sequence[int]
) -> dict[str, Any]:
    def by_source(source: str | None) -> dict[str, Any]:
        chosen = [i for i, face in enumerate(faces) if source in (None, face.source)]
        return accuracy([faces[i].style for i in chosen], [predicted[i] for i in chosen], labels)

    sources = sorted({face.source for face in faces})
    return by_source(None) | {"by_source": {source: by_source(source) for source in sources}}


def _count(faces: Sequence[StyledFace], style: int) -> int:
    return sum(face.style == style for face in faces)
