"""Measure checkerboards: the marks of up-sampling that treats even and odd pixels differently."""

from __future__ import annotations

import torch
from torch import Tensor

SLOW = 1 / 16
"""Cycles a pixel along a stripe below which it counts as one."""
NEAR = (3 / 8, 7 / 16)
"""Cycles a pixel that alternation, 1/2, is compared with."""


def checkerboard(pictures: Tensor) -> float:
    """Return how far what alternates from pixel to pixel stands out of pictures' spectrum.

    The power of rows, of columns, and of squares that alternate, each by the power of what is a
    little slower; the largest of the three. Spectra of photos and drawings fall towards high
    frequencies, so that theirs is 1 or less, whatever their contrast; stripes or squares of one
    pixel make a peak.

    Args:
        pictures: (N, C, S, S), S a multiple of 16; of several pixels' brightness.
    """
    side = pictures.shape[-1]
    window = torch.hann_window(side, dtype=torch.float64)
    flat = pictures.double() - pictures.double().mean((2, 3), keepdim=True)
    spectrum = torch.fft.fft2(flat * window[:, None] * window)
    power = spectrum.abs().square().mean((0, 1))  # (S, S), vertical frequency first
    slow = torch.fft.fftfreq(side).abs() < SLOW
    near = slice(int(NEAR[0] * side), int(NEAR[1] * side))
    half = side // 2
    around = slice(half - 1, half + 2)  # the window widens a peak
    peaks = (
        power[half, slow].mean() / power[near][:, slow].mean(),
        power[slow, half].mean() / power[slow][:, near].mean(),
        power[around, around].mean() / power[near, near].mean(),
    )
    return float(torch.stack(peaks).max())
