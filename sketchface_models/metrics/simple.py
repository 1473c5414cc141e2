"""Mean absolute error and peak signal-to-noise ratio."""

from __future__ import annotations

import torch
from torch import Tensor

from sketchface_models.metrics.metric import Direction, Metric
from sketchface_models.metrics.validate import check_pair


def l1(reference: Tensor, generated: Tensor, data_range: float = 255.0) -> Tensor:
    """Return the mean absolute difference in 0..1 units: 0 = same, 1 = black against white.

    Args:
        reference: (B, C, H, W), C 1 or 3, in [0, data_range].
        generated: same shape.
        data_range: value of white.

    Returns:
        (B,), over all channels and pixels; lower is better.

    Raises:
        ValueError: see `check_pair`.
    """
    reference, generated = check_pair("l1", reference, generated, data_range)
    return (reference - generated).abs().flatten(1).mean(1) / 255


def psnr(reference: Tensor, generated: Tensor, data_range: float = 255.0) -> Tensor:
    """Return the peak signal-to-noise ratio in dB; infinite where the two pictures are identical.

    (`bootstrap.finite` says how an infinite value enters a mean.)

    Args:
        reference: (B, C, H, W), C 1 or 3, in [0, data_range].
        generated: same shape.
        data_range: value of white.

    Returns:
        (B,), from the mean square error over all channels and pixels; higher is better.

    Raises:
        ValueError: see `check_pair`.
    """
    reference, generated = check_pair("psnr", reference, generated, data_range)
    error = (reference - generated).square().flatten(1).mean(1)
    return 10 * torch.log10(255.0**2 / error)


L1 = Metric(l1, Direction.LOWER, "L1 (0..1)")
PSNR = Metric(psnr, Direction.HIGHER, "PSNR (dB)")
