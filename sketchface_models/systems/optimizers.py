"""Fused Adam for weights in any memory layout.

On a CPU torch's fused Adam walks through tensors from the first byte on. It reads a gradient that
lies in another layout than its weight in the wrong order, without a word, and takes three times as
long for channels-last tensors as for contiguous ones (docs/results/benchmarks.md, Layouts). The
classes of this file bring gradients into their weights' layout and hand all tensors over as
contiguous views of the same memory. Weights, state and its names stay those of torch's classes.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.optim import Adam, AdamW


class _ContiguousViews:
    def __init__(self, parameters: Any, **options: Any) -> None:
        super().__init__(parameters, fused=True, **options)  # type: ignore[call-arg]

    def _init_group(self, group: dict[str, Any], *lists: list[Tensor]) -> bool:
        has_complex: bool = super()._init_group(group, *lists)  # type: ignore[misc]
        *tensors, _steps = lists
        to_contiguous_views(*tensors)
        return has_complex


class FusedAdam(_ContiguousViews, Adam):
    """`torch.optim.Adam(..., fused=True)`; arguments as there."""


class FusedAdamW(_ContiguousViews, AdamW):
    """`torch.optim.AdamW(..., fused=True)`; arguments as there."""


def to_contiguous_views(
    weights: list[Tensor], gradients: list[Tensor], *moments: list[Tensor]
) -> None:
    """Replace the tensors in all lists, in place, by views whose axes are in order of memory.

    Args:
        weights: dense, of any layout.
        gradients: one a weight; those of another layout than their weight's are copied.
        moments: lists of one tensor a weight, in its layout, or empty.

    Raises:
        RuntimeError: if a moment lies in another layout than its weight: a view could not say so.
    """
    for index, weight in enumerate(weights):
        order = sorted(range(weight.dim()), key=weight.stride, reverse=True)
        gradient = gradients[index].permute(order)
        for tensors in (weights, *filter(None, moments)):
            tensors[index] = tensors[index].permute(order)
            if not tensors[index].is_contiguous():
                raise RuntimeError(
                    f"optimizer: a state of shape {tuple(weight.shape)} lies in another memory "
                    "layout than its weight; move networks before their optimizers are made"
                )
        gradients[index] = gradient.contiguous()
