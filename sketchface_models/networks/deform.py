"""Modulated deformable convolution (DCNv2; Zhu et al. 2019, "Deformable ConvNets v2", Eq. 1).

A convolution whose taps are displaced by offsets and weighted by masks, both predicted from the
feature map itself; between pixels it interpolates. Offsets and masks lie in memory as in
`torchvision.ops.deform_conv2d`, whose fused kernel takes over where it is installed.

The look-up is one `embedding_bag`: a bag is the four pixels around a sampling point, weighted by
how near they are and by the tap's mask. It is fused on both devices and, unlike `grid_sample` on
CUDA, deterministic.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class DeformableConv2d(nn.Module):
    """Deformable convolution that predicts offsets and masks from its own input.

    It starts as half a plain convolution: offsets are 0 and masks sigmoid(0) = 0.5, whatever the
    input (docs/papers.md, HIDA). Offsets are predicted and applied in 32 bits under autocast too:
    bf16 would round a position to the next 1/64 pixel or worse.

    Args:
        in_channels: a multiple of `groups_deformable`.
        out_channels: of the result.
        kernel_size: side of the kernel.
        stride: in pixels.
        padding: zeros added on every side.
        groups_deformable: groups of input channels that have offsets and masks of their own.

    Shape: (B, in_channels, H, W) -> (B, out_channels, H', W') as for `nn.Conv2d`.

    Raises:
        ValueError: if the groups do not divide the channels.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        padding: int = 1,
        groups_deformable: int = 2,
    ) -> None:
        super().__init__()
        if in_channels % groups_deformable:
            raise ValueError(f"{groups_deformable} groups do not divide {in_channels} channels")
        self.stride, self.padding = stride, padding
        taps = kernel_size**2
        bound = (taps * in_channels) ** -0.5
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.weight = nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.offset_channels = 2 * taps * groups_deformable
        self.offset_mask = nn.Conv2d(
            in_channels,
            self.offset_channels + taps * groups_deformable,
            kernel_size,
            stride=stride,
            padding=padding,
        )
        for parameter in self.offset_mask.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            predicted = self.offset_mask(x.to(self.offset_mask.weight.dtype))
        offset, mask = predicted.tensor_split([self.offset_channels], dim=1)
        arguments = (x, offset, mask.sigmoid(), self.weight, self.bias, self.stride, self.padding)
        # The fused gradient on a GPU adds up in any order.
        fused = None if torch.are_deterministic_algorithms_enabled() else torchvision_operator()
        return (fused or modulated_deform_conv2d)(*arguments)


def modulated_deform_conv2d(
    x: Tensor,
    offset: Tensor,
    mask: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: int,
    padding: int,
) -> Tensor:
    """Convolve with displaced and weighted taps; bilinear between pixels, zero outside.

    At whole pixels the derivative with respect to an offset is the one to the right or below, so
    that offsets which start at 0 do learn.

    Args:
        x: (B, C, H, W) float.
        offset: (B, G * K * 2, H', W') for K taps: by group and tap, pixels down, then across. It
            decides the precision of the positions.
        mask: (B, G * K, H', W'), what each tap's pixel is multiplied by.
        weight: (C', C, height, width), with height * width = K.
        bias: (C',), or none.
        stride: in pixels.
        padding: zeros added on every side.

    Returns:
        (B, C', H', W'), in channels-last memory.
    """
    count, channels, height, width = x.shape
    out_channels, _, *kernel = weight.shape
    taps = kernel[0] * kernel[1]
    groups = mask.shape[1] // taps
    down, across = _positions(offset, kernel, stride, padding)  # (B, H', W', G, K) each
    line, in_line = _neighbours(down, height)  # (B, H', W', G, K, 2) each
    column, in_column = _neighbours(across, width)
    in_line = in_line * mask.unflatten(1, (groups, taps)).permute(0, 3, 4, 1, 2)[..., None]
    share = in_line[..., :, None] * in_column[..., None, :]

    first = torch.arange(count, device=x.device).view(-1, 1, 1, 1, 1, 1, 1) * (height * width)
    group = torch.arange(groups, device=x.device).view(-1, 1, 1, 1)
    index = (first + line[..., :, None] * width + column[..., None, :]) * groups + group
    pixels = x.permute(0, 2, 3, 1).reshape(-1, channels // groups).to(share.dtype)
    sampled = F.embedding_bag(
        index.reshape(-1, 4), pixels, mode="sum", per_sample_weights=share.reshape(-1, 4)
    )
    # The taps of a position side by side, by group, tap and channel: one matrix product is left.
    arranged = weight.reshape(out_channels, groups, channels // groups, taps).transpose(2, 3)
    result = F.linear(sampled.view(-1, taps * channels), arranged.reshape(out_channels, -1), bias)
    return result.view(count, *offset.shape[2:], out_channels).permute(0, 3, 1, 2)


@functools.cache
def torchvision_operator() -> Callable[..., Tensor] | None:
    """Return torchvision's fused kernel with the signature of `modulated_deform_conv2d`, or None.

    Imported by name: no part of the project needs torchvision, and a broken one counts as none.
    """
    try:
        operator = importlib.import_module("torchvision.ops").deform_conv2d
    except Exception:  # a build for another torch fails in many ways
        return None

    def fused(
        x: Tensor,
        offset: Tensor,
        mask: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: int,
        padding: int,
    ) -> Tensor:
        x, weight = x.to(offset.dtype), weight.to(offset.dtype)
        with torch.autocast(x.device.type, enabled=False):
            result: Tensor = operator(x, offset, weight, bias, stride, padding, mask=mask)
        return result

    return fused


def _positions(
    offset: Tensor, kernel: list[int], stride: int, padding: int
) -> tuple[Tensor, Tensor]:
    """Return lines and columns, in pixels of the input, of every tap: (B, H', W', G, K) each."""
    device = offset.device
    moved = offset.unflatten(1, (-1, kernel[0] * kernel[1], 2)).permute(3, 0, 4, 5, 1, 2)
    line = torch.arange(kernel[0], device=device).repeat_interleave(kernel[1]) - padding
    column = torch.arange(kernel[1], device=device).repeat(kernel[0]) - padding
    rows, columns = (torch.arange(side, device=device) * stride for side in offset.shape[2:])
    down = moved[0] + (rows.view(-1, 1, 1, 1) + line)
    return down, moved[1] + (columns.view(-1, 1, 1) + column)


def _neighbours(position: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Return the pixels before and after a position and their weights: (..., 2) int64 and float.

    Outside of the picture weights are 0 (and not a number where the position is not), pixels any.
    """
    before = position.detach().floor()
    after_share = position - before
    pixel = torch.stack([before, before + 1], dim=-1)
    share = torch.stack([1 - after_share, after_share], dim=-1)
    inside = (pixel >= 0) & (pixel < side)
    return torch.where(inside, pixel, 0).long(), share * inside
