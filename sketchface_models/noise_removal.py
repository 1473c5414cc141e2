"""Noise removal (Zhao et al. 2023, sections 3.5.2 and 4.3), and where colourful noise comes from.

`wrapped` is the authors' way from a network's values to bytes, which makes such noise by itself.
`without_edge_shadows` takes ink off the border of a picture where nothing was drawn.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

DRAWINGS = ("lines", "sketch", "contour")
"""Fields that are strokes on paper."""
BAND = 0.05
"""Width of the border in which ink counts as a shadow, as a part of the side."""
REACH = 0.03
"""How far from a stroke ink still belongs to it, likewise."""
FAINT = 0.1
"""Strokes are at least this much darker than the paper, as a part of the way from white to black:
lines thinner than a pixel are grey."""
PAPER = 0.9
"""Part of a picture's pixels that are no brighter than its paper."""


def wrapped(generated: Tensor) -> Tensor:
    """Return what [-1, 1] becomes when it is written as if it were [0, 1].

    The authors hand tanh's values to torchvision's `ToPILImage`, which multiplies them by 255 and
    cuts them to a byte: negative ones wrap round, so that -0.25 becomes 193 and 0.25 becomes 63.

    Args:
        generated: in [-1, 1], any shape.

    Returns:
        The same picture as levels of [-1, 1]: byte / 127.5 - 1.
    """
    levels = torch.remainder(torch.trunc(generated.float() * 255), 256)
    return (levels / 127.5 - 1).to(generated.dtype)


def without_edge_shadows(generated: Tensor, drawing: Tensor) -> Tensor:
    """Lighten the border of pictures to their paper, away from the strokes that they came from.

    The paper removes shadows by comparing noisy sketches with normal ones, and says no more. A
    target is not there when a sketch is asked for, so its place takes the drawing.

    Args:
        generated: (B, C, S, S) in [-1, 1], ink is dark.
        drawing: (B, 1 or 3, S, S), the input, strokes on white.

    Returns:
        (B, C, S, S); no pixel is darker than before, and none changes inside the border.
    """
    levels = generated.flatten(2)
    paper = levels.kthvalue(round(PAPER * levels.shape[2]), dim=2).values[:, :, None, None]
    shadow = border(generated.shape[-1], generated.device) & ~near(strokes(drawing))
    return torch.where(shadow, torch.maximum(generated, paper), generated)


def strokes(drawing: Tensor, white: Tensor | float = 1.0) -> Tensor:
    """Return where a drawing has strokes: (B, C, S, S) in [-1, 1] -> (B, 1, S, S) bool.

    Args:
        drawing: dark on light paper; of several channels the darkest counts.
        white: level of the paper, that broadcasts with (B, 1, S, S).
    """
    return drawing.amin(dim=1, keepdim=True) < white - 2 * FAINT


def near(mask: Tensor) -> Tensor:
    """Return where a mask is at most `REACH` away, in x and in y: (B, 1, S, S) bool -> the same."""
    reach = max(1, round(REACH * mask.shape[-1]))
    return F.max_pool2d(mask.float(), 2 * reach + 1, stride=1, padding=reach) > 0


def border(size: int, device: torch.device | str = "cpu") -> Tensor:
    """Return the outer `BAND` of a picture, (size, size) bool, one pixel wide at least."""
    width = max(1, round(BAND * size))
    inside = torch.zeros(size, size, dtype=torch.bool, device=device)
    inside[width:-width, width:-width] = True
    return ~inside
