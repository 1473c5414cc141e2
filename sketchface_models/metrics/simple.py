"""Mean absolute error and peak signal-to-noise ratio."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sketchface_models.metrics.metric import Direction, Metric
from sketchface_models.metrics.validate import check_pair

INFINITE_COUNTS_AS = 100.0
"""What +inf enters a mean as. Only the PSNR (dB) of identical pictures is infinite; 8-bit pictures
of 250 x 250 that differ at all stay below 96.1 dB."""


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

    (`finite` says how an infinite value enters a mean.)

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


def finite(values: Tensor | np.ndarray | Sequence[float]) -> np.ndarray:
    """Return a float64 copy in which +inf stands as `INFINITE_COUNTS_AS`.

    Raises:
        ValueError: if a value is NaN or -inf.
    """
    if isinstance(values, Tensor):
        values = values.detach().cpu().numpy()
    array = np.array(values, dtype=np.float64)
    array[array == np.inf] = INFINITE_COUNTS_AS
    if not np.isfinite(array).all():
        raise ValueError("finite: NaN or -inf among the values")
    return array


L1 = Metric(
    l1,
    Direction.LOWER,
    "L1 (0..1)",
    explanation="mean difference in brightness; 0 is identical, 1 is black for white",
)
PSNR = Metric(
    psnr,
    Direction.HIGHER,
    "PSNR (dB)",
    explanation="the difference in brightness on a logarithmic scale that punishes large errors; 20"
    " is rough, 30 close",
    parameters={"revision": 1, "infinite": INFINITE_COUNTS_AS},
)
