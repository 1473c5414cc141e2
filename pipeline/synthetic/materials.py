"""What each pixel is made of: its colour, gloss, label, and how much of it is hair."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.synthetic import canvas as face_canvas
from pipeline.synthetic import features, labels, skin
from pipeline.synthetic.canvas import Canvas
from pipeline.synthetic.curves import smoothstep
from pipeline.synthetic.mesh import Part
from pipeline.synthetic.noise import sample
from pipeline.synthetic.parameters import Hair, Wear
from pipeline.synthetic.scene import Geometry, Scene


@dataclass(frozen=True)
class Material:
    """Per covered pixel. colour: (P, 3) linear albedo. gloss, hair: (P,) in [0, 1]. label: (P,)."""

    colour: np.ndarray
    gloss: np.ndarray
    hair: np.ndarray
    label: np.ndarray


def linear(colour: np.ndarray | tuple[float, ...]) -> np.ndarray:
    """Displayed 0..255 -> linear light 0..1 (the display's gamma taken as 2.2)."""
    return (np.clip(np.asarray(colour, np.float32), 0, 255) / 255) ** np.float32(2.2)


def painted_face(scene: Scene, rng: np.random.Generator) -> Canvas:
    """The canvas of this face, finished."""
    p = scene.parameters
    painted = Canvas(p.skin.tone, p.skin.gloss)
    skin.paint(painted, scene.anatomy, rng)
    features.paint(painted, scene.anatomy, rng)
    return painted


def materials(scene: Scene, geometry: Geometry, painted: Canvas) -> Material:
    """What every covered pixel is made of."""
    p = scene.parameters
    count = len(geometry.pixel)
    colour = np.tile(linear(p.skin.tone), (count, 1))
    gloss = np.full(count, 0.4 * p.skin.gloss, np.float32)
    label = np.full(count, labels.SKIN, np.uint8)
    made = Material(colour, gloss, _hair_amount(p.hair, geometry), label)
    where = {part: np.flatnonzero(geometry.part == part) for part in Part}
    _face(made, geometry.plane[where[Part.HEAD]], where[Part.HEAD], painted)
    for part, name in ((Part.RIGHT_EAR, labels.R_EAR), (Part.LEFT_EAR, labels.L_EAR)):
        _ear(made, geometry.strand[where[part], 0], where[part], name)
    label[where[Part.NECK]] = labels.NECK
    _clothe(made, geometry.plane[where[Part.TORSO]], where[Part.TORSO], scene)
    colour[where[Part.EARRING]], gloss[where[Part.EARRING]] = (0.75, 0.6, 0.3), 4.0
    label[where[Part.EARRING]] = labels.EARRING
    hairy = np.flatnonzero(made.hair > 0)
    share = made.hair[hairy, None]
    colour[hairy] += share * (_hair_colour(p.hair, geometry, hairy) - colour[hairy])
    gloss *= 1 - made.hair
    label[made.hair > 0.5] = labels.HAIR
    return made


def _lookup(image: np.ndarray, plane: np.ndarray, how: int) -> np.ndarray:
    """Canvas values at face-plane points (N, 2)."""
    at = face_canvas.texels(plane).astype(np.float32)
    block = np.pad(at, ((0, -len(at) % 512), (0, 0))).reshape(-1, 512, 2)
    x, y = np.ascontiguousarray(block[..., 0]), np.ascontiguousarray(block[..., 1])
    found = cv2.remap(image, x, y, how, borderMode=cv2.BORDER_REPLICATE)
    return found.reshape(-1, *image.shape[2:])[: len(at)]


def _face(made: Material, plane: np.ndarray, here: np.ndarray, painted: Canvas) -> None:
    made.colour[here] = linear(_lookup(painted.colour, plane, cv2.INTER_LINEAR))
    made.gloss[here] = _lookup(painted.gloss, plane, cv2.INTER_LINEAR)
    made.label[here] = _lookup(painted.label, plane, cv2.INTER_NEAREST)


def _ear(made: Material, ring: np.ndarray, here: np.ndarray, name: int) -> None:
    """Ears are redder; hollow and groove lie in shadow. ring: 0 inside, 1 at the rim."""
    hollow = 0.34 * np.exp(-(((ring - 0.3) / 0.22) ** 2))
    groove = 0.30 * np.exp(-(((ring - 0.72) / 0.07) ** 2))
    made.colour[here] *= (1 - hollow - groove)[:, None] * np.array([1.0, 0.76, 0.72])
    made.label[here] = name


def _clothe(made: Material, plane: np.ndarray, here: np.ndarray, scene: Scene) -> None:
    wear = scene.parameters.wear
    x, y = plane[:, 0], plane[:, 1]
    edge = _neckline(wear, scene.surface.shape.neck, np.abs(x), y)
    covered = smoothstep(-0.01, 0.01, edge)
    weave = 1 + 0.05 * sample("fine", x * 0.9, y * 0.9) + 0.06 * sample("cloud", x * 0.2, y * 0.2)
    weave *= 1 - 0.35 * np.exp(-(((edge - 0.05) / 0.012) ** 2))  # the seam
    fabric = linear(wear.cloth) * weave[:, None]
    made.colour[here] += covered[:, None] * (fabric - made.colour[here])
    made.gloss[here] *= 1 - 0.9 * covered
    made.label[here] = np.where(covered > 0.5, labels.CLOTH, labels.NECK)


def _neckline(wear: Wear, neck: float, side: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Signed distance from the neckline, positive where there is cloth."""
    depth = wear.neckline_depth
    if wear.neckline == "v":
        return (side - (neck + 0.16) + (y - 1.95) * (0.95 - 0.3 * depth)) * 0.7
    if wear.neckline == "collar":
        return (side - (neck + 0.02) + (y - 1.9) * 0.9) * 0.7
    wide = neck + (0.32 if wear.neckline == "scoop" else 0.1)
    deep = (0.35 if wear.neckline == "scoop" else 0.16) + 0.1 * depth
    return np.hypot(side / wide, (y - 1.93) / deep) * 0.3 - 0.3


def _hair_amount(hair: Hair, geometry: Geometry) -> np.ndarray:
    """(P,) in [0, 1]: wisps at the hairline, all of the curtain, stubble where it is cropped."""
    u, v = geometry.strand[:, 0], geometry.strand[:, 1]
    wisp = 0.028 * sample("strand", u * 0.8, v * 0.2) + 0.015 * sample("fine", u * 0.7, v * 0.7)
    amount = smoothstep(-0.015, 0.055, geometry.hair + wisp)
    if hair.style == "buzz":
        amount = smoothstep(-0.04, 0.16, geometry.hair + wisp)
        amount = amount * np.clip(hair.cap + 0.16 * sample("fine", u * 1.3, v * 1.3), 0, 1)
    return np.where(geometry.part == Part.HAIR, 1.0, amount).astype(np.float32)


def _hair_colour(hair: Hair, geometry: Geometry, here: np.ndarray) -> np.ndarray:
    """Linear colour (K, 3) of pixels `here`: strands vary, some are grey, the inside is darker."""
    u, v = geometry.strand[here, 0], geometry.strand[here, 1]
    strand = sample("strand", u * 0.62, v * 0.12)
    broad = sample("strand", u * 0.17 + 0.3, v * 0.06)
    curl = sample("curl", u * 0.2, v * 0.2)
    straight = 1 - 0.75 * hair.curl
    shade = 1 + straight * (0.2 * strand + 0.14 * broad) + 0.3 * hair.curl * curl
    faded = np.array(hair.colour) + 0.6 * hair.grey * (np.mean(hair.colour) - np.array(hair.colour))
    base = linear(faded) * np.clip(shade, 0.35, 1.9)[:, None]
    grey = np.clip(hair.grey * (0.75 + 0.35 * strand), 0, 0.95)[:, None]
    base = base + grey * (linear((182, 178, 174)) * np.clip(shade, 0.5, 1.4)[:, None] - base)
    return (base * np.where(geometry.inner[here], 0.4, 1.0)[:, None]).astype(np.float32)
