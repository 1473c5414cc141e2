"""The one contract of all metrics on pictures, checked in one place (after piq)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

DTYPES = (torch.float32, torch.float64, torch.uint8)


def check_pair(
    name: str, reference: Tensor, generated: Tensor, data_range: float = 255.0, least: int = 1
) -> tuple[Tensor, Tensor]:
    """Return two batches of pictures, checked and brought to 0..255.

    Args:
        name: of the metric, for the message.
        reference: (B, C, H, W), C 1 (grey) or 3 (RGB), values in [0, data_range]; float32,
            float64, or uint8 (which counts as float64).
        generated: same shape, dtype and device.
        data_range: value of white.
        least: smallest side the metric is defined for, in pixels.

    Returns:
        The same pictures as floats in [0, 255].

    Raises:
        ValueError: one line that says what breaks the contract.
    """
    # Shapes of both first: a pair that does not fit is the more useful thing to hear of.
    problem = _shape_problem("reference", reference, least)
    problem = problem or _shape_problem("generated", generated, least)
    problem = problem or _mismatch(reference, generated)
    problem = problem or _range_problem("reference", reference, data_range)
    problem = problem or _range_problem("generated", generated, data_range)
    problem = problem or _scale_problem(reference, generated, data_range)
    if problem:
        raise ValueError(f"{name}: {problem}")
    return _in_255(reference, data_range), _in_255(generated, data_range)


def check_images(name: str, images: Tensor, data_range: float = 255.0, least: int = 1) -> Tensor:
    """Return one batch of pictures, checked and brought to 0..255; contract as in `check_pair`."""
    problem = _shape_problem("images", images, least)
    problem = problem or _range_problem("images", images, data_range)
    if problem:
        raise ValueError(f"{name}: {problem}")
    return _in_255(images, data_range)


def _shape_problem(role: str, images: Tensor, least: int) -> str | None:
    if not isinstance(images, Tensor):
        return f"{role}: a {type(images).__name__}; expected a tensor (B, C, H, W)"
    if images.dtype not in DTYPES:
        return f"{role}: {images.dtype}; expected float32, float64 or uint8"
    if images.dim() != 4 or len(images) == 0 or images.shape[1] not in (1, 3):
        shape = tuple(images.shape)
        return f"{role}: shape {shape}; expected (B, C, H, W) with B >= 1 and C 1 or 3"
    if min(images.shape[2:]) < least:
        width, height = images.shape[3], images.shape[2]
        return f"{role}: {width} x {height} pixels; expected sides of at least {least}"
    return None


def _mismatch(reference: Tensor, generated: Tensor) -> str | None:
    for what in ("shape", "dtype", "device"):
        ours, theirs = getattr(reference, what), getattr(generated, what)
        if ours != theirs:
            if what == "shape":
                ours, theirs = tuple(ours), tuple(theirs)
            return f"reference and generated differ in {what}: {ours} and {theirs}"
    return None


def _range_problem(role: str, images: Tensor, data_range: float) -> str | None:
    if not 0 < data_range < math.inf:
        return f"data_range: {data_range}; expected a positive number"
    if images.dtype == torch.uint8:
        return None if data_range == 255 else f"{role}: uint8, whose data_range is 255"
    low, high = (float(value) for value in images.detach().aminmax())
    if not (low > -math.inf and high < math.inf):  # NaN fails the comparison too
        return f"{role}: NaN or infinite values"
    if low < 0 or high > data_range:
        return f"{role}: values in [{low:g}, {high:g}]; expected [0, {data_range:g}]"
    return None


def _scale_problem(reference: Tensor, generated: Tensor, data_range: float) -> str | None:
    """The commonest slip: pictures in [0, 1] that are taken for almost black ones."""
    images = reference.detach()
    if data_range != 255 or images.dtype == torch.uint8 or max(images.max(), generated.max()) > 1:
        return None
    whole = bool((images == images.round()).all())
    return None if whole else "fractions in [0, 1]; expected [0, 255], or pass data_range=1"


def _in_255(images: Tensor, data_range: float) -> Tensor:
    if images.dtype == torch.uint8:
        return images.double()
    return images if data_range == 255 else images * (255.0 / data_range)
