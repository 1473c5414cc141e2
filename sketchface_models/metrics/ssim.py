"""Structural similarity (Wang et al. 2004) with the options of the original paper."""

from __future__ import annotations

import torch
from torch import Tensor

from sketchface_models.metrics.metric import Direction, Metric
from sketchface_models.metrics.validate import check_pair

SIGMA = 1.5
RADIUS = 5
K1 = 0.01
K2 = 0.03


def ssim(reference: Tensor, generated: Tensor, data_range: float = 255.0) -> Tensor:
    """Return the mean structural similarity: 11 x 11 Gaussian window, population covariance.

    Only windows that lie inside the picture count. Equals scikit-image's
    `structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)`;
    MATLAB's `ssim` keeps a replicated border and differs slightly.

    Args:
        reference: (B, C, H, W), C 1 or 3, sides >= 11, in [0, data_range].
        generated: same shape.
        data_range: value of white.

    Returns:
        (B,), mean over channels and windows, at most 1; higher is better. Differentiable.

    Raises:
        ValueError: see `check_pair`.
    """
    x, y = check_pair("ssim", reference, generated, data_range, least=2 * RADIUS + 1)
    c1, c2 = (K1 * 255) ** 2, (K2 * 255) ** 2
    mu_x, mu_y = _window_mean(x), _window_mean(y)
    mu_xy, mu_xx_yy = mu_x * mu_y, mu_x.square() + mu_y.square()
    # Eq. 13 needs only the sum of the variances: four smoothed maps instead of five.
    variances = _window_mean(x.square() + y.square()) - mu_xx_yy
    covariance = _window_mean(x * y) - mu_xy
    similarity = (2 * mu_xy + c1) * (2 * covariance + c2) / ((mu_xx_yy + c1) * (variances + c2))
    return similarity.flatten(1).mean(1)


def _window_mean(images: Tensor) -> Tensor:
    """Gaussian mean around every pixel whose window lies inside: (..., H-10, W-10)."""
    offsets = torch.arange(-RADIUS, RADIUS + 1, dtype=torch.float64)
    window = torch.exp(-offsets.square() / (2 * SIGMA**2))
    weights = (window / window.sum()).tolist()
    return _weighted_slices(_weighted_slices(images, weights, dim=-2), weights, dim=-1)


def _weighted_slices(images: Tensor, weights: list[float], dim: int) -> Tensor:
    # Shifted sums: many times faster on a CPU than conv2d, which has no fast float64 path.
    length = images.shape[dim] - len(weights) + 1
    total = images.narrow(dim, 0, length) * weights[0]
    for start, weight in enumerate(weights[1:], start=1):
        total = total.add_(images.narrow(dim, start, length), alpha=weight)
    return total


SSIM = Metric(
    ssim,
    Direction.HIGHER,
    "SSIM",
    explanation="agreement of local contrast and structure; 1 is identical",
    least_side=2 * RADIUS + 1,
    parameters={
        "revision": 1,
        "sigma": SIGMA,
        "radius": RADIUS,
        "k1": K1,
        "k2": K2,
        "covariance": "population",
        "border": "inside",
    },
)
