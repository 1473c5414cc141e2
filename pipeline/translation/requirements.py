"""What a generator needs: inputs, framing, depth and styles, as the card of its weights says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from face_geometry.align import Framing
from face_geometry.polylines import REFERENCE_SIZE
from pipeline.depth.depth import DepthSettings
from pipeline.translation.recognition import FIELD_OF, FIELDS_OF, Kind, Target
from sketchface_models.config import load
from sketchface_models.errors import SketchFaceError
from sketchface_models.styles import STYLE, style_weights


@dataclass(frozen=True)
class Style:
    """A drawing style or a mixture of some, the style of a photo, or a random one.

    text: as the user wrote it. weights: one for each style of the generator, which sum to one;
    empty for a generator without styles. photo: whose style code is used, (C, S, S) uint8, as packs
    hold it. code: seed and number, from 1, of a random style code. Without any of these a generator
    draws in its one style.
    """

    text: str
    weights: tuple[float, ...] = ()
    photo: np.ndarray | None = field(default=None, compare=False)
    code: tuple[int, int] | None = None

    @property
    def caption(self) -> str:
        """What a sheet says of this style; empty for the only one."""
        if self.code is not None:
            return self.text
        if self.photo is not None:
            return f"style of {self.text}"
        return f"style {self.text}" if self.text else ""

    @property
    def name(self) -> str:
        """The mark of this style in file names."""
        if self.code is not None:
            return f"random{self.code[1]}"
        if self.photo is not None:
            return self.text
        return f"style{'-'.join(part.strip() for part in self.text.split(','))}"


@dataclass(frozen=True)
class Requirements:
    """What one generator reads.

    source: where the weights come from, for messages. inputs: names of fields, in order. target:
    what it draws. size: side of what it reads and draws, pixels. sizes: field -> its side, where it
    is another. aligned: side of the aligned
    training photos, pixels. framing: where those have eyes and mouth; None if the weights do not
    say. depth: settings of the training depth, of which some may be missing. styles: label ->
    number of training faces. contour_moves: how far training moved contours at most, as a part of
    the side, and turned them, degrees.
    """

    source: str
    inputs: tuple[str, ...]
    target: Target
    size: int
    aligned: int
    framing: Framing | None
    depth: Mapping[str, Any]
    styles: Mapping[str, int]
    contour_moves: tuple[float, float]
    sizes: Mapping[str, int] = field(default_factory=dict)

    def side(self, name: str) -> int:
        """Return the side of a field's pictures in pixels."""
        return self.sizes.get(name, self.size)

    @property
    def target_field(self) -> str:
        """The field that is drawn."""
        return FIELD_OF[self.target]

    @property
    def kinds(self) -> list[Kind]:
        """The kinds of pictures that give all inputs."""
        return _kinds(self.inputs)

    @classmethod
    def of(cls, card: Mapping[str, Any], source: str, target: Target | None = None) -> Requirements:
        """Return the requirements that a card states.

        Args:
            card: of the weights.
            source: where they come from.
            target: what is wanted; systems that translate both ways are turned round for it.

        Raises:
            SketchFaceError: if the weights draw none of `Target`, or read what no picture gives.
        """
        task, faces = card["model"]["task"], card.get("faces") or {}
        inputs, result = _direction(task, target, source)
        targets: dict[str, Target] = {name: each for each, name in FIELD_OF.items()}
        if result not in targets:
            raise SketchFaceError(
                f"{source}: draws {result}, neither sketches nor photos; name the weights of "
                "another run"
            )
        if not _kinds(inputs):
            raise SketchFaceError(
                f"{source}: reads {', '.join(inputs)}; {_offers()}: name the weights of another run"
            )
        points, augment = faces.get("framing"), card["model"].get("augment") or {}
        return cls(
            source=source,
            inputs=inputs,
            target=targets[result],
            size=task["size"],
            sizes=task.get("sizes") or {},
            aligned=faces.get("size") or task["size"],
            framing=None if points is None else Framing(tuple(map(tuple, points))),  # type: ignore[arg-type]
            depth=faces.get("depth") or {},
            styles=card.get("styles") or {},
            contour_moves=(
                augment.get("contour_shift", 0.0) / REFERENCE_SIZE,
                augment.get("contour_rotation", 0.0),
            ),
        )

    def only_kind(self, kind: Kind | None) -> Kind | None:
        """Return the kind of picture that is read; None if it must be recognised.

        Args:
            kind: what the user says it is; None if nothing.

        Raises:
            SketchFaceError: if the generator cannot read such pictures.
        """
        kinds = self.kinds
        if kind is not None and kind not in kinds:
            raise SketchFaceError(
                f"--from {kind}: {self.source} reads {', '.join(self.inputs)}; {_offers()}: name "
                "the weights of another run"
            )
        return kind or (kinds[0] if len(kinds) == 1 else None)

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


def _direction(
    task: Mapping[str, Any], target: Target | None, source: str
) -> tuple[tuple[str, ...], str]:
    """Return the fields that are read and the one that is drawn: for an unpaired task either way.

    Args:
        task: of the run.
        target: what is wanted; None for what the task says.
        source: of the weights.

    Raises:
        SketchFaceError: if it takes what no picture is read as.
    """
    inputs, result = tuple(task["inputs"]), task["target"]
    turned = task.get("unpaired") and target is not None and inputs == (FIELD_OF[target],)
    if turned and not _kinds([result]):
        raise SketchFaceError(
            f"--to {target}: {source} makes one of a {result} alone; {_offers()}: leave --to out"
        )
    if turned:
        return (result,), inputs[0]
    return inputs, result


def _kinds(inputs: Sequence[str]) -> list[Kind]:
    """Return the kinds of pictures that give all of these fields."""
    return [kind for kind, fields in FIELDS_OF.items() if set(inputs) <= set(fields)]


def _offers() -> str:
    return ", ".join(f"a {kind} gives {', '.join(fields)}" for kind, fields in FIELDS_OF.items())
