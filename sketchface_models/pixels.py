"""Pixel values: from a network's [-1, 1] to the 8-bit levels of a file, and from RGB to grey."""

from __future__ import annotations

from torch import Tensor

LUMA = (0.299, 0.587, 0.114)
"""ITU-R 601 weights of red, green and blue."""


def as_grey(images: Tensor) -> Tensor:
    """Return ITU-R 601 luma, unrounded, in any range: (N, C, H, W), C 1 or 3 -> (N, 1, H, W).

    Raises:
        ValueError: if C is neither.
    """
    if images.shape[1] == 1:
        return images
    if images.shape[1] != 3:
        raise ValueError(f"pictures of {images.shape[1]} channels have no grey version")
    red, green, blue = images.unbind(1)
    return (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue)[:, None]


def from_signed(images: Tensor) -> Tensor:
    """Return whole levels 0..255 in float64, as if written to an 8-bit file and read back.

    Args:
        images: any shape, in [-1, 1]; values outside are clipped.

    Returns:
        Same shape, float64. NaN stays NaN, so that a metric refuses it.
    """
    return ((images.double().clamp(-1, 1) + 1) * 127.5).round()
