"""The `style` stage: a classifier of real sketches, by which drawings are asked for their style.

It writes

    style.json          how well it knows real test sketches, as they are and softened as drawings
                        of half their size are: overall, by style, and by the photos' source
    model.safetensors   the classifier; left out where there are not two styles to tell apart
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR
from tqdm import trange

from pipeline.common.tables import aligned_size
from pipeline.style.classifier import SMALLEST, StyleClassifier, StyleNet, as_input
from pipeline.style.crops import lowpassed, training_piece
from pipeline.style.faces import StyledFace, read_sketches, styled_faces
from sketchface_models.atomic import atomic_dir, write_json
from sketchface_models.config import at_least, between
from sketchface_models.errors import SketchFaceError

ABOUT = "style.json"
RATE, DECAY, SMOOTHING = 6e-3, 1e-2, 0.05
SOFTENED = 0.5
"""Size, as a part of the data set's, at which most drawings are made."""
NO_STYLES = "fewer than two styles among the training sketches: nothing to tell apart"


@dataclass(frozen=True)
class StyleSettings:
    """The `style` section."""

    steps: Annotated[int, at_least(1)]
    batch: Annotated[int, at_least(2)]
    """Pieces of sketches a step, of each style in turn."""
    piece: Annotated[float, between(0.05, 0.5)]
    """Side of a piece, as a part of the picture's."""
    faces: Annotated[int, at_least(1)]
    """Most sketches of each style, to learn from and to test on."""
    seed: Annotated[int, at_least(0)]


def train_styles(faces: Path, landmarks: Path, out: Path, settings: StyleSettings) -> None:
    """Train the classifier on training sketches and test it on real test sketches.

    Args:
        faces: folder of the `faces` stage.
        landmarks: folder of the `landmarks` stage.
        out: folder to write.
        settings: the `style` section.
    """
    known = styled_faces(faces, landmarks, "train", settings.faces)
    labels = tuple(sorted({face.style for face in known}))
    if len(labels) < 2:
        with atomic_dir(out) as folder:
            write_json(folder / ABOUT, {"note": NO_STYLES})
        return
    side = max(SMALLEST, round(settings.piece * aligned_size(faces)))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the order of sums, and so the weights, depend on their number
    try:
        sketches = dict(read_sketches(faces, {face.id for face in known}))
        network = _trained(known, sketches, labels, side, settings)
        classifier = StyleClassifier(network, labels, side)
        test = styled_faces(faces, landmarks, "test", settings.faces)
        about = {
            "trained_on": {str(label): _count(known, label) for label in labels},
            "side": side,
            "test": _test(classifier, [face for face in test if face.style in labels], faces),
        }
    finally:
        torch.set_num_threads(threads)
    with atomic_dir(out) as folder:
        write_json(folder / ABOUT, about)
        classifier.save(folder)


def read_told(folder: Path) -> dict[str, Any]:
    """What `train_styles` wrote of its classifier.

    Raises:
        SketchFaceError: if it is missing or damaged.
    """
    path = folder / ABOUT
    try:
        told = dict(json.loads(path.read_text(encoding="utf-8")))
        return told if "note" in told else told | {"test": dict(told["test"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise SketchFaceError(f"{path}: missing or damaged; run `dvc repro style`") from None


def accuracy(truth: Sequence[int], taken: Sequence[int], labels: Sequence[int]) -> dict[str, Any]:
    """How often pictures of each style are taken for which.

    Args:
        truth: style of each picture.
        taken: what it is taken for.
        labels: of all styles.

    Returns:
        n, accuracy, balanced_accuracy (the mean of the styles' rates), rates by style, and counts
        by style and what it was taken for. What cannot be said without pictures is None.
    """
    pairs = list(zip(map(int, truth), map(int, taken), strict=True))
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
    known: Sequence[StyledFace],
    sketches: Mapping[str, np.ndarray],
    labels: tuple[int, ...],
    side: int,
    settings: StyleSettings,
) -> StyleNet:
    by_style = [[face for face in known if face.style == label] for label in labels]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = StyleNet(len(labels)).train()
    optimizer = AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = OneCycleLR(optimizer, RATE, total_steps=max(settings.steps, 2))
    for step in trange(settings.steps, desc="style", unit="step", disable=None):
        draw = np.random.default_rng([settings.seed, step])
        classes = (step * settings.batch + np.arange(settings.batch)) % len(labels)
        chosen = [by_style[each][draw.integers(len(by_style[each]))] for each in classes]
        cut = [training_piece(sketches[face.id], face.box, side, draw) for face in chosen]
        scores = network(as_input(np.stack(cut)))
        loss = F.cross_entropy(scores, torch.from_numpy(classes), label_smoothing=SMOOTHING)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network


def _test(
    classifier: StyleClassifier, test: Sequence[StyledFace], faces: Path
) -> dict[str, dict[str, Any]]:
    """Accuracy on real sketches, as they are and softened, each overall and by source."""
    of = {face.id: face for face in test}
    seen: list[StyledFace] = []
    plain: list[int] = []
    soft: list[int] = []
    for id, sketch in read_sketches(faces, of):
        softened = lowpassed(sketch, round(SOFTENED * len(sketch)))
        box = of[id].box
        seen.append(of[id])
        for found, picture in ((plain, sketch), (soft, softened)):
            found += classifier.taken_for([(picture, box)]).tolist()
    return {
        name: _accuracies(seen, taken, classifier.labels)
        for name, taken in (("as they are", plain), ("softened", soft))
    }


def _accuracies(
    faces: Sequence[StyledFace], taken: Sequence[int], labels: Sequence[int]
) -> dict[str, Any]:
    def of(source: str | None) -> dict[str, Any]:
        chosen = [i for i, face in enumerate(faces) if source in (None, face.source)]
        return accuracy([faces[i].style for i in chosen], [taken[i] for i in chosen], labels)

    sources = sorted({face.source for face in faces})
    return of(None) | {"by_source": {source: of(source) for source in sources}}


def _count(faces: Sequence[StyledFace], style: int) -> int:
    return sum(face.style == style for face in faces)
