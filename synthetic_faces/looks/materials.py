"""The material of each pixel: colour, gloss, label, and its share of hair."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from synthetic_faces.face_parameters import Hair
from synthetic_faces.figure.hair import locks
from synthetic_faces.geometry.meshes import Label, Part
from synthetic_faces.geometry.shapes import smoothstep
from synthetic_faces.geometry.zbuffer import Geometry
from synthetic_faces.looks import attire, features, skin, whiskers
from synthetic_faces.looks import face_texture as face_texture
from synthetic_faces.looks.face_texture import FaceTexture
from synthetic_faces.looks.lighting import linear
from synthetic_faces.randomness import noise_at
from synthetic_faces.scene import Scene

GREY_HAIR = (182, 178, 174)


@dataclass(frozen=True)
class Material:
    """Per covered pixel. colour: (P, 3) linear albedo. gloss, hair: (P,) in [0, 1]. label: (P,)."""

    colour: np.ndarray
    gloss: np.ndarray
    hair: np.ndarray
    label: np.ndarray


def painted_face(scene: Scene, rng: np.random.Generator) -> FaceTexture:
    """Paint the texture of a face: skin, whiskers, features."""
    p = scene.parameters
    texture = FaceTexture(p.skin.tone, p.skin.gloss)
    skin.paint(texture, scene.anatomy, rng)
    whiskers.paint(texture, scene.anatomy)
    features.paint(texture, scene.anatomy, rng)
    return texture


def materials(scene: Scene, geometry: Geometry, texture: FaceTexture) -> Material:
    """Return the material of every covered pixel."""
    p = scene.parameters
    count = len(geometry.pixel)
    colour = np.empty((count, 3), np.float32)
    colour[:] = linear(p.skin.tone)
    gloss = np.full(count, 0.4 * p.skin.gloss, np.float32)
    label = np.full(count, Label.SKIN, np.uint8)
    material = Material(colour, gloss, _hair_amount(p.hair, geometry), label)
    pixels_of = {part: np.flatnonzero(geometry.part == part) for part in Part}
    _face(material, geometry.plane[pixels_of[Part.HEAD]], pixels_of[Part.HEAD], texture)
    for part, name in ((Part.RIGHT_EAR, Label.R_EAR), (Part.LEFT_EAR, Label.L_EAR)):
        _ear(material, geometry.strand[pixels_of[part], 0], pixels_of[part], name)
    label[pixels_of[Part.NECK]] = Label.NECK
    attire.dye((colour, gloss, label), geometry, scene)
    hairy = np.flatnonzero(material.hair > 0)
    share = material.hair[hairy, None]
    across, along = geometry.strand[hairy].T
    tress = _hair_colour(p.hair, across, along, geometry.inner[hairy])
    colour[hairy] += share * (tress - colour[hairy])
    gloss *= 1 - material.hair
    label[material.hair > 0.5] = Label.HAIR
    return material


def _face(material: Material, plane: np.ndarray, pixels: np.ndarray, texture: FaceTexture) -> None:
    """Read the texture at face-plane points (N, 2) into the pixels `pixels`."""
    at = np.zeros((2, -(-len(pixels) // 512) * 512), np.float32)
    for row, axis in zip(at, face_texture.texels(plane).T):
        row[: len(pixels)] = axis
    # Above the texture the scalp is the forehead, mirrored.
    at[1] = np.maximum(at[1], -at[1])
    # cv2.remap takes fewer than 32,768 columns, so the points travel as a block.
    x, y = at.reshape(2, -1, 512)
    whole = cv2.merge([texture.colour, texture.gloss])
    texels = cv2.remap(whole, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    texels = texels.reshape(-1, 4)[: len(pixels)]
    material.colour[pixels] = linear(texels[:, :3])
    material.gloss[pixels] = texels[:, 3]
    names = cv2.remap(texture.label, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    material.label[pixels] = names.ravel()[: len(pixels)]


def _ear(material: Material, ring: np.ndarray, pixels: np.ndarray, name: int) -> None:
    """Colour an ear: redder, darker in hollow and groove. ring: 0 inside, 1 at the rim."""
    hollow = 0.34 * np.exp(-(((ring - 0.3) / 0.22) ** 2))
    groove = 0.30 * np.exp(-(((ring - 0.72) / 0.07) ** 2))
    material.colour[pixels] *= (1 - hollow - groove)[:, None] * np.array(
        [1.0, 0.84, 0.80], np.float32
    )
    material.label[pixels] = name


def _hair_amount(hair: Hair, geometry: Geometry) -> np.ndarray:
    """Return the share of hair (P,) in [0, 1]: wisps at the hairline, stubble if cropped."""
    amount = np.zeros(len(geometry.pixel), np.float32)
    # Noise decides near the line alone: far outside there is no hair, far inside nothing else.
    thin = hair.style == "buzz"
    near = np.flatnonzero((geometry.hair > -0.2) & (thin | (geometry.hair < 0.2)))
    amount[geometry.hair >= 0.2] = 1.0
    u, v = geometry.strand[near].T
    wisp = 0.028 * noise_at("strand", u * 0.8, v * 0.2) + 0.015 * noise_at("fine", u * 0.7, v * 0.7)
    line = geometry.hair[near] + wisp
    if thin:
        stubble = np.clip(hair.cap + 0.16 * noise_at("fine", u * 1.3, v * 1.3), 0, 1)
        amount[near] = smoothstep(-0.04, 0.16, line) * stubble
    else:
        amount[near] = smoothstep(-0.015, 0.055, line)
    amount[geometry.part == Part.HAIR] = 1.0
    return amount


def _hair_colour(
    hair: Hair, across: np.ndarray, along: np.ndarray, inner: np.ndarray
) -> np.ndarray:
    """Return linear colour (K, 3): locks and strands vary, some are grey, the inside is darker."""
    height, tone = locks(across, along)
    strand = noise_at("strand", across * 0.62, along * 0.12)
    straight = 1 - 0.75 * hair.curl
    shade = 1 + straight * (0.17 * strand + 0.34 * tone) - 0.34 * straight * (1 - height) ** 2
    if hair.style == "buzz":  # too short for locks
        tone = 0 * tone
        shade = 1 + 0.14 * noise_at("fine", across * 0.9, along * 0.9)
    if hair.curl > 0.15:
        shade = shade + 0.26 * hair.curl * noise_at("curl", across * 0.2, along * 0.2)
    srgb = np.array(hair.colour)
    base = linear(srgb + 0.6 * hair.grey * (srgb.mean() - srgb)) * np.clip(shade, 0.3, 1.9)[:, None]
    # Fair hair varies more from lock to lock.
    fair = np.clip((srgb.mean() - 60) / 100, 0, 1)
    base *= 1 + fair * np.clip(tone, 0, 1)[:, None] * np.array([0.34, 0.32, 0.28], np.float32)
    if hair.grey > 0:
        grey = np.clip(hair.grey * (0.75 + 0.3 * strand + 0.3 * tone), 0, 0.95)[:, None]
        base = base + grey * (
            linear(GREY_HAIR) * np.clip(0.4 + 0.6 * shade, 0.5, 1.3)[:, None] - base
        )
    return (base * np.where(inner, 0.4, 1.0)[:, None]).astype(np.float32)
