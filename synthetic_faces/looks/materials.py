"""What each pixel is made of: its colour, gloss, label, and how much of it is hair."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from synthetic_faces.figure.hair import locks
from synthetic_faces.geometry.meshes import Label, Part
from synthetic_faces.geometry.shapes import smoothstep
from synthetic_faces.geometry.zbuffer import Geometry
from synthetic_faces.looks import attire, features, skin, whiskers
from synthetic_faces.looks import face_texture as face_canvas
from synthetic_faces.looks.face_texture import Canvas
from synthetic_faces.looks.lighting import linear
from synthetic_faces.parameters import Hair
from synthetic_faces.randomness import sample
from synthetic_faces.scene import Scene


@dataclass(frozen=True)
class Material:
    """Per covered pixel. colour: (P, 3) linear albedo. gloss, hair: (P,) in [0, 1]. label: (P,)."""

    colour: np.ndarray
    gloss: np.ndarray
    hair: np.ndarray
    label: np.ndarray


def painted_face(scene: Scene, rng: np.random.Generator) -> Canvas:
    """The canvas of this face, finished."""
    p = scene.parameters
    painted = Canvas(p.skin.tone, p.skin.gloss)
    skin.paint(painted, scene.anatomy, rng)
    whiskers.paint(painted, scene.anatomy)
    features.paint(painted, scene.anatomy, rng)
    return painted


def materials(scene: Scene, geometry: Geometry, painted: Canvas) -> Material:
    """What every covered pixel is made of."""
    p = scene.parameters
    count = len(geometry.pixel)
    colour = np.empty((count, 3), np.float32)
    colour[:] = linear(p.skin.tone)
    gloss = np.full(count, 0.4 * p.skin.gloss, np.float32)
    label = np.full(count, Label.SKIN, np.uint8)
    made = Material(colour, gloss, _hair_amount(p.hair, geometry), label)
    where = {part: np.flatnonzero(geometry.part == part) for part in Part}
    _face(made, geometry.plane[where[Part.HEAD]], where[Part.HEAD], painted)
    for part, name in ((Part.RIGHT_EAR, Label.R_EAR), (Part.LEFT_EAR, Label.L_EAR)):
        _ear(made, geometry.strand[where[part], 0], where[part], name)
    label[where[Part.NECK]] = Label.NECK
    attire.dye((colour, gloss, label), geometry, scene)
    hairy = np.flatnonzero(made.hair > 0)
    share = made.hair[hairy, None]
    across, along = geometry.strand[hairy].T
    tress = _hair_colour(p.hair, across, along, geometry.inner[hairy])
    colour[hairy] += share * (tress - colour[hairy])
    gloss *= 1 - made.hair
    label[made.hair > 0.5] = Label.HAIR
    return made


def _face(made: Material, plane: np.ndarray, here: np.ndarray, painted: Canvas) -> None:
    """Read the canvas at face-plane points (N, 2) into the pixels `here`."""
    at = np.zeros((2, -(-len(here) // 512) * 512), np.float32)
    for row, axis in zip(at, face_canvas.texels(plane).T):
        row[: len(here)] = axis
    # Above the canvas the scalp is the forehead, mirrored.
    at[1] = np.maximum(at[1], -at[1])
    # cv2.remap takes fewer than 32,768 columns, so the points travel as a block.
    x, y = at.reshape(2, -1, 512)
    whole = cv2.merge([painted.colour, painted.gloss])
    found = cv2.remap(whole, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    found = found.reshape(-1, 4)[: len(here)]
    made.colour[here] = linear(found[:, :3])
    made.gloss[here] = found[:, 3]
    names = cv2.remap(painted.label, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    made.label[here] = names.ravel()[: len(here)]


def _ear(made: Material, ring: np.ndarray, here: np.ndarray, name: int) -> None:
    """Ears are redder; hollow and groove lie in shadow. ring: 0 inside, 1 at the rim."""
    hollow = 0.34 * np.exp(-(((ring - 0.3) / 0.22) ** 2))
    groove = 0.30 * np.exp(-(((ring - 0.72) / 0.07) ** 2))
    made.colour[here] *= (1 - hollow - groove)[:, None] * np.array([1.0, 0.84, 0.80], np.float32)
    made.label[here] = name


def _hair_amount(hair: Hair, geometry: Geometry) -> np.ndarray:
    """(P,) in [0, 1]: wisps at the hairline, all of the curtain, stubble where it is cropped."""
    amount = np.zeros(len(geometry.pixel), np.float32)
    # Noise decides near the line alone: far outside there is no hair, far inside nothing else.
    thin = hair.style == "buzz"
    near = np.flatnonzero((geometry.hair > -0.2) & (thin | (geometry.hair < 0.2)))
    amount[geometry.hair >= 0.2] = 1.0
    u, v = geometry.strand[near].T
    wisp = 0.028 * sample("strand", u * 0.8, v * 0.2) + 0.015 * sample("fine", u * 0.7, v * 0.7)
    line = geometry.hair[near] + wisp
    if thin:
        stubble = np.clip(hair.cap + 0.16 * sample("fine", u * 1.3, v * 1.3), 0, 1)
        amount[near] = smoothstep(-0.04, 0.16, line) * stubble
    else:
        amount[near] = smoothstep(-0.015, 0.055, line)
    amount[geometry.part == Part.HAIR] = 1.0
    return amount


GREY = (182, 178, 174)


def _hair_colour(
    hair: Hair, across: np.ndarray, along: np.ndarray, inner: np.ndarray
) -> np.ndarray:
    """Linear colour (K, 3): locks and strands vary, some are grey, the inside is darker."""
    height, tone = locks(across, along)
    strand = sample("strand", across * 0.62, along * 0.12)
    straight = 1 - 0.75 * hair.curl
    shade = 1 + straight * (0.17 * strand + 0.34 * tone) - 0.34 * straight * (1 - height) ** 2
    if hair.style == "buzz":  # too short for locks
        tone = 0 * tone
        shade = 1 + 0.14 * sample("fine", across * 0.9, along * 0.9)
    if hair.curl > 0.15:
        shade = shade + 0.26 * hair.curl * sample("curl", across * 0.2, along * 0.2)
    own = np.array(hair.colour)
    base = linear(own + 0.6 * hair.grey * (own.mean() - own)) * np.clip(shade, 0.3, 1.9)[:, None]
    # Sun bleaches fair hair lock by lock.
    fair = np.clip((own.mean() - 60) / 100, 0, 1)
    base *= 1 + fair * np.clip(tone, 0, 1)[:, None] * np.array([0.34, 0.32, 0.28], np.float32)
    if hair.grey > 0:
        grey = np.clip(hair.grey * (0.75 + 0.3 * strand + 0.3 * tone), 0, 0.95)[:, None]
        base = base + grey * (linear(GREY) * np.clip(0.4 + 0.6 * shade, 0.5, 1.3)[:, None] - base)
    return (base * np.where(inner, 0.4, 1.0)[:, None]).astype(np.float32)
