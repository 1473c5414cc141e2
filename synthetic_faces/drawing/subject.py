"""What a drawing reads of a face: parts, form, light and hair, on a grid of about 256 cells."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np

from synthetic_faces.figure import hats
from synthetic_faces.figure.glasses import OPAQUE, Glasses
from synthetic_faces.geometry.meshes import Label
from synthetic_faces.geometry.zbuffer import Geometry
from synthetic_faces.looks.lighting import Illumination
from synthetic_faces.looks.materials import Material
from synthetic_faces.scene import Scene

CELLS = 256
VOID = -0.9  # world z the background counts as where the form is smoothed
COLOURED_LABELS = (Label.CLOTH, Label.HAT, Label.NECKLACE, Label.EARRING)


class Subject:
    """A rendered face as maps for drawing, each computed when first used.

    side: of the canvas in pixels. step: canvas pixels per cell. Maps are (G, G), G = side // step.
    labels: uint8 labels. z: world z, -inf for nothing.
    """

    def __init__(
        self,
        scene: Scene,
        geometry: Geometry,
        material: Material,
        light: Illumination,
        labels: np.ndarray,
        glasses: Glasses | None,
        landmarks: np.ndarray,
    ) -> None:
        """labels: (side, side) label map. landmarks: (68, 2), pixels of the picture."""
        self.scene, self.glasses, self.landmarks = scene, glasses, landmarks
        self.lattice, self.side = geometry.lattice, geometry.side
        self.step = max(1, geometry.side // CELLS)
        self._geometry, self._material, self._light = geometry, material, light
        middle = slice(self.step // 2, None, self.step)
        self.labels = labels[middle, middle]
        self.z = geometry.z[middle, middle]

    def pixels(self, cells: np.ndarray) -> np.ndarray:
        """Convert grid coordinates (..., 2) to canvas pixels."""
        return cells * self.step + self.step // 2

    def at(self, field: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Return the values of a map at the cells of canvas pixels (..., 2)."""
        cell = np.clip(np.round((points - self.step // 2) / self.step), 0, len(field) - 1)
        cell = cell.astype(np.intp)
        return field[cell[..., 1], cell[..., 0]]

    @cached_property
    def _cells(self) -> tuple[np.ndarray, np.ndarray]:
        """Covered pixels at the middles of cells, and the flat index of each cell."""
        row, column = np.divmod(self._geometry.pixel, self.side)
        middle = self.step // 2
        chosen = np.flatnonzero((row % self.step == middle) & (column % self.step == middle))
        cell = row[chosen] // self.step * len(self.z) + column[chosen] // self.step
        return chosen, cell

    def _map(self, values: np.ndarray) -> np.ndarray:
        """Put per-pixel values (P, ...) on the grid, 0 where nothing is."""
        chosen, cell = self._cells
        full = np.zeros((self.z.size, *values.shape[1:]), np.float32)
        full[cell] = values[chosen]
        return full.reshape(*self.z.shape, *values.shape[1:])

    @cached_property
    def darkness(self) -> np.ndarray:
        """Darkness from light and form in [0, 1]; the colour of the skin plays no part."""
        chosen, cell = self._cells
        light, normal = self._light, self._geometry.normal[chosen]
        facing = np.clip((normal @ light.key.astype(np.float32) + 0.25) / 1.2, 0, 1)
        form = 0.78 * facing * light.lit[chosen] + 0.36 * light.open[chosen]
        # What turns away or lies behind recedes into shade.
        depth = self._geometry.depth[chosen]
        behind = np.clip((0.45 - depth) / 1.6, 0, 1)
        dark = 1 - np.clip(form, 0, 1.05) ** 0.85 + 0.10 * behind
        name = self._material.label[chosen]
        cloth = np.isin(name, COLOURED_LABELS)
        albedo = self._material.colour[chosen].mean(1)
        dark += cloth * 0.30 * np.clip(1 - albedo / 0.35, 0, 1)
        full = np.zeros(self.z.size, np.float32)
        full[cell] = np.clip(dark, 0, 1)
        return cv2.GaussianBlur(full.reshape(self.z.shape), (0, 0), len(self.z) / 300)

    @cached_property
    def albedo(self) -> np.ndarray:
        """(G, G) uint8: brightness of the surface colour, whatever the light."""
        chosen, cell = self._cells
        full = np.zeros(self.z.size, np.uint8)
        grey = self._material.colour[chosen].mean(1)
        full[cell] = 255 * np.clip(grey, 0, 1) ** (1 / 2.2)
        return full.reshape(self.z.shape)

    @cached_property
    def seams(self) -> list[np.ndarray]:
        """Lines (N, 2) in canvas pixels inside the outline of a hat."""
        return hats.seams(self.scene.surface, self.scene.camera, self._geometry)

    @cached_property
    def lens(self) -> np.ndarray:
        """Bool: dark glass."""
        tint = self.scene.parameters.wear.tint
        return (self.labels == Label.GLASSES) & (tint >= OPAQUE)

    @cached_property
    def hair(self) -> np.ndarray:
        """Share of each cell that is hair of the head, in [0, 1]."""
        return self._map(self._material.hair) * (self.labels == Label.HAIR)

    @cached_property
    def _strands(self) -> np.ndarray:
        return self._map(self._geometry.tangent)

    @cached_property
    def flow(self) -> np.ndarray:
        """(G, G, 2) unit directions of the hair in the picture; a direction has no sign."""
        flat = cv2.GaussianBlur(self._strands[..., :2], (0, 0), len(self.z) / 300)
        length = np.sqrt((flat * flat).sum(-1, keepdims=True))
        return flat / np.maximum(length, 1e-4)

    @cached_property
    def sheen(self) -> np.ndarray:
        """The band of light across hair, in [0, 1]: where strands are perpendicular to it."""
        half = self._light.key + np.array([0, 0, 1.0])
        along = self._strands @ (half / np.linalg.norm(half)).astype(np.float32)
        return np.clip(1 - along * along, 0, 1) ** 5

    @cached_property
    def across(self) -> np.ndarray:
        """Coordinate across the hair; strands of one lock share it."""
        return self._map(self._geometry.strand[:, 0])

    @cached_property
    def relief(self) -> np.ndarray:
        """Height of the form in canvas pixels, smoothed without the void around it."""
        solid = np.isfinite(self.z).astype(np.float32)
        height = np.where(solid > 0, np.maximum(self.z, VOID), 0).astype(np.float32)
        sigma = len(self.z) / 60
        weight = cv2.GaussianBlur(solid, (0, 0), sigma)
        smooth = cv2.GaussianBlur(height, (0, 0), sigma) / np.maximum(weight, 1e-3)
        return smooth * np.float32(self.scene.camera.scale * self.side)

    @cached_property
    def bare(self) -> np.ndarray:
        """Bool: where neither hair nor dark glass covers the face."""
        return (self.labels != Label.HAIR) & ~self.lens
