"""Augmentation of photos and their labels, for parsers.

Random numbers come from torch's global generator, which the engine seeds anew for each step: a
step's augmentation is a function of (seed, step). The feed mirrors and shifts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from sketchface_models.config import at_least, between
from sketchface_models.pixels import as_grey

IGNORED = -1
"""Label of pixels that no loss counts: outside of the picture, or cut out."""


@dataclass(frozen=True)
class Distort:
    """How far photos and labels are moved and photos recoloured while training."""

    zoom_out: Annotated[float, between(1, 4)]
    """Faces become smaller by up to this factor; most often half way on a logarithmic scale."""
    zoom_in: Annotated[float, between(1, 4)]
    """... or larger by up to this one."""
    rotation: Annotated[float, between(0, 180)]
    """Degrees, both ways."""
    shift: Annotated[float, between(0, 0.5)]
    """Parts of the side, along each axis."""
    light: Annotated[float, between(0, 1)]
    """Brightness and contrast, as a part of the whole range; colour casts are half of it."""
    grey: Annotated[float, between(0, 1)]
    """Part of the photos turned to grey."""
    blur: Annotated[float, between(0, 1)]
    """Part of the photos reduced to half their resolution or less and enlarged again."""
    noise: Annotated[float, at_least(0)]
    """Largest standard deviation of the noise, photos being in [-1, 1]."""
    cut: Annotated[float, between(0, 1)]
    """Part of the photos with a rectangle, up to a third of the side, covered by one colour."""


@torch.no_grad()
def distort(photo: Tensor, labels: Tensor, limits: Distort, side: int) -> tuple[Tensor, Tensor]:
    """Move and recolour each face in its own way.

    Args:
        photo: (B, 3, S, S) in [-1, 1].
        labels: (B, S, S) int64.
        limits: how far.
        side: of the result; S or a whole fraction of it.

    Returns:
        Photos (B, 3, side, side) in [-1, 1] in the memory format of `photo`, and labels (B, side,
        side) int64, `IGNORED` where there is nothing to learn.
    """
    photo, labels = move(photo, labels, limits, side)
    return cut(recolour(photo, limits), labels, limits)


def move(photo: Tensor, labels: Tensor, limits: Distort, side: int) -> tuple[Tensor, Tensor]:
    """Zoom, rotate and shift; photos repeat their border, labels there are `IGNORED`."""
    count, device = len(photo), photo.device
    # The mean of two random numbers: the ends are rarer than the middle.
    along = torch.rand(count, 2, device=device).mean(dim=1)
    low, high = -math.log(limits.zoom_out), math.log(limits.zoom_in)
    zoom = torch.exp(low + along * (high - low))
    angle = math.radians(limits.rotation) * _both_ways(count, 2, device).mean(dim=1)
    # grid_sample asks where a pixel comes from, and spans the picture by [-1, 1].
    shift = 2 * limits.shift * _both_ways(count, 2, device)
    cos, sin = angle.cos() / zoom, angle.sin() / zoom
    matrix = torch.stack(
        [torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)], 1
    )
    grid = F.affine_grid(matrix, [count, 1, side, side], align_corners=False)
    shrink = photo.shape[-1] // side
    reduced = F.avg_pool2d(photo, shrink) if shrink > 1 else photo
    sampled = F.grid_sample(reduced, grid, padding_mode="border", align_corners=False)
    # grid_sample fills with 0 outside: labels are shifted so that 0 means IGNORED.
    above_zero = (labels - IGNORED).float().unsqueeze(1)
    classes = F.grid_sample(above_zero, grid, mode="nearest", align_corners=False)
    return sampled, classes.squeeze(1).long() + IGNORED


def recolour(photo: Tensor, limits: Distort) -> Tensor:
    """Change brightness, contrast and colour, remove colour or sharpness, and add noise."""
    count, device = len(photo), photo.device

    def subset(part: float) -> Tensor:
        return torch.rand(count, 1, 1, 1, device=device) < part

    contrast = 1 + limits.light * _both_ways(count, 1, device)[..., None, None]
    bright = limits.light * _both_ways(count, 1, device)[..., None, None]
    cast = limits.light / 2 * _both_ways(count, 3, device)[..., None, None]
    photo = photo * contrast + bright + cast
    photo = torch.where(subset(limits.grey), as_grey(photo).expand_as(photo), photo)
    side = photo.shape[-1]
    for share in (0.5, 0.3):
        small = F.interpolate(photo, size=int(side * share), mode="bilinear", antialias=True)
        blurred = F.interpolate(small, size=side, mode="bilinear")
        photo = torch.where(subset(limits.blur / 2), blurred, photo)
    deviation = limits.noise * torch.rand(count, 1, 1, 1, device=device)
    return (photo + deviation * torch.randn_like(photo)).clamp(-1, 1)


def cut(photo: Tensor, labels: Tensor, limits: Distort) -> tuple[Tensor, Tensor]:
    """Cover a rectangle of some photos; the labels under it become `IGNORED`."""
    count, side, device = len(photo), photo.shape[-1], photo.device
    positions = torch.arange(side, device=device) / side
    start, extent = torch.rand(2, count, 2, 1, device=device)
    within = ((positions >= start) & (positions < start + extent / 3)).unbind(dim=1)
    chosen = (torch.rand(count, device=device) < limits.cut)[:, None, None]
    hidden = within[0][:, :, None] & within[1][:, None, :] & chosen
    colour = _both_ways(count, 3, device)[..., None, None]
    return torch.where(hidden[:, None], colour, photo), labels.masked_fill(hidden, IGNORED)


def _both_ways(count: int, values: int, device: torch.device) -> Tensor:
    return 2 * torch.rand(count, values, device=device) - 1
