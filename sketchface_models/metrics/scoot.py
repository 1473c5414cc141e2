"""SCOOT, the structure co-occurrence texture measure for face sketches (Fan et al. 2019)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from sketchface_models.metrics.metric import Direction, Metric
from sketchface_models.metrics.validate import check_pair

GRID = 4
LEVELS = 6
# A cell of 5 x 5 has 18 pairs on average over the directions, half of the 36 entries: only from
# there on can rounding not empty its matrix.
LEAST_SIDE = 5 * GRID
# Weights of MATLAB's rgb2gray, which the authors' code calls.
LUMA = (0.298936021293775, 0.587043074451121, 0.114020904255103)


def scoot(reference: Tensor, generated: Tensor, data_range: float = 255.0) -> Tensor:
    """Return the similarity of co-occurrence contrast and energy on a 4 x 4 grid.

    The authors' code refuses constant pictures; here they are scored by the same formula (as in
    the FS2K evaluation toolbox): every cell has contrast 0 and energy 1. So a collapsed generator
    gets the finite, low values it deserves and cannot drop out of a mean.

    Args:
        reference: (B, C, H, W), sides >= 20. C 1: whole grey values (0..255 when scaled by
            255 / data_range). C 3: RGB, turned into whole grey values first.
        generated: same shape.
        data_range: value of white.

    Returns:
        (B,) in (0, 1], 1 = same features; higher is better. Symmetric; not differentiable.

    Raises:
        ValueError: see `check_pair`; or if grey values are not whole.
    """
    reference, generated = check_pair("scoot", reference, generated, data_range, LEAST_SIDE)
    levels = torch.cat([_levels(_whole_grey(images)) for images in (reference, generated)])
    features = torch.stack([_cell_features(cell) for cell in _cells(levels)], dim=1).flatten(1)
    ours, theirs = features.chunk(2)
    return (1 / (1 + (ours - theirs).norm(dim=1))).to(reference.dtype)


def _whole_grey(images: Tensor) -> Tensor:
    """(B, C, H, W) in [0, 255] -> (B, H, W) int64 in 0..255."""
    images = images.detach()
    if images.shape[1] == 3:
        red, green, blue = images.double().unbind(1)
        return (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue + 0.5).long()
    whole = (images[:, 0] + 0.5).floor()
    # k / 255 * 255 in float32 may miss k by a rounding error; anything larger is no grey value.
    if (whole - images[:, 0]).abs().max() > 1e-3:
        raise ValueError("scoot: grey values are not whole; round them as the written file would")
    return whole.long()


def _levels(grey: Tensor) -> Tensor:
    return (LEVELS * grey // 255).clamp(max=LEVELS - 1)


def _cells(levels: Tensor) -> list[Tensor]:
    """The 16 cells (B, h, w) in row-major order."""
    height, width = levels.shape[1:]
    rows = [height * k // GRID for k in range(GRID + 1)]
    columns = [width * k // GRID for k in range(GRID + 1)]
    return [
        levels[:, top:bottom, left:right]
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]


def _cell_features(cell: Tensor) -> Tensor:
    """Contrast and energy of the direction-averaged co-occurrence matrix: (B, h, w) -> (B, 2)."""
    directions = (
        (cell[:, :, :-1], cell[:, :, 1:]),  # neighbour to the right
        (cell[:, 1:, :-1], cell[:, :-1, 1:]),  # up and right
        (cell[:, 1:], cell[:, :-1]),  # up
        (cell[:, 1:, 1:], cell[:, :-1, :-1]),  # up and left
    )
    batch, entries = len(cell), LEVELS * LEVELS
    first = torch.arange(batch, device=cell.device)[:, None] * entries
    codes = [(LEVELS * pixel + neighbour).flatten(1) + first for pixel, neighbour in directions]
    counts = torch.bincount(torch.cat(codes, dim=1).flatten(), minlength=batch * entries)
    # Halves away from zero, as MATLAB rounds; in whole numbers: floor(c / 4 + 1 / 2).
    matrix = ((counts + 2) // 4).view(batch, LEVELS, LEVELS).double()
    p = matrix / matrix.sum((1, 2), keepdim=True)
    index = torch.arange(LEVELS, device=cell.device)
    contrast = (p * (index[:, None] - index).square()).sum((1, 2))
    energy = p.square().sum((1, 2))
    return torch.stack((contrast, energy), dim=1)


SCOOT = Metric(
    scoot,
    Direction.HIGHER,
    "SCOOT",
    "grey",
    LEAST_SIDE,
    {"revision": 1, "grid": GRID, "levels": LEVELS, "luma": LUMA, "constant": "scored"},
    explanation="whether strokes and textures occur together as in the target; 1 is the same",
)
