"""Kovesi's phase congruency (1999), with the constants that FSIM uses.

A bank of one-sided log-Gabor filters (4 scales, 4 orientations) gives at every pixel an even and
an odd response. Where they are in phase over the scales, the pixel is a feature, whatever its
contrast.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

SCALES = 4
ORIENTATIONS = 4
MIN_WAVELENGTH = 6
WAVELENGTH_RATIO = 2
SIGMA_ON_F = 0.55
ANGLE_SIGMA = math.pi / ORIENTATIONS / 1.2
NOISE_DEVIATIONS = 2.0
NOISE_DIVISOR = 1.7
EPSILON = 1e-4
_TINY = 1e-30  # keeps roots differentiable at 0, far below every amplitude that counts


class Bank(NamedTuple):
    """Filters of one picture size, ready for real transforms.

    even, odd: (4 orientations, 4 scales, H, W // 2 + 1), such that the inverse real transforms of
        spectrum * even and spectrum * odd are the real and imaginary part of a response.
    noise: (4 orientations,), threshold T over the square root of the median power.
    """

    even: Tensor
    odd: Tensor
    noise: Tensor


def phase_congruency(plane: Tensor) -> Tensor:
    """Phase congruency of pictures in 0..255: (B, H, W) -> (B, H, W) in [0, 1].

    Constant pictures have none: 0 everywhere.
    """
    bank = filter_bank(plane.shape[1], plane.shape[2], plane.dtype, plane.device)
    # One picture at a time stays within a CPU's cache, which is three times as fast.
    step = 1 if plane.device.type == "cpu" else 16
    return torch.cat([_congruency(part, bank) for part in plane.split(step)])


def _congruency(plane: Tensor, bank: Bank) -> Tensor:
    # Every filter is 0 at frequency 0; without the mean, rounding errors shrink as well.
    centred = plane - plane.mean((1, 2), keepdim=True)
    spectrum = torch.fft.rfft2(centred)[:, None]
    energy = torch.zeros_like(plane)
    amplitude = torch.full_like(plane, _TINY)
    for even, odd, noise in zip(bank.even, bank.odd, bank.noise):
        real = torch.fft.irfft2(spectrum * even, s=plane.shape[1:])  # (B, 4 scales, H, W)
        imaginary = torch.fft.irfft2(spectrum * odd, s=plane.shape[1:])
        power = real.square() + imaginary.square()
        threshold = noise * (_median(power[:, 0]) + _TINY).sqrt()
        local = _local_energy(real, imaginary) - threshold[:, None, None]
        energy = energy + local.clamp_min(0)
        amplitude = amplitude + (power + _TINY).sqrt().sum(1)
    flat = (plane.amax((1, 2)) == plane.amin((1, 2)))[:, None, None]
    return torch.where(flat, torch.zeros_like(plane), energy / amplitude)


def _local_energy(real: Tensor, imaginary: Tensor) -> Tensor:
    """Sum over scales of cos - |sin| of the phase deviation, times amplitude: (B, H, W)."""
    e, o = real.sum(1), imaginary.sum(1)
    length = (e.square() + o.square() + _TINY).sqrt() + EPSILON
    e, o = e / length, o / length
    deviation = (real * o[:, None]).sub_(imaginary * e[:, None]).abs().sum(1)
    return (e.square() + o.square()) * length - deviation


def _median(power: Tensor) -> Tensor:
    """Median of each picture, the mean of the two middle values where they are two: (B,)."""
    # torch takes the lower middle value; of the negated values that is the upper one.
    return torch.stack([(one.median() - (-one).median()) / 2 for one in power])


@lru_cache(maxsize=8)
def filter_bank(height: int, width: int, dtype: torch.dtype, device: torch.device) -> Bank:
    """The filters for one picture size; made in float64, kept for the next batch."""
    filters = _filters(height, width)  # (orientation, scale, H, W), real
    # Real and imaginary part of ifft2(spectrum * f) are the inverse transforms with the parts of
    # f that are even and odd under negation of the frequency (modulo the size).
    mirrored = filters.flip((2, 3)).roll((1, 1), (2, 3))
    half = width // 2 + 1
    even = (filters + mirrored)[..., :half] / 2
    odd = (filters - mirrored)[..., :half] / 2j
    complex_dtype = torch.complex128 if dtype == torch.float64 else torch.complex64
    return Bank(
        even.to(device, dtype), odd.to(device, complex_dtype), _noise(filters).to(device, dtype)
    )


def _filters(height: int, width: int) -> Tensor:
    y, x = torch.meshgrid(_frequencies(height), _frequencies(width), indexing="ij")
    radius, angle = torch.hypot(x, y), torch.atan2(-y, x)
    low_pass = 1 / (1 + (radius / 0.45) ** 30)
    radius[0, 0] = 1
    scales = []
    for scale in range(SCALES):
        wavelength = MIN_WAVELENGTH * WAVELENGTH_RATIO**scale
        log_gabor = torch.exp(-((radius * wavelength).log() ** 2) / (2 * math.log(SIGMA_ON_F) ** 2))
        log_gabor = log_gabor * low_pass
        log_gabor[0, 0] = 0
        scales.append(log_gabor)
    spreads = []
    for orientation in range(ORIENTATIONS):
        turned = angle - orientation * math.pi / ORIENTATIONS
        distance = torch.atan2(turned.sin(), turned.cos()).abs()
        spreads.append(torch.exp(-distance.square() / (2 * ANGLE_SIGMA**2)))
    return torch.stack(spreads)[:, None] * torch.stack(scales)


def _frequencies(length: int) -> Tensor:
    """Kovesi's grid, zero first; an odd length divides by length - 1, unlike fftfreq."""
    half = length // 2
    grid = torch.arange(-half, length - half, dtype=torch.float64)
    return torch.fft.ifftshift(grid / (length - length % 2))


def _noise(filters: Tensor) -> Tensor:
    """Threshold T per square root of median power, for each orientation: (4,).

    Noise power P from the median of the smallest scale's squared amplitude (a Rayleigh
    distribution), the expected energy N = tau^2 * 2 it leaves in all scales, and T that many
    deviations above its mean; all but the median depends on the filters alone.
    """
    height, width = filters.shape[2:]
    kernels = torch.fft.ifft2(filters).real * math.sqrt(height * width)
    squares = kernels.square().sum((1, 2, 3))
    all_pairs = kernels.sum(1).square().sum((1, 2))  # squares + 2 * products over s < r
    power = 1 / math.log(2) / filters[:, 0].square().sum((1, 2))
    tau = (power * (2 * squares + 2 * (all_pairs - squares)) / 2).sqrt()
    deviations = math.sqrt(math.pi / 2) + NOISE_DEVIATIONS * math.sqrt(2 - math.pi / 2)
    return tau * deviations / NOISE_DIVISOR
