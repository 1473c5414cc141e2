"""Deformable convolution against loops written out, the plain convolution, and torchvision's."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from sketchface_models.networks.deform import (
    DeformableConv2d,
    modulated_deform_conv2d,
    torchvision_operator,
)


def made(
    channels: int = 4,
    out_channels: int = 3,
    size: tuple[int, int] = (5, 4),
    kernel: int = 3,
    stride: int = 1,
    padding: int = 1,
    groups: int = 2,
    reach: float = 3.0,
) -> tuple[Tensor, ...]:
    """x, offset, mask, weight, bias in float64; no position within 0.01 of a pixel (kinks)."""
    draw = torch.Generator().manual_seed(channels + 10 * kernel + 100 * groups + stride)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=draw)

    reached = [(side + 2 * padding - kernel) // stride + 1 for side in size]
    taps = kernel**2
    offset = reach * normal(2, groups * taps * 2, *reached)
    share = 0.01 + 0.98 * torch.rand(offset.shape, dtype=torch.float64, generator=draw)
    offset = offset.floor() + share
    mask = torch.rand(2, groups * taps, *reached, dtype=torch.float64, generator=draw)
    weight, bias = normal(out_channels, channels, kernel, kernel), normal(out_channels)
    tensors = normal(2, channels, *size), offset, mask, weight, bias
    return tuple(tensor.requires_grad_() for tensor in tensors)


def between_pixels(x: Tensor, line: float, column: float) -> float:
    """One channel (H, W) at any position: bilinear, 0 outside."""
    total = 0.0
    for i, j in itertools.product(range(x.shape[0]), range(x.shape[1])):
        near = max(0.0, 1 - abs(line - i)) * max(0.0, 1 - abs(column - j))
        total += near * float(x[i, j])
    return total


def by_loops(x, offset, mask, weight, bias, stride: int, padding: int) -> Tensor:
    """The definition, a number at a time."""
    side = weight.shape[2]
    taps = side**2
    each_group = x.shape[1] // (mask.shape[1] // taps)
    result = (
        bias.detach()
        .view(-1, 1, 1)
        .repeat(len(x), 1, *offset.shape[2:])
        .view(len(x), -1, *offset.shape[2:])
    )
    positions = itertools.product(*(range(n) for n in (len(x), *offset.shape[2:])))
    for (b, i, j), c, tap in itertools.product(positions, range(x.shape[1]), range(taps)):
        at = c // each_group * taps + tap
        line = i * stride - padding + tap // side + float(offset[b, 2 * at, i, j])
        column = j * stride - padding + tap % side + float(offset[b, 2 * at + 1, i, j])
        value = float(mask[b, at, i, j]) * between_pixels(x[b, c], line, column)
        result[b, :, i, j] += weight.detach()[:, c, tap // side, tap % side] * value
    return result


SETTINGS = [
    {"groups": 1},
    {"groups": 2, "stride": 2},
    {"groups": 4, "padding": 0},
    {"groups": 3, "channels": 3, "padding": 2},
    {"groups": 2, "kernel": 1, "padding": 0},
    {"groups": 1, "kernel": 2, "stride": 2, "size": (4, 6)},
    {"groups": 2, "size": (1, 1), "reach": 0.8},
]


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_it_is_its_definition(setting: dict):
    tensors = made(**setting)
    steps = setting.get("stride", 1), setting.get("padding", 1)
    with torch.no_grad():
        result = modulated_deform_conv2d(*tensors, *steps)
        torch.testing.assert_close(result, by_loops(*tensors, *steps))


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_gradients(setting: dict):
    tensors = made(**setting)
    steps = setting.get("stride", 1), setting.get("padding", 1)
    assert torch.autograd.gradcheck(
        lambda *t: modulated_deform_conv2d(*t, *steps), tensors, fast_mode=True
    )


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_it_is_torchvisions(setting: dict):
    operations = pytest.importorskip("torchvision.ops")
    x, offset, mask, weight, bias = made(**setting)
    stride, padding = setting.get("stride", 1), setting.get("padding", 1)
    ours = modulated_deform_conv2d(x, offset, mask, weight, bias, stride, padding)
    theirs = operations.deform_conv2d(x, offset, weight, bias, stride, padding, mask=mask)
    torch.testing.assert_close(ours, theirs)
    taken = torchvision_operator()
    assert taken is not None
    torch.testing.assert_close(taken(x, offset, mask, weight, bias, stride, padding), theirs)
    inputs, gradient = (x, offset, mask, weight, bias), torch.randn_like(ours)
    pairs = zip(*(torch.autograd.grad(y, inputs, gradient) for y in (ours, theirs)), strict=True)
    for mine, other in pairs:
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize(("stride", "padding", "kernel"), [(1, 1, 3), (2, 1, 3), (2, 0, 2)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_without_offsets_and_masks_it_is_a_convolution(stride, padding, kernel, layout):
    x, offset, mask, weight, bias = made(stride=stride, padding=padding, kernel=kernel)
    x = x.detach().to(memory_format=layout).requires_grad_()
    still = torch.zeros_like(offset), torch.ones_like(mask)
    ours = modulated_deform_conv2d(x, *still, weight, bias, stride, padding)
    plain = F.conv2d(x, weight, bias, stride, padding)
    torch.testing.assert_close(ours, plain)
    gradient = torch.randn_like(plain)
    for mine, other in zip(
        *(torch.autograd.grad(y, (x, weight, bias), gradient) for y in (ours, plain)), strict=True
    ):
        torch.testing.assert_close(mine, other)


def test_offsets_that_start_at_zero_learn():
    """A derivative of 0 at whole pixels, as of a symmetric hat, would hold them there for good."""
    x = torch.tensor([[[[1.0, 4.0, 9.0]]]], dtype=torch.float64)
    offset = torch.zeros(1, 2, 1, 3, dtype=torch.float64, requires_grad=True)
    one = torch.ones(1, 1, 1, 3, dtype=torch.float64)
    modulated_deform_conv2d(x, offset, one, one[..., :1], None, 1, 0).sum().backward()
    assert offset.grad[0, 1, 0].tolist() == [3, 5, -9]
    assert offset.grad[0, 0, 0].tolist() == [-1, -4, -9]


def test_whole_offsets_move_the_picture():
    x = torch.arange(20.0).view(1, 1, 4, 5)
    offset = torch.zeros(1, 2, 4, 5)
    offset[:, 0], offset[:, 1] = 1, -2
    one = torch.ones(1, 1, 4, 5)
    moved = modulated_deform_conv2d(x, offset, one, one[..., :1, :1], None, 1, 0)
    assert moved[0, 0].tolist() == [
        [0, 0, 5, 6, 7],
        [0, 0, 10, 11, 12],
        [0, 0, 15, 16, 17],
        [0, 0, 0, 0, 0],
    ]


@pytest.mark.parametrize("far", [1e6, -1e6, 1e30])
def test_far_outside_there_is_nothing(far: float):
    x, offset, mask, weight, bias = made()
    result = modulated_deform_conv2d(x, torch.full_like(offset, far), mask, weight, bias, 1, 1)
    torch.testing.assert_close(result, bias.view(1, -1, 1, 1).expand_as(result))


def test_what_is_not_a_number_stays_visible():
    x, offset, mask, weight, bias = made()
    broken = offset.detach().clone()
    broken[0, 3, 2, 1] = math.nan
    result = modulated_deform_conv2d(x, broken, mask, weight, bias, 1, 1)
    wrong = result.isnan()
    assert wrong[0, :, 2, 1].all()
    assert wrong.sum() == wrong[0, :, 2, 1].sum()


def test_a_new_layer_is_half_a_convolution():
    torch.manual_seed(0)
    layer = DeformableConv2d(8, 6)
    x = torch.randn(2, 8, 5, 7)
    torch.testing.assert_close(layer(x), 0.5 * F.conv2d(x, layer.weight, padding=1))
    bound = (9 * 8) ** -0.5
    assert 0.95 * bound < layer.weight.abs().max() <= bound
    assert abs(layer.weight.mean()) < 0.1 * bound
    assert not layer.bias.any()


@pytest.mark.parametrize(
    ("in_channels", "out_channels", "convolution", "offsets"),
    [(512, 512, 2_359_808, 248_886), (1024, 512, 4_719_104, 497_718)],
)
def test_parameters_of_the_paper(
    in_channels: int, out_channels: int, convolution: int, offsets: int
):
    layer = DeformableConv2d(in_channels, out_channels)
    sizes = {name: p.numel() for name, p in layer.named_parameters()}
    assert sizes["weight"] + sizes["bias"] == convolution
    assert sizes["offset_mask.weight"] + sizes["offset_mask.bias"] == offsets
    assert layer.offset_mask.out_channels == 54
    assert layer.offset_channels == 36


@pytest.mark.parametrize(("stride", "kernel", "padding"), [(1, 3, 1), (2, 3, 1), (2, 5, 2)])
def test_a_layer_gives_the_size_of_a_convolution(stride: int, kernel: int, padding: int):
    layer = DeformableConv2d(4, 6, kernel, stride, padding)
    plain = torch.nn.Conv2d(4, 6, kernel, stride, padding)
    x = torch.randn(2, 4, 9, 7)
    assert layer(x).shape == plain(x).shape


def test_a_layer_moves_by_what_it_predicts():
    """From its own input, first offsets, then masks: the function fed by hand."""
    torch.manual_seed(0)
    layer = DeformableConv2d(4, 3).double()
    torch.nn.init.normal_(layer.offset_mask.weight, 0, 0.3)
    torch.nn.init.normal_(layer.offset_mask.bias, 0, 0.3)
    x = torch.randn(2, 4, 5, 6, dtype=torch.float64)
    predicted = layer.offset_mask(x)
    with torch.no_grad():
        expected = by_loops(
            x, predicted[:, :36], predicted[:, 36:].sigmoid(), layer.weight, layer.bias, 1, 1
        )
        torch.testing.assert_close(layer(x), expected)


def test_everything_in_a_layer_learns():
    torch.manual_seed(0)
    layer = DeformableConv2d(8, 4)
    layer(torch.randn(2, 8, 4, 4)).square().sum().backward()
    for name, parameter in layer.named_parameters():
        assert parameter.grad.abs().max() > 0, name
    offsets, masks = layer.offset_mask.bias.grad.tensor_split([36])
    assert (offsets != 0).all()
    assert (masks != 0).all()


def test_groups_must_divide_the_channels():
    with pytest.raises(ValueError, match="2 groups do not divide 5 channels"):
        DeformableConv2d(5, 4)


def test_autocast_rounds_values_but_not_places():
    layer = DeformableConv2d(2, 1, 1, padding=0)
    torch.nn.init.ones_(layer.weight)
    torch.nn.init.constant_(layer.offset_mask.bias[1::2], 100.3)  # in bf16, 100.5
    torch.nn.init.zeros_(layer.offset_mask.bias[4:])
    torch.nn.init.zeros_(layer.offset_mask.bias[::2])
    stripes = (torch.arange(128) % 2).float().expand(1, 2, 3, 128)
    for x in (stripes, stripes.bfloat16()):
        with torch.autocast("cpu", torch.bfloat16):
            result = layer(x)
        assert result.dtype == torch.bfloat16
        # Halfway between black and white stripes all would be 0.5.
        expected = torch.tensor([0.3, 0.7]).repeat(5)
        torch.testing.assert_close(result[0, 0, 1, :10].float(), expected, rtol=0, atol=5e-3)


class Recording(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names.add(str(function).split(".")[1])
        return function(*args, **(kwargs or {}))


def test_made_of_operations_with_deterministic_forms():
    """On CUDA torch documents none for these."""
    tensors = made()
    with Recording() as recording:
        modulated_deform_conv2d(*tensors, 1, 1).sum().backward()
    unordered = {"index_add", "scatter_add", "grid_sampler", "upsample", "pad2d", "put_"}
    assert "_embedding_bag" in recording.names
    assert not {name for name in recording.names for part in unordered if part in name}
