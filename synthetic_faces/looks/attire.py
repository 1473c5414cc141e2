"""The appearance of clothes, hats, jewellery and glasses."""

from __future__ import annotations

import numpy as np

from synthetic_faces.face_parameters import Wear
from synthetic_faces.figure import hats
from synthetic_faces.figure.glasses import LENS, Glasses
from synthetic_faces.figure.neckwear import COLLAR
from synthetic_faces.geometry.meshes import Label, Part
from synthetic_faces.geometry.shapes import smoothstep
from synthetic_faces.geometry.zbuffer import Geometry
from synthetic_faces.looks.lighting import linear
from synthetic_faces.randomness import noise_at
from synthetic_faces.scene import Scene

Appearance = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Colour (P, 3) linear, gloss (P,) and label (P,) of all pixels, to be written to."""


def dye(appearance: Appearance, geometry: Geometry, scene: Scene) -> None:
    """Set colour, gloss and label of every pixel of clothes, hats, jewellery and glasses."""
    wear = scene.parameters.wear
    _clothe(appearance, geometry, scene)
    colour, gloss, label = appearance
    for part, name in ((Part.EARRING, Label.EARRING), (Part.NECKLACE, Label.NECKLACE)):
        pixels = np.flatnonzero(geometry.part == part)
        if len(pixels):
            colour[pixels], gloss[pixels], label[pixels] = linear(wear.metal), 4.0, name
    pixels = np.flatnonzero(geometry.part == Part.HAT)
    if len(pixels):
        colour[pixels] = _hat(wear, geometry.plane[pixels], geometry.strand[pixels, 0])
        colour[pixels] *= np.where(geometry.inner[pixels], 0.6, 1.0)[:, None]
        gloss[pixels], label[pixels] = 0.0, Label.HAT
    pixels = np.flatnonzero(geometry.part == Part.GLASSES)
    if len(pixels):
        lens = geometry.strand[pixels, 0] > 0.5 * LENS
        colour[pixels] = np.where(
            lens[:, None], _dark_glass(geometry, pixels), linear(wear.glasses_colour)
        )
        gloss[pixels], label[pixels] = np.where(lens, 1.2, 3.0), Label.GLASSES


def _clothe(appearance: Appearance, geometry: Geometry, scene: Scene) -> None:
    colour, gloss, label = appearance
    wear = scene.parameters.wear
    pixels = np.flatnonzero(geometry.part == Part.TORSO)
    plane = geometry.plane[pixels]
    x, y = plane[:, 0], plane[:, 1]
    edge = _neckline(wear, scene.surface.shape.neck, np.abs(x), y)
    edge = np.where(y > COLLAR, 1.0, edge)
    covered = smoothstep(-0.01, 0.01, edge)
    fabric = _cloth(wear, plane, edge, linear(wear.cloth), linear(wear.trim))
    colour[pixels] += covered[:, None] * (fabric - colour[pixels])
    gloss[pixels] *= 1 - 0.9 * covered
    label[pixels] = np.where(covered > 0.5, Label.CLOTH, Label.NECK)


def _hat(wear: Wear, plane: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Return linear colour (K, 3). plane: azimuth and height. kind: part of the hat (`hats`)."""
    theta, height = plane[:, 0], plane[:, 1]
    base, band = linear(wear.hat_colour), linear(wear.hat_band)
    flap, cuff = np.abs(kind - hats.ON_FLAP) < 0.5, np.abs(kind - hats.ON_CUFF) < 0.5
    shade = 1 + 0.08 * noise_at("fine", theta * 0.4, height * 0.7)
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


def _dark_glass(geometry: Geometry, pixels: np.ndarray) -> np.ndarray:
    """Return the linear colour of dark lenses: paler toward the cheek, with a reflection."""
    side = geometry.side
    down = geometry.strand[pixels, 1]
    x, y = geometry.pixel[pixels] % side / side, geometry.pixel[pixels] // side / side
    sheen = _reflection(x, y, np.abs(geometry.normal[pixels, 2]))
    pale = 0.010 + 0.03 * np.clip(down, 0, 1) ** 2 + 0.05 * sheen
    return pale[:, None] * np.array([1.0, 0.95, 0.92], np.float32)


def _neckline(wear: Wear, neck: float, side: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the signed distance from the neckline, positive where there is cloth.

    neck: half-width of the neck. side: (...) distance from the middle. y: (...) height.
    """
    depth = wear.neckline_depth
    if wear.neckline == "v":
        return (side - (neck + 0.16) + (y - 1.95) * (0.95 - 0.3 * depth)) * 0.7
    if wear.neckline == "collar":
        return (side - (neck + 0.02) + (y - 1.9) * 0.9) * 0.7
    if wear.neckline == "turtle":
        return np.ones_like(side)
    wide = neck + (0.32 if wear.neckline == "scoop" else 0.1)
    deep = (0.35 if wear.neckline == "scoop" else 0.16) + 0.1 * depth
    return np.hypot(side / wide, (y - 1.93) / deep) * 0.3 - 0.3


def _cloth(
    wear: Wear, plane: np.ndarray, edge: np.ndarray, colour: np.ndarray, trim: np.ndarray
) -> np.ndarray:
    """Return linear colour (P, 3) of cloth at points (P, 2) of a body.

    edge: (P,) signed distance from the neckline.
    """
    x, y = plane[:, 0], plane[:, 1]
    folds = 0.11 * noise_at("cloud", x * 0.5 + 0.4 * y, y * 0.06)
    weave = 1 + folds + 0.05 * noise_at("fine", x * 0.9, y * 0.9)
    if wear.neckline == "turtle":
        weave *= 1 - 0.16 * (np.cos(2 * np.pi * x / 0.075) > 0.3) * (y > COLLAR)
    weave *= 1 - 0.35 * np.exp(-(((edge - 0.05) / 0.012) ** 2))  # the seam
    mix = np.zeros(len(x), np.float32)
    if wear.pattern == "stripes":
        mix = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * (y + 0.03 * x * x) / 0.2))
    elif wear.pattern == "checks":
        mix = 0.5 * (np.sin(2 * np.pi * x / 0.24) > 0.2) + 0.5 * (
            np.sin(2 * np.pi * y / 0.24) > 0.2
        )
    mix = np.where(y > COLLAR, 0.0, mix)[:, None]
    return (colour + mix * (trim - colour)) * weave[:, None]


def paint_lenses(canvas: np.ndarray, glasses: Glasses, wear: Wear) -> None:
    """Paint clear lenses over a linear canvas (S, S, 3): a slight tint and a reflection."""
    side = canvas.shape[0]
    pixels, flat = glasses.glass, canvas.reshape(-1, 3)
    if len(pixels) == 0:
        return
    sheen = _reflection(pixels % side / side, pixels // side / side, glasses.facing)[:, None]
    flat[pixels] *= 0.92 * (1 - wear.tint)
    flat[pixels] += 0.010 + 0.035 * sheen


def label_lenses(glasses: Glasses, label_map: np.ndarray) -> None:
    """Mark lenses in a label map; eyes, brows, ears and hair stay, as in CelebAMask-HQ."""
    flat = label_map.reshape(-1)
    under = np.isin(flat[glasses.glass], (Label.BACKGROUND, Label.SKIN, Label.NOSE))
    flat[glasses.glass[under]] = Label.GLASSES


def _reflection(x: np.ndarray, y: np.ndarray, facing: np.ndarray) -> np.ndarray:
    """Return the brightness of reflections on lenses in [0, 1]: a slanting window."""
    stripe = np.exp(-(((np.mod(7 * (x + 0.5 * y), 1.0) - 0.35) / 0.09) ** 2))
    return (0.35 + 0.65 * np.clip(1 - facing, 0, 1)) * stripe.astype(np.float32)
