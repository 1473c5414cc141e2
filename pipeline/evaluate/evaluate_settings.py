"""The parameters of the `evaluate` stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from sketchface_models.config import at_least


@dataclass(frozen=True)
class EvaluateSettings:
    """The `evaluate` section."""

    samples: Annotated[int, at_least(1)]
    """Faces on the sample sheet."""
    seed: Annotated[int, at_least(0)]
    """Of the choice of another face as a baseline, and of random codes."""
    style_faces: Annotated[int, at_least(1)] = 120
    """Test faces that a system with a style among its inputs generates in every style."""
    moved_faces: Annotated[int, at_least(1)] = 120
    """Test faces that a system with a contour among its inputs generates from moved contours."""
    sampled_faces: Annotated[int, at_least(1)] = 120
    """Test faces that a system with random codes generates from several of them."""


@dataclass(frozen=True)
class LargestMoves:
    """How far contours are moved at most: pixels on a picture of side 512, and degrees."""

    shift: float = 25.0
    rotation: float = 7.0
