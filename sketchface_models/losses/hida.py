"""HIDA's own losses: texture (Gao et al. 2023, Eq. 6), geometry (Eq. 5), a penalty of its code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

OPERATORS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"sobel": (1 / 8, 2 / 8), "prewitt": (1 / 3, 1 / 3)}
)
"""Gradient operator -> weights of the outer two and of the inner of three lines.

Differences along the lines are averaged with these weights. Sobel's (the paper's) are scaled to
give the slope; a cosine does not depend on scale, but EPSILON does. Prewitt's are the released
code's.
"""
EPSILON = 1e-7
"""Added to squared lengths inside both roots."""
MIN_SQUARE = 1e-12
"""Mean square below which the root, infinitely steep at 0, counts as constant."""


def texture_loss(generated: Tensor, reference: Tensor, operator: str) -> Tensor:
    """Return the mean over pixels of 1 - the cosine between the gradients of two pictures.

    Eq. 6 lacks the "1 -": taken literally, minimising it would turn every stroke by 180 degrees.
    The words around it say cosine *distance*, and so does the released code. That code compares
    with the input photo, by the Prewitt operator; the paper with the target sketch, by Sobel's.

    At a pixel, x and y slopes of all channels form one vector; a grey picture against a colour
    one counts as three equal channels. Where either picture is flat the cosine is 0 and the
    distance 1, not undefined. A picture equal to its reference therefore scores its share of blank
    pixels, not 0; and a blank picture gets a gradient, at most 1 / sqrt(EPSILON) = 3,162 times a
    pixel's share in the mean, that points to the reference's strokes. Borders are replicated, so
    that no stroke appears where a picture ends.

    Args:
        generated: (B, C, H, W) float.
        reference: (B, C or 3, H, W) float, whose texture it should have.
        operator: one of `OPERATORS`.

    Returns:
        (), from 0 (every gradient parallel) over 1 (unrelated) to 2 (opposite). In 32 bits or
        better.
    """
    exact = torch.promote_types(
        torch.promote_types(generated.dtype, reference.dtype), torch.float32
    )
    with torch.autocast(generated.device.type, enabled=False):
        generated, reference = torch.broadcast_tensors(generated.to(exact), reference.to(exact))
        one, other = _slopes(generated, operator), _slopes(reference, operator)
        lengths = (one.square().sum(dim=1) + EPSILON) * (other.square().sum(dim=1) + EPSILON)
        return (1 - (one * other).sum(dim=1) * lengths.rsqrt()).mean()


def _slopes(picture: Tensor, operator: str) -> Tensor:
    """Return the x slopes, then the y slopes: (B, C, H, W) -> (B, 2 C, H, W).

    By adding up slices: a convolution of one channel takes several times as long on a processor,
    and the gradient of F.pad's "replicate" is not deterministic on CUDA.
    """
    outer, inner = OPERATORS[operator]
    wide = torch.cat([picture[..., :1], picture, picture[..., -1:]], dim=3)
    high = torch.cat([wide[:, :, :1], wide, wide[:, :, -1:]], dim=2)
    lines = outer * (high[:, :, :-2] + high[:, :, 2:]) + inner * high[:, :, 1:-1]
    columns = outer * (high[..., :-2] + high[..., 2:]) + inner * high[..., 1:-1]
    across = lines[..., 2:] - lines[..., :-2]
    down = columns[:, :, 2:] - columns[:, :, :-2]
    return torch.cat([across, down], dim=1)


def _root(generated: Tensor, depth: Tensor) -> Tensor:
    return F.mse_loss(generated, depth).clamp(min=MIN_SQUARE).sqrt()


GEOMETRY: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {"squared": F.mse_loss, "root": _root}
)
"""Name -> distance of a generated depth from the true one: two maps of one shape -> ().

`squared` is Eq. 5 as a mean over pixels, so that its weight does not depend on the size of the
picture; `root`, the released code's, is the square root of that mean over the whole batch.
"""


def fourth_power_penalty(real: Tensor, fake: Tensor) -> Tensor:
    """Return 0.5 (mean D(fake) - mean D(real))^4, which keeps a discriminator's means together.

    In the released code alone (docs/papers.md, HIDA). Next to nothing below a distance of 1, steep
    above.

    Args:
        real: logits of real pictures, any shape.
        fake: logits of fake ones.
    """
    return 0.5 * (fake.mean() - real.mean()).pow(4)
