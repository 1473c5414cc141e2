"""Shifted and rotated contours: the contour moves, the photo stays.

See docs/papers.md, pix2pixHD with fewer instance norms. The paper draws the shift uniformly from
[-25, 25]^2 px on 512 px pictures and the rotation from [-7, 7] degrees. It leaves centre, border
and interpolation open; here: the picture's centre, white paper, bilinear. Shift and rotation are a
pure function of a seed and a key (a face's id for the recorded test contours, step and position
for training), so no order and no restart changes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from sketchface_models.drawing_conventions import PAPER, REFERENCE_SIZE


def draw_shift_rotate(
    seed: int, keys: Sequence[object], shift: float, rotation: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return a random shift and rotation for each key.

    Args:
        seed: of the study.
        keys: ids, or (step, position); anything with a `str` of its own.
        shift: largest shift along each axis, in any unit.
        rotation: largest rotation, in degrees.

    Returns:
        dx, dy (in the unit of `shift`) and degrees: (B,) float32 each, on the CPU.
    """
    unit = torch.tensor([_uniform(f"shift-rotate\0{seed}\0{key}") for key in keys])
    dx, dy, degrees = (2 * unit.reshape(-1, 3) - 1).T
    return dx * shift, dy * shift, degrees * rotation


def shift_rotate(
    contour: Tensor, dx: Tensor, dy: Tensor, degrees: Tensor, fill: float = PAPER
) -> Tensor:
    """Turn each picture about its centre, then shift it.

    Args:
        contour: (B, C, H, W), uint8 or float, on any device.
        dx: (B,) pixels to the right.
        dy: (B,) pixels down.
        degrees: (B,) clockwise as seen.
        fill: value of pixels from outside of the picture.

    Returns:
        The moved pictures, in shape, type and device of `contour`; bilinear between pixels.
    """
    height, width = contour.shape[-2:]
    dx, dy, degrees = (value.to(contour.device, torch.float32) for value in (dx, dy, degrees))
    cos, sin = torch.deg2rad(degrees).cos(), torch.deg2rad(degrees).sin()
    # Where each pixel comes from: x = R(-degrees)(x' - shift), in pixels from the centre;
    # grid_sample wants it in half sides.
    matrix = torch.stack(
        [
            torch.stack([cos, sin * height / width, -2 * (cos * dx + sin * dy) / width], 1),
            torch.stack([-sin * width / height, cos, -2 * (cos * dy - sin * dx) / height], 1),
        ],
        dim=1,
    )
    grid = F.affine_grid(matrix, list(contour.shape), align_corners=False)
    # Padding is zero, so the fill is made zero on the way.
    moved = F.grid_sample(contour.float() - fill, grid, align_corners=False) + fill
    if contour.dtype == torch.uint8:
        return moved.round().clamp(0, 255).to(torch.uint8)
    return moved.to(contour.dtype)


def move_contours(
    contour: Tensor, seed: int, keys: Sequence[object], shift: float, rotation: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Shift and rotate each contour at random; for the test contours and for training.

    Args:
        contour: (B, 1, H, W), uint8, 255 = paper.
        seed: of the study.
        keys: one for each contour, see `draw_shift_rotate`.
        shift: largest shift along each axis, in pixels on a picture of side 512.
        rotation: largest rotation, in degrees.

    Returns:
        The moved contours, then dx and dy in pixels of these pictures, and degrees, (B,) each.
    """
    scale = contour.shape[-1] / REFERENCE_SIZE
    dx, dy, degrees = draw_shift_rotate(seed, keys, shift * scale, rotation)
    return shift_rotate(contour, dx, dy, degrees), dx, dy, degrees


def _uniform(text: str) -> list[float]:
    """Return three numbers in [0, 1) that depend on `text` alone."""
    digest = hashlib.sha256(text.encode()).digest()
    # 24 bits each: exact in float32.
    return [int.from_bytes(digest[8 * i : 8 * i + 3], "big") / 2**24 for i in range(3)]
