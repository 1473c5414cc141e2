"""From a network's [-1, 1] to the grey levels that a written picture holds."""

from __future__ import annotations

from torch import Tensor


def from_signed(images: Tensor) -> Tensor:
    """Whole levels 0..255 in float64, as if written to an 8-bit file and read back.

    Args:
        images: any shape, in [-1, 1]; what lies outside is clipped.

    Returns:
        Same shape, float64. NaN stays NaN, so that a metric refuses it.
    """
    return ((images.double().clamp(-1, 1) + 1) * 127.5).round()
