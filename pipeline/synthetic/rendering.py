"""One face, rendered: photo, landmarks, labels, depth, and sketches on demand."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from pipeline.synthetic import glasses, sketch
from pipeline.synthetic.landmarks import landmarks
from pipeline.synthetic.lighting import Illumination, illuminate
from pipeline.synthetic.materials import Material, materials, painted_face
from pipeline.synthetic.parameters import Parameters
from pipeline.synthetic.photo import backdrop, develop, shade
from pipeline.synthetic.sampling import draw
from pipeline.synthetic.scene import Geometry, Scene
from pipeline.synthetic.streams import face_id, stream

FAR = -1.6  # world z that depth takes for the far end of the body, in head units
FLOOR = 0.04  # depth there: what is covered never reads as background
STYLES = (1, 2, 3)


@dataclass(frozen=True)
class Rendering:
    """A face of side `size`.

    photo: (size, size, 3) uint8 RGB. landmarks: (68, 2) float64, pixels, x right and y down, where
    pixel i covers [i, i + 1). labels: (size, size) uint8, CelebAMask-HQ classes. depth:
    (size, size) float32 in [0, 1], 1 nearest, 0 background.
    """

    seed: int
    id: str
    size: int
    parameters: Parameters
    photo: np.ndarray
    landmarks: np.ndarray
    labels: np.ndarray
    depth: np.ndarray
    _subject: sketch.Subject = field(repr=False)

    def sketch(self, style: int) -> np.ndarray:
        """(size, size) uint8 drawing, 255 = paper.

        style: 1 sparse outlines, 2 outlines with strokes of hair and some hatching, 3 outlines
        under tonal hatching.

        Raises:
            ValueError: for any other style.
        """
        if style not in STYLES:
            raise ValueError(f"style {style!r}; allowed: one of {STYLES}")
        rng = stream(self.seed, self.id, f"sketch {style}")
        return sketch.draw(self._subject, style, self.size, rng)


def render(seed: int, id: int | str, size: int) -> Rendering:
    """Draw one face: a pure function of its arguments.

    id: a whole number n stands for `synthetic-00000n`. size: side of the pictures, in pixels.
    """
    parameters = draw(seed, id)
    scene = Scene(parameters)
    side = size * _oversampling(size)
    geometry = scene.geometry(side)
    material = materials(scene, geometry, painted_face(scene, stream(seed, id, "skin")))
    light = illuminate(parameters.light, geometry, scene.camera.scale * side)
    canvas = backdrop(parameters, side)
    canvas.reshape(-1, 3)[geometry.pixel] = shade(parameters, geometry, material, light)
    worn = glasses.place(scene, geometry)
    if worn is not None:
        glasses.paint(canvas, worn, scene)
    grain = stream(seed, id, "grain").normal(0, 1.3, (size, size, 1)).astype(np.float32)
    label = _labels(geometry, material, worn)
    return Rendering(
        seed=seed,
        id=face_id(id),
        size=size,
        parameters=parameters,
        photo=develop(canvas, size, grain),
        landmarks=landmarks(scene) * size,
        labels=label[_centres(size, side)],
        depth=_depth(geometry, size),
        _subject=_subject(scene, geometry, material, light, label, worn),
    )


def _oversampling(size: int) -> int:
    """Canvas pixels a picture pixel: finer for small pictures, whose edges need it more."""
    return 4 if size <= 96 else 2 if size <= 1024 else 1


def _centres(size: int, side: int) -> tuple[slice, slice]:
    """The canvas pixels nearest to the centres of the picture's pixels."""
    step = side // size
    return slice(step // 2, None, step), slice(step // 2, None, step)


def _labels(geometry: Geometry, material: Material, worn: glasses.Glasses | None) -> np.ndarray:
    names = geometry.map(material.label)
    if worn is not None:
        glasses.label(worn, names)
    return names


def _depth(geometry: Geometry, size: int) -> np.ndarray:
    """World z scaled so that the nearest point is 1; the far end of the body stays above 0."""
    near = geometry.depth.max()
    scaled = FLOOR + (1 - FLOOR) * np.clip((geometry.depth - FAR) / (near - FAR), 0, 1)
    field = geometry.map(scaled.astype(np.float32))
    return field[_centres(size, geometry.side)]


def _subject(
    scene: Scene,
    geometry: Geometry,
    material: Material,
    light: Illumination,
    names: np.ndarray,
    worn: glasses.Glasses | None,
) -> sketch.Subject:
    """Tone for the draughtsman: form before colour, so that dark skin is not drawn as shadow."""
    facing = np.clip((geometry.normal @ light.key + 0.2) / 1.2, 0, 1) * light.lit
    form = 0.80 * facing + 0.34 * light.open
    albedo = material.colour.mean(1)
    tone = np.clip(form, 0, 1.1) ** 0.8 * np.clip(albedo / 0.5, 0.02, 1) ** 0.28
    field = geometry.map(np.clip(1.04 * tone, 0, 1).astype(np.float32), 1.0)
    return sketch.Subject(
        scene=scene,
        geometry=geometry,
        light=cv2.GaussianBlur(field, (0, 0), geometry.side / 400),
        names=names,
        hair=geometry.map(material.hair),
        glasses=worn,
    )
