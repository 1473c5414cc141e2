"""Do two pictures have strokes that run the same way? HIDA's texture loss (Eq. 6, facts E.8)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Operator = Literal["sobel", "prewitt"]

WEIGHTS: dict[Operator, tuple[float, float]] = {"sobel": (1 / 8, 2 / 8), "prewitt": (1 / 3, 1 / 3)}
"""Of the outer two and the inner of three lines over which differences along them are averaged.

Sobel's are scaled to give the slope; a cosine does not see scale, but EPSILON does. Prewitt's are
the released code's.
"""
EPSILON = 1e-7
"""Added inside both roots: what a squared length is compared with."""


def texture_loss(drawn: Tensor, reference: Tensor, operator: Operator) -> Tensor:
    """Mean over pixels of 1 - the cosine between the gradients of two pictures.

    Eq. 6 lacks the "1 -": taken literally, minimising it would turn every stroke by 180 degrees.
    The words around it say cosine *distance*, and so does the released code. That code compares
    with the input photo, by the Prewitt operator; the paper with the target sketch, by Sobel's.

    At a pixel, x and y slopes of all channels form one vector; a grey picture against a colour
    one is taken for three equal channels. Where either picture is flat the cosine is 0 and the
    distance 1, not undefined. A drawing equal to its reference therefore scores the part of blank
    pixels in it, not 0; and a blank drawing gets a gradient, at most 1 / sqrt(EPSILON) = 3,162
    times a pixel's share in the mean, that points to the reference's strokes. Borders are
    replicated, so that no stroke appears where a picture ends.

    Args:
        drawn: (B, C, H, W) float, the generated picture.
        reference: (B, C or 3, H, W) float, what its texture shall be like.
        operator: that gives slopes.

    Returns:
        (), from 0 (every gradient parallel) over 1 (unrelated) to 2 (opposite). In 32 bits or
        better.
    """
    exact = torch.promote_types(torch.promote_types(drawn.dtype, reference.dtype), torch.float32)
    with torch.autocast(drawn.device.type, enabled=False):
        drawn, reference = torch.broadcast_tensors(drawn.to(exact), reference.to(exact))
        one, other = _slopes(drawn, operator), _slopes(reference, operator)
        lengths = (one.square().sum(dim=1) + EPSILON) * (other.square().sum(dim=1) + EPSILON)
        return (1 - (one * other).sum(dim=1) * lengths.rsqrt()).mean()


def _slopes(picture: Tensor, operator: Operator) -> Tensor:
    """Picture (B, C, H, W) -> its x slopes, then its y slopes, (B, 2 C, H, W).

    By adding up slices: a convolution of one channel takes several times as long on a processor,
    and the gradient of F.pad's "replicate" is not deterministic on CUDA.
    """
    outer, inner = WEIGHTS[operator]
    wide = torch.cat([picture[..., :1], picture, picture[..., -1:]], dim=3)
    high = torch.cat([wide[:, :, :1], wide, wide[:, :, -1:]], dim=2)
    lines = outer * (high[:, :, :-2] + high[:, :, 2:]) + inner * high[:, :, 1:-1]
    columns = outer * (high[..., :-2] + high[..., 2:]) + inner * high[..., 1:-1]
    across = lines[..., 2:] - lines[..., :-2]
    down = columns[:, :, 2:] - columns[:, :, :-2]
    return torch.cat([across, down], dim=1)
