"""One face, rendered: photo, landmarks, labels, depth, and sketches on demand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sketchface_models.errors import SketchFaceError
from synthetic_faces.drawing import sketch
from synthetic_faces.drawing.rough_drawing import rough_drawing
from synthetic_faces.drawing.sketch import STYLES
from synthetic_faces.drawing.subject import Subject
from synthetic_faces.figure import glasses
from synthetic_faces.geometry.camera import lattice
from synthetic_faces.ground_truth import depth, labels, landmarks
from synthetic_faces.looks import attire, wisps
from synthetic_faces.looks.backdrop import backdrop
from synthetic_faces.looks.lighting import illuminate
from synthetic_faces.looks.materials import materials, painted_face
from synthetic_faces.looks.photo import develop, focus, shade
from synthetic_faces.parameters import Parameters
from synthetic_faces.people.sampling import draw
from synthetic_faces.randomness import face_id, stream
from synthetic_faces.ranges import check
from synthetic_faces.scene import Scene


@dataclass(frozen=True)
class Rendering:
    """A face of side `size`.

    photo: (size, size, 3) uint8 RGB. landmarks: (68, 2) float64, pixels, x right and y down, where
    pixel i covers [i, i + 1). visible: (68,) bool, False where something opaque is in front.
    labels: (size, size) uint8, CelebAMask-HQ classes. depth: (size, size) float32 in [0, 1],
    1 nearest, 0 background. normals: (size, size, 3) float32 unit vectors in the camera's axes
    (x right, y down, z to the viewer), 0 for background. Labels, depth and normals hold exactly at
    the centres of the pixels.
    """

    seed: int
    id: str
    size: int
    parameters: Parameters
    photo: np.ndarray
    landmarks: np.ndarray
    visible: np.ndarray
    labels: np.ndarray
    depth: np.ndarray
    normals: np.ndarray
    _subject: Subject = field(repr=False)

    @property
    def subject(self) -> Subject:
        """What a draughtsman sees of the face, for drawings made elsewhere."""
        return self._subject

    def sketch(self, style: int, exaggerate: bool = True) -> np.ndarray:
        """(size, size) uint8 drawing, dark on light paper.

        style: 1 sparse outlines, 2 outlines with strokes of hair and some hatching, 3 outlines
        under tonal hatching. exaggerate: whether the artist departs from the face, by a few
        percent; without, lines lie on the photo's.

        Raises:
            SketchFaceError: for any other style.
        """
        if style not in STYLES:
            raise SketchFaceError(f"sketch style: {style!r}; allowed: one of {STYLES}")
        rng = stream(self.seed, self.id, f"sketch {style}")
        return sketch.draw(self._subject, style, rng, exaggerate)

    def rough_lines(self, roughness: float = 1.0) -> np.ndarray:
        """Draw the face as an amateur would: (size, size) uint8, 0 line, 255 paper.

        roughness: in [0, 1]; 0 keeps lines in their places, 1 looks like an amateur's.

        Raises:
            SketchFaceError: for a roughness outside [0, 1].
        """
        return rough_drawing(self._subject, stream(self.seed, self.id, "rough"), roughness)


def render(seed: int, id: int | str, size: int) -> Rendering:
    """Draw one face: a pure function of its arguments.

    id: a whole number n stands for `synthetic-00000n`. size: side of the pictures, in pixels.

    Raises:
        SketchFaceError: for an id or a size that is none.
    """
    return render_parameters(draw(seed, id), seed, id, size)


def render_parameters(parameters: Parameters, seed: int, id: int | str, size: int) -> Rendering:
    """Draw the face that parameters describe; seed and id decide its textures alone.

    Raises:
        SketchFaceError: naming a parameter that is out of its range; for an id or a size that is
            none.
    """
    check(parameters)
    scene = Scene(parameters)
    geometry = scene.geometry(lattice(size))
    side = geometry.side
    material = materials(scene, geometry, painted_face(scene, stream(seed, id, "skin")))
    light = illuminate(parameters.light, geometry, scene.camera.scale * side)
    canvas = backdrop(parameters.light, side, stream(seed, id, "backdrop"))
    canvas.reshape(-1, 3)[geometry.pixel] = shade(parameters, geometry, material, light)
    wisps.comb(canvas, scene, geometry, material.hair, stream(seed, id, "wisps"))
    worn = glasses.project(scene.surface, scene.camera, geometry)
    if worn is not None:
        attire.paint_lenses(canvas, worn, parameters.wear)
    grain = stream(seed, id, "grain")
    label = labels(geometry, material, worn)
    points, visible = landmarks(scene, geometry)
    return Rendering(
        seed=seed,
        id=face_id(id),
        size=size,
        parameters=parameters,
        photo=develop(canvas, size, parameters.film, focus(geometry), grain),
        landmarks=points * size,
        visible=visible,
        labels=geometry.lattice.centres(label),
        depth=depth(geometry),
        normals=geometry.lattice.centres(geometry.map(geometry.normal)),
        _subject=Subject(scene, geometry, material, light, label, worn, points * size),
    )
