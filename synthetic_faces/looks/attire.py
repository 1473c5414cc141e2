"""What worn things are made of: cloth, felt, knit, metal, beads, frames and dark glass."""

from __future__ import annotations

import numpy as np

from synthetic_faces import labels
from synthetic_faces.figure import clothes, glasses, hats
from synthetic_faces.geometry.curves import smoothstep
from synthetic_faces.geometry.mesh import Part
from synthetic_faces.looks.colour import linear
from synthetic_faces.looks.noise import sample
from synthetic_faces.parameters import Wear
from synthetic_faces.scene import Geometry, Scene

Made = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Colour (P, 3) linear, gloss (P,) and label (P,) of all pixels, to be written to."""


def dye(made: Made, geometry: Geometry, scene: Scene) -> None:
    """Give every pixel of a worn thing its colour, gloss and label."""
    wear = scene.parameters.wear
    _clothe(made, geometry, scene)
    colour, gloss, label = made
    for part, name in ((Part.EARRING, labels.EARRING), (Part.NECKLACE, labels.NECKLACE)):
        here = np.flatnonzero(geometry.part == part)
        if len(here):
            colour[here], gloss[here], label[here] = linear(wear.metal), 4.0, name
    here = np.flatnonzero(geometry.part == Part.HAT)
    if len(here):
        colour[here] = _hat(wear, geometry.plane[here], geometry.strand[here, 0])
        colour[here] *= np.where(geometry.inner[here], 0.6, 1.0)[:, None]
        gloss[here], label[here] = 0.0, labels.HAT
    here = np.flatnonzero(geometry.part == Part.GLASSES)
    if len(here):
        lens = geometry.strand[here, 0] > 0.5 * glasses.LENS
        colour[here] = np.where(
            lens[:, None], _dark_glass(geometry, here), linear(wear.glasses_colour)
        )
        gloss[here], label[here] = np.where(lens, 1.2, 3.0), labels.GLASSES


def _clothe(made: Made, geometry: Geometry, scene: Scene) -> None:
    colour, gloss, label = made
    wear = scene.parameters.wear
    here = np.flatnonzero(geometry.part == Part.TORSO)
    plane = geometry.plane[here]
    x, y = plane[:, 0], plane[:, 1]
    edge = clothes.neckline(wear, scene.surface.shape.neck, np.abs(x), y)
    edge = np.where(y > clothes.COLLAR, 1.0, edge)
    covered = smoothstep(-0.01, 0.01, edge)
    fabric = clothes.cloth(wear, plane, edge, linear(wear.cloth), linear(wear.trim))
    colour[here] += covered[:, None] * (fabric - colour[here])
    gloss[here] *= 1 - 0.9 * covered
    label[here] = np.where(covered > 0.5, labels.CLOTH, labels.NECK)


def _hat(wear: Wear, plane: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Linear colour (K, 3). plane: azimuth and height. kind: part of the hat, as `hats` counts."""
    theta, height = plane[:, 0], plane[:, 1]
    base, band = linear(wear.hat_colour), linear(wear.hat_band)
    flap, cuff = np.abs(kind - hats.FLAP) < 0.5, np.abs(kind - hats.CUFF) < 0.5
    shade = 1 + 0.08 * sample("fine", theta * 0.4, height * 0.7)
    second = np.zeros(len(theta), bool)
    if wear.hat == "beanie":
        ribs = np.where(cuff, 38, 44)
        shade *= 1 + 0.22 * np.cos(ribs * theta) * (1 - 0.7 * smoothstep(0.75, 1.0, height))
        shade *= 1 + 0.06 * np.sin(60 * height)
        second = cuff
    elif wear.hat == "cap":
        seam = np.abs((theta / (np.pi / 3) + 0.5) % 1.0 - 0.5) * (np.pi / 3)
        shade *= 1 - 0.35 * np.exp(-((seam / 0.02) ** 2)) * ~flap
        shade *= 1 - 0.22 * (np.sin(2 * np.pi * 6 * height) > 0.93) * flap
        second = flap
    else:
        second = ~flap & (height < 0.26)
        shade *= 1 - 0.3 * np.exp(-(((height - 0.96) / 0.02) ** 2)) * flap
    return np.where(second[:, None], band, base) * shade[:, None]


def _dark_glass(geometry: Geometry, here: np.ndarray) -> np.ndarray:
    """Linear colour of dark lenses: they pale toward the cheek and mirror a window."""
    side = geometry.side
    down = geometry.strand[here, 1]
    x, y = geometry.pixel[here] % side / side, geometry.pixel[here] // side / side
    sheen = glasses.reflection(x, y, np.abs(geometry.normal[here, 2]))
    pale = 0.010 + 0.03 * np.clip(down, 0, 1) ** 2 + 0.05 * sheen
    return pale[:, None] * np.array([1.0, 0.95, 0.92], np.float32)
