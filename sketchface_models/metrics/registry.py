"""The metrics by name: a new one is a file with a function, and one line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import torch
from torch import Tensor

from sketchface_models.metrics import fsim, phase_congruency, scoot, simple, ssim
from sketchface_models.metrics.validate import check_pair

Function = Callable[[Tensor, Tensor, float], Tensor]


class Direction(StrEnum):
    """Which end of a metric is good."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True)
class Metric:
    """One full-reference metric.

    function: (reference, generated, data_range) -> (B,); see `simple.l1` for the contract.
    direction: which end is good.
    label: for tables and plots, with the unit where there is one.
    channels: `any` measures the channels it is given, `grey` turns colour into grey itself,
        `colour` says nothing new about grey pictures and is left out for them.
    least_side: smallest picture it is defined for, in pixels.
    parameters: whatever changes its values; part of a protocol's hash. `revision` goes up when a
        correction of the code changes values.
    together: gives this metric and others, by name, for the price of one.
    """

    function: Function
    direction: Literal["higher", "lower"]
    label: str
    channels: Literal["any", "grey", "colour"] = "any"
    least_side: int = 1
    parameters: Mapping[str, object] = field(default_factory=lambda: {"revision": 1})
    together: Callable[[Tensor, Tensor, float], dict[str, Tensor]] | None = None


_SSIM = {
    "revision": 1,
    "sigma": ssim.SIGMA,
    "radius": ssim.RADIUS,
    "k1": ssim.K1,
    "k2": ssim.K2,
    "covariance": "population",
    "border": "inside",
}
_SCOOT = {
    "revision": 1,
    "grid": scoot.GRID,
    "levels": scoot.LEVELS,
    "luma": scoot.LUMA,
    "constant": "scored",
}
_FSIM = {
    "revision": 1,
    "t": (fsim.T1, fsim.T2),
    "scales": phase_congruency.SCALES,
    "orientations": phase_congruency.ORIENTATIONS,
    "min_wavelength": phase_congruency.MIN_WAVELENGTH,
    "ratio": phase_congruency.WAVELENGTH_RATIO,
    "sigma_on_f": phase_congruency.SIGMA_ON_F,
    "noise": (phase_congruency.NOISE_DEVIATIONS, phase_congruency.NOISE_DIVISOR),
    "constant": "no features",
}
_FSIMC = {**_FSIM, "t": (fsim.T1, fsim.T2, fsim.T3, fsim.T4), "lambda": fsim.LAMBDA}

METRICS: dict[str, Metric] = {
    "l1": Metric(simple.l1, "lower", "L1 (0..1)"),
    "psnr": Metric(simple.psnr, "higher", "PSNR (dB)"),
    "ssim": Metric(ssim.ssim, "higher", "SSIM", "any", 2 * ssim.RADIUS + 1, _SSIM),
    "scoot": Metric(scoot.scoot, "higher", "SCOOT", "grey", scoot.LEAST_SIDE, _SCOOT),
    "fsim": Metric(
        fsim.fsim, "higher", "FSIM", "grey", fsim.LEAST_SIDE, _FSIM, fsim.fsim_and_fsimc
    ),
    "fsimc": Metric(
        fsim.fsimc, "higher", "FSIMc", "colour", fsim.LEAST_SIDE, _FSIMC, fsim.fsim_and_fsimc
    ),
}


def metric_names(channels: int) -> tuple[str, ...]:
    """The metrics that apply to pictures of 1 (grey) or 3 (RGB) channels, in table order."""
    return tuple(
        name for name, metric in METRICS.items() if channels == 3 or metric.channels != "colour"
    )


def least_side(names: Iterable[str]) -> int:
    """Smallest picture side, in pixels, for which all these metrics are defined."""
    return max(METRICS[name].least_side for name in names)


def score_batch(
    reference: Tensor,
    generated: Tensor,
    data_range: float = 255.0,
    names: Iterable[str] | None = None,
) -> dict[str, Tensor]:
    """Every metric of every pair, in float64.

    Args:
        reference: (B, C, H, W), C 1 or 3, in [0, data_range], whole grey levels when scaled to
            255 (SCOOT is defined on nothing else; `levels.from_signed` makes them).
        generated: same shape, dtype and device.
        data_range: value of white.
        names: of `METRICS`; default: all that apply to C channels (`metric_names`).

    Returns:
        name -> (B,) float64, in the order of `names`, on the pictures' device (on the CPU for a
        device that has no float64).

    Raises:
        ValueError: see `check_pair`; or if a name is unknown.
    """
    check_pair("score_batch", reference, generated, data_range)
    names = metric_names(reference.shape[1]) if names is None else tuple(names)
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        raise ValueError(f"no metric {unknown[0]!r}; there are {', '.join(METRICS)}")
    # Small steps stay within a CPU's cache: several times faster than one large batch.
    step = 2 if reference.device.type == "cpu" else 64
    parts = [
        _score(_in_double(ours), _in_double(theirs), data_range, names)
        for ours, theirs in zip(reference.split(step), generated.split(step), strict=True)
    ]
    return {name: torch.cat([part[name] for part in parts]) for name in names}


@torch.no_grad()
def _score(
    reference: Tensor, generated: Tensor, data_range: float, names: tuple[str, ...]
) -> dict[str, Tensor]:
    scores: dict[str, Tensor] = {}
    for name in names:
        metric = METRICS[name]
        if name not in scores and metric.together:
            scores |= metric.together(reference, generated, data_range)
        elif name not in scores:
            scores[name] = metric.function(reference, generated, data_range)
    return {name: scores[name] for name in names}


def _in_double(images: Tensor) -> Tensor:
    return (images.cpu() if images.device.type == "mps" else images).double()
