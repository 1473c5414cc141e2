"""Three ways to draw a face from its geometry.

Style 1 is a few sure outlines; style 2 adds strands of hair and the deepest shadows; style 3 models
the whole form with hatching that follows light and depth.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.synthetic import labels
from pipeline.synthetic.anatomy import SIDES
from pipeline.synthetic.glasses import Glasses
from pipeline.synthetic.hatching import FULL, LIGHT, Family, hatch
from pipeline.synthetic.outlines import outlines
from pipeline.synthetic.pencil import Pencil, on_paper
from pipeline.synthetic.scene import Geometry, Scene
from pipeline.synthetic.traits import Traits
from pipeline.synthetic.tresses import flow_field, strands


@dataclass(frozen=True)
class Subject:
    """What a draughtsman sees: S is the side of the canvas.

    light: (S, S) float32 in [0, 1], how bright each place looks; 1 where nothing is.
    names: (S, S) uint8 labels. hair: (S, S) float32 in [0, 1].
    """

    scene: Scene
    geometry: Geometry
    light: np.ndarray
    names: np.ndarray
    hair: np.ndarray
    glasses: Glasses | None


@dataclass(frozen=True)
class Manner:
    """How a style draws: hair lines per canvas, its hatching, unsteadiness, weight of the line."""

    hair: int
    families: tuple[Family, ...]
    wobble: float
    weight: float


MANNERS = {
    1: Manner(hair=80, families=(), wobble=1.3, weight=0.9),
    2: Manner(hair=1000, families=LIGHT, wobble=1.0, weight=1.0),
    3: Manner(hair=2300, families=FULL, wobble=0.8, weight=1.0),
}


def draw(subject: Subject, style: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """(size, size) uint8 drawing of a subject; style is a key of `MANNERS`."""
    manner = MANNERS[style]
    side = subject.geometry.side
    pencil = Pencil(side, rng, manner.wobble)
    offset = rng.random(2)
    for points, width, pressure in outlines(subject.names):
        pencil.stroke(points, width, pressure * manner.weight, 0.35)
    bare = subject.hair < 0.5
    traits = Traits(subject.scene, subject.geometry, bare, pencil)
    traits.draw(style)
    _ears(subject, traits)
    _hair(subject, manner, pencil)
    if subject.glasses is not None:
        for line in subject.glasses.lines:
            pencil.stroke(line, 6.0 + 0.15 * subject.glasses.width, 0.95, 0.1)
    ink = manner.weight * pencil.ink()
    if not manner.families:
        return on_paper(ink, size, offset)
    # Strands already darken the hair.
    darkness = (1 - 0.45 * subject.hair) * np.clip(1 - subject.light, 0, 1)
    tone = hatch(darkness, _relief(subject), manner.families, offset)
    return on_paper(1 - (1 - ink) * (1 - tone), size, offset)


def _relief(subject: Subject) -> np.ndarray:
    """(S, S) height of the form in pixels, smoothed without the void around it."""
    side = subject.geometry.side
    solid = np.isfinite(subject.geometry.z)
    height = np.where(solid, np.clip(subject.geometry.z, -0.3, None), 0).astype(np.float32)
    weight = cv2.GaussianBlur(solid.astype(np.float32), (0, 0), side / 60)
    smooth = cv2.GaussianBlur(height, (0, 0), side / 60) / np.maximum(weight, 1e-3)
    return smooth * np.float32(subject.scene.camera.scale * side)


def _hair(subject: Subject, manner: Manner, pencil: Pencil) -> None:
    p = subject.scene.parameters.hair
    mask = cv2.GaussianBlur(subject.hair, (0, 0), subject.geometry.side / 400)
    flow = flow_field(subject.geometry.map(subject.geometry.tangent[:, :2]))
    lines = strands(flow, mask, p.curl, manner.hair, pencil)
    if len(lines) == 0:
        return
    brightness = (1 - p.grey) * sum(p.colour) / 3 / 255 + 0.65 * p.grey
    middle = lines[:, lines.shape[1] // 2].astype(int)
    cell = np.clip(middle, 0, subject.geometry.side - 1)
    shade = 1 - subject.light[cell[:, 1], cell[:, 0]]
    force = np.clip(0.32 + 0.5 * shade + 0.25 * (0.5 - brightness), 0.15, 0.9)
    pencil.tufts(lines, 2.9, force * pencil.rng.uniform(0.7, 1.1, len(lines)))


def _ears(subject: Subject, traits: Traits) -> None:
    """The inner rim of each ear that shows."""
    for side, name in zip(SIDES, (labels.R_EAR, labels.L_EAR)):
        rows, columns = np.nonzero(subject.names == name)
        if len(rows) < (subject.geometry.side / 40) ** 2:
            continue
        low, high = np.percentile(rows, [18, 72])
        left, right = np.percentile(columns, [20, 80])
        outer, inner = (left, right) if side < 0 else (right, left)
        t = np.linspace(0, 1, 12)
        x = inner + (outer - inner) * np.sin(np.pi * t) ** 0.8
        traits.pencil.stroke(np.stack([x, low + (high - low) * t], axis=1), 3.0, 0.55)
