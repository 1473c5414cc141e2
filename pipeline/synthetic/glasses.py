"""Glasses: rims before the eyes, a bridge, and temples that run back to the ears."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.synthetic import labels, vector
from pipeline.synthetic.anatomy import SIDES
from pipeline.synthetic.curves import spline
from pipeline.synthetic.materials import linear
from pipeline.synthetic.scene import Geometry, Scene

# Per model: half-width, half-height and exponent of the rim, lift of its outer end, thickness.
MODELS = {
    "round": (0.315, 0.295, 2.0, 0.0, 0.026),
    "square": (0.345, 0.255, 4.2, 0.015, 0.05),
    "cat": (0.345, 0.245, 2.8, 0.09, 0.042),
}
ABOVE = 0.16  # rims stand this far before the eyes


@dataclass(frozen=True)
class Glasses:
    """Glasses in the picture. All in pixels of the canvas.

    lenses: two closed outlines (N, 2). lines: open polylines of the frame, hidden ends cut off.
    width: of the frame.
    """

    lenses: list[np.ndarray]
    lines: list[np.ndarray]
    width: float

    def mask(self, side: int) -> np.ndarray:
        """(side, side) bool: lenses and frame together, as CelebAMask-HQ labels them."""
        canvas = np.zeros((side, side), np.uint8)
        vector.fill(canvas, self.lenses, 255)
        self._draw(canvas)
        return canvas > 127

    def frame(self, side: int) -> np.ndarray:
        """(side, side) coverage of the frame in [0, 1]."""
        canvas = np.zeros((side, side), np.uint8)
        self._draw(canvas)
        return canvas.astype(np.float32) / 255

    def _draw(self, canvas: np.ndarray) -> None:
        vector.lines(canvas, self.lines, max(1, round(self.width)), 255)


def place(scene: Scene, geometry: Geometry) -> Glasses | None:
    """The glasses of a face as a canvas sees them, or None."""
    wear = scene.parameters.wear
    if wear.glasses not in MODELS:
        return None
    side = geometry.side
    rims = [_rim(scene, s) for s in SIDES]
    thickness = MODELS[wear.glasses][4]
    lines = [*rims, _bridge(rims), *(_temple(scene, rim, s) for rim, s in zip(rims, SIDES))]
    shown = [part for line in lines for part in _visible(scene, geometry, line)]
    return Glasses(
        lenses=[scene.project(rim) * side - 0.5 for rim in rims],
        lines=shown,
        width=thickness * scene.camera.scale * side,
    )


def paint(canvas: np.ndarray, glasses: Glasses, scene: Scene) -> None:
    """Draw glasses over a linear canvas (S, S, 3): a breath of glass, a reflection, the frame."""
    side = canvas.shape[0]
    lens = np.zeros((side, side), np.uint8)
    vector.fill(lens, glasses.lenses, 255)
    frame = glasses.frame(side)
    rows, columns = np.nonzero((lens > 0) | (frame > 0))
    low = np.array([rows.min(), columns.min()])
    high = np.array([rows.max(), columns.max()]) + 1
    here = (slice(low[0], high[0]), slice(low[1], high[1]))
    y, x = np.mgrid[here].astype(np.float32) / side
    stripe = np.exp(-(((np.mod(7 * (x + 0.5 * y), 1.0) - 0.35) / 0.09) ** 2))
    glass = lens[here].astype(np.float32)[..., None] / 255
    view = canvas[here]
    view *= 1 - 0.08 * glass
    view += glass * (0.012 + 0.03 * stripe[..., None])
    # The frame throws a thin shadow on the face.
    fallen = cv2.GaussianBlur(
        np.roll(frame[here], max(1, round(side / 100)), 0), (0, 0), side / 180
    )
    view *= 1 - 0.35 * (fallen * (lens[here] > 0))[..., None]
    colour = linear(scene.parameters.wear.glasses_colour)
    sheen = 1 + 0.8 * stripe[..., None]
    view += frame[here][..., None] * (colour * sheen - view)


def label(glasses: Glasses, names: np.ndarray) -> None:
    """Mark glasses in a label map; eyes, brows, ears and hair stay, as in CelebAMask-HQ."""
    under = np.isin(names, (labels.BACKGROUND, labels.SKIN, labels.NOSE))
    names[glasses.mask(names.shape[0]) & under] = labels.GLASSES


def _rim(scene: Scene, side: int) -> np.ndarray:
    """(N, 3) closed loop in head coordinates."""
    p = scene.parameters
    wide, high, exponent, lift, _ = MODELS[p.wear.glasses]
    wide, high = wide * p.wear.glasses_size, high * p.wear.glasses_size
    angle = np.linspace(0, 2 * np.pi, 61)
    c, s = np.cos(angle), np.sin(angle)
    x = wide * np.sign(c) * np.abs(c) ** (2 / exponent)
    y = high * np.sign(s) * np.abs(s) ** (2 / exponent) * (1 - 0.08 * (s > 0) * c)
    y = y - lift * np.clip(c, 0, 1) * np.clip(-s + 0.3, 0, 1)
    centre = 0.02 + 0.445 * p.eyes.spacing
    depth = scene.surface.at(np.array([side * centre, 0.0]))[2] + ABOVE
    return np.stack([side * (centre + x), 0.05 + y, depth - 0.28 * (centre + x - 0.4)], axis=1)


def _bridge(rims: list[np.ndarray]) -> np.ndarray:
    left, right = (
        rim[np.argmin(np.abs(rim[:, 0]) + 0.5 * np.abs(rim[:, 1] + 0.06))] for rim in rims
    )
    middle = 0.5 * (left + right) + [0, -0.045, 0.05]
    return spline(np.stack([left, middle, right]), 15)


def _temple(scene: Scene, rim: np.ndarray, side: int) -> np.ndarray:
    hinge = rim[np.argmax(side * rim[:, 0] - 0.7 * rim[:, 1])]
    width = scene.surface.profile(np.array(0.0))[0] + 0.04
    corner = hinge - [-side * 0.05, 0.0, 0.05]
    end = np.array([side * width, -0.03, 0.0])
    return np.vstack([hinge[None], np.linspace(corner, end, 30)])


def _visible(scene: Scene, geometry: Geometry, line: np.ndarray) -> list[np.ndarray]:
    """The parts of a head-space line that nothing hides, in canvas pixels."""
    world = scene.camera.to_world(line)
    at = scene.camera.project(world) * geometry.side - 0.5
    cell = np.clip(np.round(at).astype(int), 0, geometry.side - 1)
    seen = world[:, 2] > geometry.z[cell[:, 1], cell[:, 0]] - 0.03
    cuts = np.flatnonzero(np.diff(seen.astype(int))) + 1
    return [
        part
        for part, shown in zip(np.split(at, cuts), np.split(seen, cuts))
        if shown[0] and len(part) > 1
    ]
