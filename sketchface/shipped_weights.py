"""The weights that come with the package: what they are for, terms, scores, hashes and sizes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pipeline
import sketchface_models
from sketchface_models.errors import SketchFaceError

PRETRAINED = Path(sketchface_models.__file__).parent / "pretrained"
ATTRIBUTES = Path(pipeline.__file__).parent / "evaluate" / "attributes" / "attributes.json"
"""What `evaluate` judges the control of attributes by, with a card of another form."""
_ROWS = ("system", "model")  # a card's row of the network's own scores
_REMEDY = "install the package again"


@dataclass(frozen=True)
class Shipped:
    """One file of weights.

    kind: generator, parser or classifier. lines: what its card says, for people. sha256: of the
    file. size: bytes. fault: why it cannot be used; empty if it can.
    """

    name: str
    kind: str
    lines: tuple[str, ...]
    sha256: str
    size: int
    fault: str = ""


def shipped_weights(folder: Path = PRETRAINED, attributes: Path = ATTRIBUTES) -> list[Shipped]:
    """Return all weights that ship, generators first, each checked against its card's hash.

    Raises:
        SketchFaceError: if a card is damaged, or there are no weights.
    """
    shipped = []
    for kind, described in (("generator", _generator), ("parser", _parser)):
        for path in sorted((folder / f"{kind}s").glob("*.safetensors")):
            card = _card(path.with_suffix(".json"))
            lines = (
                *described(card),
                f"terms: {card['terms']}",
                f"card: {path.with_suffix('.md')}",
            )
            shipped.append(_shipped(path, kind, lines, card["sha256"]))
    if not shipped:
        raise SketchFaceError(f"{folder}: no weights; {_REMEDY}")
    path = attributes.with_suffix(".safetensors")
    return [*shipped, _shipped(path, "classifier", tuple(_classifier(_card(attributes))))]


def _generator(card: Mapping[str, Any]) -> Iterator[str]:
    task, scores = card["model"]["task"], card["scores"]
    back = ", and back" if task.get("unpaired") else ""
    yield (
        f"draws a {task['target']} of {', '.join(task['inputs'])} at {task['size']} pixels{back}; "
        f"{card['parameters'] / 1e6:.1f} million parameters"
    )
    yield f"learned from {card['data']['what']}"
    row = next(scores["rows"][name] for name in _ROWS if name in scores["rows"])
    means = (
        f"{name} {value['mean']:.3f}" for name, value in row.items() if not name.count("_iou_")
    )
    yield (
        f"scores on {scores['faces']:,} faces of {scores['split']} ({scores['protocol']}): "
        f"{', '.join(means)}"
    )


def _parser(card: Mapping[str, Any]) -> Iterator[str]:
    test = card["scores"]["test"]
    yield f"labels photos in 19 classes; {card['parameters'] / 1e6:.1f} million parameters"
    yield f"learned from {card['data']['what']}"
    means = ", ".join(f"{name} {test[name]:.3f}" for name in ("mean_iou", "mean_f1", "accuracy"))
    yield f"scores on {test['faces']:,} faces of test: {means}"


def _classifier(card: Mapping[str, Any]) -> Iterator[str]:
    accuracy = card["accuracy"]
    yield "tells hair, glasses and open mouths in photos; evaluate judges photos of doodles by it"
    yield "learned from the built-in faces of SketchFace, which show nobody"
    yield (
        f"scores on {card['held_out']:,} held-out photos: accuracy {min(accuracy.values()):.3f} to "
        f"{max(accuracy.values()):.3f}"
    )
    yield "terms: MIT, as the package itself"


def _shipped(path: Path, kind: str, lines: tuple[str, ...], expected: str = "") -> Shipped:
    try:
        data = path.read_bytes()
    except OSError as error:
        return Shipped(path.stem, kind, lines, "", 0, f"{path}: {error.strerror}; {_REMEDY}")
    sha256 = hashlib.sha256(data).hexdigest()
    damaged = expected not in ("", sha256)
    fault = f"{path}: not the file that its card describes; {_REMEDY}" if damaged else ""
    return Shipped(path.stem, kind, lines, sha256, len(data), fault)


def _card(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise SketchFaceError(
            f"{path}: no card ({' '.join(str(error).split())}); {_REMEDY}"
        ) from None
