"""Deterministic forms of operations whose CUDA gradients add up in no fixed order in torch.

torch documents (`torch.use_deterministic_algorithms`) that the gradients of reflection padding,
bilinear resizing and `grid_sample` have no deterministic CUDA kernel: several threads add to the
same pixel, and sums of floats depend on their order. Networks that a run with
`deterministic: true` trains use these instead:

    torch                                              here
    nn.ReflectionPad2d, F.pad(mode="reflect")          ReflectionPad2d, reflection_pad
    nn.Upsample, F.interpolate(mode="bilinear")        Resize, resize
    F.grid_sample(mode="bilinear")                     grid_sample

Values are torch's own, to the bit for padding and resizing. Padding costs what torch's does and
is always the form of this file; the other two cost more than torch's, so they change to it only
in deterministic mode. Gradients can be differentiated again (gradient penalties).

Their gradients are made of flips, slices, additions to disjoint pixels, matrix products, and
`index_put` with accumulation, which on CUDA sorts before it adds. (For matrix products torch asks
for CUBLAS_WORKSPACE_CONFIG=:4096:8 in the environment.)
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Sides = tuple[int, int, int, int]
"""Left, right, top, bottom, in pixels."""


def reflection_pad(x: Tensor, padding: int | Sides) -> Tensor:
    """Pad pictures with their mirror image, as `F.pad(mode="reflect")`.

    Args:
        x: (B, C, H, W) float.
        padding: pixels on every side, or on each; less than the side of the picture.

    Returns:
        (B, C, top + H + bottom, left + W + right).
    """
    sides = (padding,) * 4 if isinstance(padding, int) else padding
    padded: Tensor = _Reflection.apply(x, sides)
    return padded


def resize(x: Tensor, size: tuple[int, int], align_corners: bool = False) -> Tensor:
    """Resize bilinearly, as `F.interpolate(mode="bilinear")` without antialiasing.

    It stays out of compiled networks: inductor fails on its backward pass within HIDA's decoder.
    The compiler is imported only there, as that takes a second.

    Args:
        x: (B, C, H, W) float.
        size: height and width of the result.
        align_corners: whether the centres of the corner pixels stay, or the corners themselves.

    Returns:
        (B, C, *size).
    """
    if torch.compiler.is_compiling():
        return _uncompiled_resize()(x, size, align_corners)
    return _resize(x, size, align_corners)


@functools.cache
def _uncompiled_resize() -> Callable[[Tensor, tuple[int, int], bool], Tensor]:
    return torch.compiler.disable(_resize)


def _resize(x: Tensor, size: tuple[int, int], align_corners: bool) -> Tensor:
    if torch.are_deterministic_algorithms_enabled():
        resized: Tensor = _Resizing.apply(x, size, align_corners)
        return resized
    return F.interpolate(x, size=size, mode="bilinear", align_corners=align_corners)


def grid_sample(
    x: Tensor,
    grid: Tensor,
    padding_mode: Literal["zeros", "border"] = "zeros",
    align_corners: bool = False,
) -> Tensor:
    """Sample pictures bilinearly at any points, as `F.grid_sample`.

    Args:
        x: (B, C, H, W) float32 or float64.
        grid: (B, H', W', 2), the point (x, y) to sample for each output pixel; [-1, 1] spans the
            picture.
        padding_mode: what lies outside: nothing, or the nearest pixel of the border.
        align_corners: whether -1 and 1 are centres of corner pixels, or the corners themselves.

    Returns:
        (B, C, H', W').
    """
    if torch.are_deterministic_algorithms_enabled():
        return _gather_sample(x, grid, padding_mode == "border", align_corners)
    return F.grid_sample(x, grid, padding_mode=padding_mode, align_corners=align_corners)


class ReflectionPad2d(nn.Module):
    """`reflection_pad` as a layer, in place of `nn.ReflectionPad2d`."""

    def __init__(self, padding: int | Sides) -> None:
        super().__init__()
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H + vertical padding, W + horizontal padding)."""
        return reflection_pad(x, self.padding)


class Resize(nn.Module):
    """`resize` by a factor as a layer, in place of `nn.Upsample(mode="bilinear")`."""

    def __init__(self, factor: float, align_corners: bool = False) -> None:
        super().__init__()
        self.factor, self.align_corners = factor, align_corners

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H * factor, W * factor), rounded down."""
        height, width = (int(side * self.factor) for side in x.shape[-2:])
        return resize(x, (height, width), self.align_corners)


class _Reflection(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, sides: Sides) -> Tensor:
        ctx.sides = sides
        # Autocast would turn half-precision maps into 32-bit ones, though nothing is computed.
        with torch.autocast(x.device.type, enabled=False):
            return F.pad(x, sides, mode="reflect")

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        left, right, top, bottom = ctx.sides
        return _folded(_folded(gradient, 3, left, right), 2, top, bottom), None


def _folded(padded: Tensor, axis: int, before: int, after: int) -> Tensor:
    """What lies beyond the border along `axis`, added to the pixels it is the mirror image of."""
    length = padded.shape[axis] - before - after
    whole = padded.narrow(axis, before, length).clone()
    whole.narrow(axis, 1, before).add_(padded.narrow(axis, 0, before).flip(axis))
    beyond = padded.narrow(axis, before + length, after).flip(axis)
    whole.narrow(axis, length - 1 - after, after).add_(beyond)
    return whole


class _Resizing(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, size: tuple[int, int], align_corners: bool) -> Tensor:
        ctx.shape, ctx.dtype, ctx.align_corners = x.shape, x.dtype, align_corners
        # Not F.interpolate, which in deterministic mode would take a slow form of its own.
        return torch.ops.aten.upsample_bilinear2d(x, list(size), align_corners)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        exact = torch.promote_types(gradient.dtype, torch.float32)
        down, across = (
            _interpolation(source, target, ctx.align_corners, gradient.device, exact)
            for source, target in zip(ctx.shape[-2:], gradient.shape[-2:], strict=True)
        )
        with torch.autocast(gradient.device.type, enabled=False):
            back = _products(down.T, gradient.to(exact), across)
        return back.to(ctx.dtype), None, None


def _products(left: Tensor, x: Tensor, right: Tensor) -> Tensor:
    """(I, H) @ (B, C, H, W) @ (W, J) -> (B, C, I, J), in the memory format of `x`."""
    if not x.is_contiguous(memory_format=torch.channels_last):
        return left @ x @ right
    count, channels, height, width = x.shape
    lines = left @ x.permute(0, 2, 3, 1).reshape(count, height, width * channels)
    pixels = right.T @ lines.reshape(-1, width, channels)
    return pixels.reshape(count, len(left), -1, channels).permute(0, 3, 1, 2)


@functools.lru_cache(maxsize=64)
def _interpolation(
    source: int, target: int, align_corners: bool, device: torch.device, dtype: torch.dtype
) -> Tensor:
    """(target, source): the weight of each source pixel in each pixel of a resized line."""
    pixels = torch.eye(source, dtype=dtype, device=device)[None]
    weights = F.interpolate(pixels, size=target, mode="linear", align_corners=align_corners)
    return weights[0].T.contiguous()


def _gather_sample(x: Tensor, grid: Tensor, border: bool, align_corners: bool) -> Tensor:
    count, channels, height, width = x.shape
    across = _in_pixels(grid[..., 0], width, border, align_corners)
    down = _in_pixels(grid[..., 1], height, border, align_corners)
    pixels = x.permute(0, 2, 3, 1).reshape(-1, channels)
    first = torch.arange(count, device=x.device)[:, None, None] * (height * width)
    samples = x.new_zeros((*grid.shape[:3], channels))
    for line, in_line in _neighbours(down):
        for column, in_column in _neighbours(across):
            inside = (line >= 0) & (line < height) & (column >= 0) & (column < width)
            weight = torch.where(inside, in_line * in_column, 0)
            index = first + line.clamp(0, height - 1) * width + column.clamp(0, width - 1)
            samples = samples + pixels[index] * weight[..., None]
    return samples.permute(0, 3, 1, 2)


def _in_pixels(points: Tensor, side: int, border: bool, align_corners: bool) -> Tensor:
    """[-1, 1] -> pixels from the centre of the first one."""
    pixels = (points + 1) / 2 * (side - 1) if align_corners else ((points + 1) * side - 1) / 2
    return pixels.clamp(0, side - 1) if border else pixels


def _neighbours(points: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """The pixels before and after points, int64, each with its weight there."""
    before = points.detach().floor()
    share = points - before
    return (before.long(), 1 - share), (before.long() + 1, share)
