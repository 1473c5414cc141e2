"""One face, rendered: photo, landmarks, labels, depth, and sketches on demand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sketchface_models.errors import SketchFaceError
from synthetic_faces.drawing import sketch
from synthetic_faces.drawing.rough_drawing import rough_drawing
from synthetic_faces.drawing.sketch import STYLES
from synthetic_faces.drawing.subject import Subject
from synthetic_faces.face_parameters import Parameters
from synthetic_faces.figure import glasses
from synthetic_faces.geometry.camera import lattice
from synthetic_faces.ground_truth import depth, labels, landmarks
from synthetic_faces.looks import attire, wisps
from synthetic_faces.looks.backdrop import backdrop
from synthetic_faces.looks.lighting import illuminate
from synthetic_faces.looks.materials import materials, painted_face
from synthetic_faces.looks.photo import develop, focus, shade
from synthetic_faces.people.sampling import sample_person
from synthetic_faces.randomness import face_id, stream
from synthetic_faces.ranges import check
from synthetic_faces.scene import Scene


@dataclass(frozen=True)
class Rendering:
    """A rendered face of side `size`.

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
        """What drawings read of the face."""
        return self._subject

    def sketch(self, style: int, exaggerate: bool = True) -> np.ndarray:
        """Draw the face: (size, size) uint8, dark on light paper.

        style: 1 sparse outlines, 2 outlines with strokes of hair and some hatching, 3 outlines
        under tonal hatching. exaggerate: depart from the face by a few percent, as artists do;
        if False, lines lie on those of the photo.

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
    """Render one face: a pure function of the arguments.

    id: a whole number n stands for `synthetic-00000n`. size: side of the pictures, in pixels.

    Raises:
        SketchFaceError: for an invalid id or size.
    """
    return render_parameters(sample_person(seed, id), seed, id, size)


def render_parameters(parameters: Parameters, seed: int, id: int | str, size: int) -> Rendering:
    """Render the face that parameters describe; seed and id decide its textures alone.

    Raises:
        SketchFaceError: naming a parameter that is out of its range; for an invalid id or size.
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
    worn_glasses = glasses.project(scene.surface, scene.camera, geometry)
    if worn_glasses is not None:
        attire.paint_lenses(canvas, worn_glasses, parameters.wear)
    grain = stream(seed, id, "grain")
    label_map = labels(geometry, material, worn_glasses)
    points, visible = landmarks(scene, geometry)
    return Rendering(
        seed=seed,
        id=face_id(id),
        size=size,
        parameters=parameters,
        photo=develop(canvas, size, parameters.film, focus(geometry), grain),
        landmarks=points * size,
        visible=visible,
        labels=geometry.lattice.centres(label_map),
        depth=depth(geometry),
        normals=geometry.lattice.centres(geometry.map(geometry.normal)),
        _subject=Subject(scene, geometry, material, light, label_map, worn_glasses, points * size),
    )
