"""The metrics by name: a new one is a file with a `Metric` or `SetMetric`, and one line here."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from sketchface_models.metrics import fid, fsim, lpips, scoot, sets, simple, ssim
from sketchface_models.metrics.metric import Direction, Metric, SetMetric, why_not_measured
from sketchface_models.metrics.validate import check_pair

__all__ = ["METRICS", "SET_METRICS", "Direction", "least_side", "metric_names", "score_batch"]

METRICS: dict[str, Metric] = {
    "l1": simple.L1,
    "psnr": simple.PSNR,
    "ssim": ssim.SSIM,
    "scoot": scoot.SCOOT,
    "fsim": fsim.FSIM,
    "fsimc": fsim.FSIMC,
    "lpips": lpips.ALEX,
}
SET_METRICS: dict[str, SetMetric] = {
    "parser_frechet": sets.PARSER_FRECHET,
    "parser_kernel": sets.PARSER_KERNEL,
    "fid": fid.FID,
    "kid": fid.KID,
}


def metric_names(channels: int, measurable: bool = True) -> tuple[str, ...]:
    """The metrics that apply to pictures of 1 (grey) or 3 (RGB) channels, in table order.

    Args:
        channels: of the pictures.
        measurable: leave out those whose weights are not there.
    """
    return tuple(
        name
        for name, metric in METRICS.items()
        if (channels == 3 or metric.channels != "colour")
        and not (measurable and why_not_measured(metric))
    )


def not_measured(channels: int) -> dict[str, str]:
    """Name -> one line that says what it lacks, of metrics that would apply but have no weights."""
    wanted: dict[str, Metric | SetMetric] = {
        name: METRICS[name] for name in metric_names(channels, measurable=False)
    }
    reasons = {name: why_not_measured(each) for name, each in (wanted | SET_METRICS).items()}
    return {name: reason for name, reason in reasons.items() if reason}


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
            255 (SCOOT is defined on nothing else; `pixels.from_signed` makes them).
        generated: same shape, dtype and device.
        data_range: value of white.
        names: of `METRICS`; default: all that apply to C channels (`metric_names`).

    Returns:
        name -> (B,) float64, in the order of `names`, on the pictures' device (on the CPU for a
        device that has no float64).

    Raises:
        ValueError: see `check_pair`; or if a name is unknown.
        SketchFaceError: if a metric that is named lacks its weights.
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
