"""Pictures that the metric tests share."""

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

DATA = Path(__file__).parents[1] / "sketchface_models" / "metrics" / "data"


def as_tensor(image: np.ndarray) -> Tensor:
    """(H, W) or (H, W, 3) uint8 -> (1, C, H, W) float64 in 0..255."""
    planes = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(planes)).double()[None]


def read_pair(folder: Path, name: str, grey: bool = False) -> tuple[Tensor, Tensor]:
    """`name`_ref.png and `name`_dis.png of a folder."""
    return tuple(as_tensor(_read(folder / f"{name}_{side}.png", grey)) for side in ("ref", "dis"))


def _read(path: Path, grey: bool) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image.ndim == 2:
        return image
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY if grey else cv2.COLOR_BGR2RGB)


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Whole random grey levels, float64."""
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, shape)).double()


def sketch(height: int = 64, width: int = 64) -> Tensor:
    """White paper with a few dark strokes, most of it exactly flat: (1, 1, H, W)."""
    image = np.full((height, width), 255, np.uint8)
    centre = (width // 2, height // 2)
    cv2.ellipse(image, centre, (width // 3, height // 3), 0, 0, 360, 30, 2)
    cv2.line(image, (width // 3, height // 2), (width // 2, height // 2), 90, 1)
    return as_tensor(image)
