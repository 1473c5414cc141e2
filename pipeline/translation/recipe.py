"""What weights say of the photos that they were trained on, and so of those that they can draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from face_geometry.align import Framing
from pipeline.depth.depth import DepthSettings
from pipeline.evaluate.score import processor
from sketchface_models.config import load
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import WEIGHTS_FILE, load_generator, load_trained
from sketchface_models.styles import STYLE, style_weights
from sketchface_models.systems.base import System

FROM_PHOTOS = ("photo", "depth", STYLE)
"""The inputs that any photo has."""
DEFAULT = "hida"
"""The shipped generator that draws where no weights are named."""


@dataclass(frozen=True)
class Style:
    """A drawing style, or a mixture of some.

    text: as it was asked for. weights: one for each style of the generator, which sum to one; none
    for a generator without styles.
    """

    text: str
    weights: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """As it stands in the names of files."""
        return f"style{'-'.join(part.strip() for part in self.text.split(','))}"


@dataclass(frozen=True)
class Recipe:
    """What one generator reads.

    source: of the weights, for messages. inputs: names of fields, in order. size: side of the
    pictures that it draws, pixels. aligned: side of the aligned photos that it learned from.
    framing: where they have eyes and mouth; None if the weights do not say. depth: settings of the
    depth that it learned from, of which some may be missing. styles: label -> training faces.
    """

    source: str
    inputs: tuple[str, ...]
    size: int
    aligned: int
    framing: Framing | None
    depth: Mapping[str, Any]
    styles: Mapping[str, int]

    @classmethod
    def of(cls, card: Mapping[str, Any], source: str) -> Recipe:
        """From the card of weights.

        Raises:
            SketchFaceError: if they do not draw sketches, or not of photos.
        """
        task, faces = card["model"]["task"], card.get("faces") or {}
        if task["target"] != "sketch":
            raise SketchFaceError(
                f"{source}: draws {task['target']}, not sketches; name the weights of another run"
            )
        other = [name for name in task["inputs"] if name not in FROM_PHOTOS]
        if other or "photo" not in task["inputs"]:
            raise SketchFaceError(
                f"{source}: reads {', '.join(task['inputs'])}; a photo gives "
                f"{', '.join(FROM_PHOTOS)} alone: name the weights of a run that reads the photo"
            )
        points = faces.get("framing")
        return cls(
            source=source,
            inputs=tuple(task["inputs"]),
            size=task["size"],
            aligned=faces.get("size") or task["size"],
            framing=None if points is None else Framing(tuple(map(tuple, points))),  # type: ignore[arg-type]
            depth=faces.get("depth") or {},
            styles=card.get("styles") or {},
        )

    def chosen_styles(self, texts: Sequence[str], every: bool) -> list[Style]:
        """The styles to draw.

        Args:
            texts: what was asked for, labels or mixtures.
            every: draw in every style, not just the first, where nothing was asked for.

        Raises:
            SketchFaceError: for a style that the generator does not have.
        """
        if STYLE not in self.inputs:
            if texts:
                raise SketchFaceError(
                    f"style {texts[0]!r}: {self.source} knows no styles; leave --style out"
                )
            return [Style("")]
        known = [label for label, faces in self.styles.items() if faces]
        asked = list(texts) or (known if every else known[:1])
        found = [Style(text.strip(), tuple(style_weights(text, self.styles))) for text in asked]
        return list({style.name: style for style in found}.values())

    def depth_settings(self, changes: Mapping[str, Any]) -> DepthSettings | None:
        """How to make depth; None where none is read.

        Args:
            changes: settings that differ from those of the training photos.

        Raises:
            SketchFaceError: for a setting that cannot be.
        """
        if "depth" not in self.inputs:
            if changes:
                raise SketchFaceError(
                    f"{self.source} reads no depth; leave --depth, --depth-path and --nearer out"
                )
            return None
        # A depth picture made elsewhere shows the photo as it came, not as it was aligned.
        values = {"backend": "facemesh", **self.depth, "framing": "source", **changes}
        if values["backend"] == "facemesh" and {"path", "nearer"} & set(changes):
            raise SketchFaceError(
                "--depth-path, --nearer: not read where depth comes from the face mesh; give "
                "--depth files or --depth onnx with them"
            )
        if values["backend"] != "facemesh" and "path" not in changes:
            wanted = {"files": "the folder of depth pictures", "onnx": "the model"}
            raise SketchFaceError(
                f"depth from {values['backend']}: give --depth-path, "
                f"{wanted.get(values['backend'], 'where it lies')}"
            )
        return load(DepthSettings, values, "depth")


def open_weights(weights: Path | None) -> tuple[System, Recipe, torch.device]:
    """A generator in eval mode, what it reads, and the processor that it stands on.

    Args:
        weights: folder of a trained run, or the one that holds its `weights`; None for the
            generator that comes with the package.

    Raises:
        SketchFaceError: if there are no weights, they are damaged, or draw no sketches of photos.
    """
    device = processor()
    if weights is None:
        system, card = load_generator(DEFAULT, device)
        return system, Recipe.of(card, f"the shipped {DEFAULT}"), device
    inner = weights / "weights"
    folder = (
        inner
        if not (weights / WEIGHTS_FILE).exists() and (inner / WEIGHTS_FILE).exists()
        else weights
    )
    if not (folder / WEIGHTS_FILE).exists():
        raise SketchFaceError(
            f"{weights}: no {WEIGHTS_FILE} in it; name the weights folder of a trained run, such "
            "as data/train/hida/0/weights"
        )
    system, card = load_trained(folder, device)
    return system, Recipe.of(card, str(weights)), device
