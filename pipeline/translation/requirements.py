"""What a generator needs: inputs, framing, depth and styles, as the card of its weights says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from face_geometry.align import Framing
from pipeline.depth.depth import DepthSettings
from sketchface_models.config import load
from sketchface_models.errors import SketchFaceError
from sketchface_models.styles import STYLE, style_weights

FROM_PHOTOS = ("photo", "depth", STYLE)
"""The inputs that any photo has."""


@dataclass(frozen=True)
class Style:
    """A drawing style, or a mixture of some.

    text: as the user wrote it. weights: one for each style of the generator, which sum to one;
    empty for a generator without styles.
    """

    text: str
    weights: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """The mark of this style in file names."""
        return f"style{'-'.join(part.strip() for part in self.text.split(','))}"


@dataclass(frozen=True)
class Requirements:
    """What one generator reads.

    source: where the weights come from, for messages. inputs: names of fields, in order. size: side
    of what it reads and draws, pixels. aligned: side of the aligned training photos, pixels.
    framing: where those have eyes and mouth; None if the weights do not say. depth: settings of the
    training depth, of which some may be missing. styles: label -> number of training faces.
    """

    source: str
    inputs: tuple[str, ...]
    size: int
    aligned: int
    framing: Framing | None
    depth: Mapping[str, Any]
    styles: Mapping[str, int]

    @classmethod
    def of(cls, card: Mapping[str, Any], source: str) -> Requirements:
        """Return the requirements that a card states.

        Raises:
            SketchFaceError: if the weights do not draw sketches, or need more than a photo.
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

    def select_styles(self, texts: Sequence[str], every: bool) -> list[Style]:
        """Return the styles to draw, each once.

        Args:
            texts: labels ("2") or mixtures ("0.5,0.5,0").
            every: without texts, every trained style instead of the first.

        Raises:
            SketchFaceError: for a style that the generator does not have.
        """
        if STYLE not in self.inputs:
            if texts:
                raise SketchFaceError(
                    f"style {texts[0]!r}: {self.source} knows no styles; leave --style out"
                )
            return [Style("")]
        trained = [label for label, faces in self.styles.items() if faces]
        texts = list(texts) or (trained if every else trained[:1])
        styles = [Style(text.strip(), tuple(style_weights(text, self.styles))) for text in texts]
        return list({style.name: style for style in styles}.values())

    def depth_settings(self, changes: Mapping[str, Any]) -> DepthSettings | None:
        """Return how to make depth; None where the generator reads none.

        Args:
            changes: settings that differ from those of the training photos.

        Raises:
            SketchFaceError: for settings that are not allowed, or not together.
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
            path = {"files": "the folder of depth pictures", "onnx": "the model"}
            raise SketchFaceError(
                f"depth from {values['backend']}: give --depth-path, "
                f"{path.get(values['backend'], 'where it lies')}"
            )
        return load(DepthSettings, values, "depth")
