"""FSIM and FSIMc, the feature similarity index (Zhang et al. 2011).

Section and equation numbers are those of the paper; phase congruency itself is in
`phase_congruency.py`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from sketchface_models.metrics import phase_congruency as congruency
from sketchface_models.metrics.metric import Direction, Metric
from sketchface_models.metrics.phase_congruency import phase_congruency
from sketchface_models.metrics.validate import check_pair

T1, T2, T3, T4 = 0.85, 160.0, 200.0, 200.0
LAMBDA = 0.03
LEAST_SIDE = 11

_YIQ = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))


def fsim(reference: Tensor, generated: Tensor, data_range: float = 255.0) -> Tensor:
    """Return the feature similarity of luminance: phase congruency and gradients.

    A constant picture has no features: its phase congruency is 0 (the formula would divide
    rounding errors by rounding errors). Where neither picture has any, all pixels weigh alike, so
    that the value stays defined and two identical pictures score 1.

    Args:
        reference: (B, C, H, W), C 1 or 3, sides >= 11, in [0, data_range].
        generated: same shape.
        data_range: value of white.

    Returns:
        (B,) in [0, 1]; higher is better. Symmetric and differentiable.

    Raises:
        ValueError: see `check_pair`.
    """
    reference, generated = check_pair("fsim", reference, generated, data_range, LEAST_SIDE)
    similarity, weight = _luminance_similarity(_planes(reference)[:, 0], _planes(generated)[:, 0])
    return _weighted_mean(similarity, weight)


def fsimc(reference: Tensor, generated: Tensor, data_range: float = 255.0) -> Tensor:
    """Return the FSIM that compares both chrominance planes too; `fsim` for grey pictures.

    Arguments, result and errors as in `fsim`.
    """
    return fsim_and_fsimc(reference, generated, data_range)["fsimc"]


def fsim_and_fsimc(
    reference: Tensor, generated: Tensor, data_range: float = 255.0
) -> dict[str, Tensor]:
    """Return both measures for the price of one; arguments, results and errors as in `fsim`."""
    reference, generated = check_pair("fsimc", reference, generated, data_range, LEAST_SIDE)
    x, y = _planes(reference), _planes(generated)
    similarity, weight = _luminance_similarity(x[:, 0], y[:, 0])
    grey = _weighted_mean(similarity, weight)
    if x.shape[1] == 1:
        return {"fsim": grey, "fsimc": grey}
    chroma = _ratio(x[:, 1], y[:, 1], T3) * _ratio(x[:, 2], y[:, 2], T4)
    return {"fsim": grey, "fsimc": _weighted_mean(similarity * _real_power(chroma), weight)}


def _luminance_similarity(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Similarity map S_PC S_G (Eq. 6) and weights PC_m (Eq. 7), each (B, H, W)."""
    pc_x, pc_y = phase_congruency(x), phase_congruency(y)
    similarity = _ratio(pc_x, pc_y, T1) * _ratio(_gradient(x), _gradient(y), T2)
    return similarity, torch.maximum(pc_x, pc_y)


def _ratio(x: Tensor, y: Tensor, constant: float) -> Tensor:
    return (2 * x * y + constant) / (x.square() + y.square() + constant)


def _weighted_mean(similarity: Tensor, weight: Tensor) -> Tensor:
    total = weight.sum((1, 2), keepdim=True)
    weight = torch.where(total > 0, weight, torch.ones_like(weight))
    return (similarity * weight).sum((1, 2)) / weight.sum((1, 2))


def _real_power(product: Tensor) -> Tensor:
    """Real part of the complex power `product ** LAMBDA` (Eq. 12); the product may be negative."""
    size = product.abs().clamp_min(torch.finfo(product.dtype).tiny) ** LAMBDA
    return torch.where(product < 0, size * math.cos(math.pi * LAMBDA), size)


def _gradient(plane: Tensor) -> Tensor:
    """Scharr gradient magnitude with zeros outside (Table I): (B, H, W) -> (B, H, W)."""
    padded = functional.pad(plane, (1, 1, 1, 1))
    across = padded[:, :, :-2] - padded[:, :, 2:]
    down = padded[:, :-2] - padded[:, 2:]
    gx = (3 * (across[:, :-2] + across[:, 2:]) + 10 * across[:, 1:-1]) / 16
    gy = (3 * (down[:, :, :-2] + down[:, :, 2:]) + 10 * down[:, :, 1:-1]) / 16
    # The tiny term keeps the derivative of the root finite on flat paper.
    return (gx.square() + gy.square() + 1e-30).sqrt()


def _planes(images: Tensor) -> Tensor:
    """Luminance and, for RGB, the chrominances I and Q (Eq. 8), at the scale of comparison."""
    if images.shape[1] == 3:
        matrix = torch.tensor(_YIQ, dtype=images.dtype, device=images.device)
        images = torch.einsum("pc,bchw->bphw", matrix, images)
    factor = max(1, int(min(images.shape[2:]) / 256 + 0.5))
    if factor == 1:
        return images
    # The box of output (r, c) starts factor - offset above and left of pixel factor * (r, c).
    offset = math.ceil((factor + 1) / 2)
    before, after = factor - offset, offset - 1
    padded = functional.pad(images, (before, after, before, after))
    return functional.avg_pool2d(padded, factor)


_PARAMETERS = {
    "revision": 1,
    "t": (T1, T2),
    "scales": congruency.SCALES,
    "orientations": congruency.ORIENTATIONS,
    "min_wavelength": congruency.MIN_WAVELENGTH,
    "ratio": congruency.WAVELENGTH_RATIO,
    "sigma_on_f": congruency.SIGMA_ON_F,
    "noise": (congruency.NOISE_DEVIATIONS, congruency.NOISE_DIVISOR),
    "constant": "no features",
}
FSIM = Metric(
    fsim,
    Direction.HIGHER,
    "FSIM",
    "grey",
    LEAST_SIDE,
    _PARAMETERS,
    together=fsim_and_fsimc,
    explanation="agreement of the edges and lines that the eye notices first; 1 is identical",
)
FSIMC = Metric(
    fsimc,
    Direction.HIGHER,
    "FSIMc",
    "colour",
    LEAST_SIDE,
    {**_PARAMETERS, "t": (T1, T2, T3, T4), "lambda": LAMBDA},
    explanation="FSIM with colour",
    together=fsim_and_fsimc,
)
