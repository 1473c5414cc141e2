"""Networks compute the same in both memory layouts, and keep to the one they name."""

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hida_settings import PAPER
from torch import Tensor, nn

from sketchface_models.networks.cyclegan import ResidualGenerator
from sketchface_models.networks.hida.generator import Generator
from sketchface_models.networks.isola import NormedPatch70, UNetGenerator
from sketchface_models.networks.patchgan import Patch23, Patch70
from sketchface_models.networks.pix2pix import UNet
from sketchface_models.networks.pix2pixhd import GlobalGenerator, MultiScaleDiscriminator
from sketchface_models.networks.spade import SPADEEncoder, SPADEGenerator
from sketchface_models.training.engine_settings import Engine, precision

SIZE = 64
HIDA = replace(PAPER, width=8, dropout=0.0)
NETWORKS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "hida": (lambda: WithDepth(Generator(HIDA, SIZE, True, 0)), 4),
    "cyclegan": (lambda: ResidualGenerator(3, 3, 8, 2), 3),
    "isola": (lambda: UNetGenerator(3, 3, 8, 6, 0.0, "resize"), 3),
    "isola-transposed": (lambda: UNetGenerator(3, 3, 8, 6, 0.0, "transposed"), 3),
    "normed-patch-70": (lambda: NormedPatch70(6, 8), 6),
    "pix2pix": (lambda: UNet(3, 3, 8, 0.0), 3),
    "pix2pixhd": (lambda: GlobalGenerator(3, 3, 8, 2, 2), 3),
    "patch-23": (lambda: Patch23(6, 8, 0.0), 6),
    "patch-70": (lambda: Patch70(6, 8, 0.0), 6),
    "scales": (lambda: FirstMap(MultiScaleDiscriminator(6, 8, 2)), 6),
    "spectral-scales": (lambda: FirstMap(MultiScaleDiscriminator(6, 8, 2, spectral=True)), 6),
    "spade": (lambda: SPADEGenerator(4, 3, 2, SIZE, coded=False), 4),
    "spade-encoder": (lambda: Code(SPADEEncoder(8, SIZE)), 3),
}
TOLERANCE = {torch.float64: 1e-9, torch.float32: 2e-4}
"""Of values and gradients, relative to the largest one: rounding alone tells layouts apart."""
BF16_TOLERANCE = 0.1
"""The same under autocast: a network amplifies the eight bits of its maps."""


class WithDepth(nn.Module):
    """HIDA's generator of four channels, the last of which is depth; both outputs as one."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator, self.layout = generator, generator.layout

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(self.generator(x[:, :3], x[:, 3:]), dim=1)


class FirstMap(nn.Module):
    """All maps of a discriminator of several scales, in one row."""

    def __init__(self, discriminator: MultiScaleDiscriminator) -> None:
        super().__init__()
        self.discriminator, self.layout = discriminator, discriminator.layout

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([m.flatten(1) for maps in self.discriminator(x) for m in maps], dim=1)


class Code(nn.Module):
    """Mean and log-variance of a style code, in one row."""

    def __init__(self, encoder: SPADEEncoder) -> None:
        super().__init__()
        self.encoder, self.layout = encoder, encoder.layout

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(self.encoder(x), dim=1)


def results(network: nn.Module, x: Tensor, half: bool = False) -> list[Tensor]:
    """Output and all gradients for one that arrives at random."""
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        y = network(x)
    arriving = torch.randn(y.shape, generator=torch.Generator().manual_seed(1)).to(y.dtype)
    learners = [x, *network.parameters()]
    return [y.detach(), *torch.autograd.grad(y, learners, arriving, allow_unused=True)]


def in_both_layouts(name: str, dtype: torch.dtype) -> tuple[nn.Module, nn.Module, Tensor]:
    make, channels = NETWORKS[name]
    torch.manual_seed(0)
    plain = make().to(dtype).train()
    other = copy.deepcopy(plain).to(memory_format=torch.channels_last)
    return plain, other, torch.rand(2, channels, SIZE, SIZE, dtype=dtype)


def assert_near(ours: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    largest = max(float(e.abs().max()) for e in expected[1:] if e is not None)
    assert float((ours[0] - expected[0]).abs().max()) <= tolerance * float(expected[0].abs().max())
    for mine, theirs in zip(ours[1:], expected[1:], strict=True):
        assert (mine is None) == (theirs is None)
        if mine is not None:
            assert float((mine - theirs).abs().max()) <= tolerance * largest


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_layouts_give_the_same_values_and_gradients(name: str, dtype: torch.dtype):
    plain, other, x = in_both_layouts(name, dtype)
    assert_near(results(other, x), results(plain, x), TOLERANCE[dtype])


@pytest.mark.skipif(
    precision(Engine("cpu", "auto", 1, 1)) == "32-true",
    reason="this processor does not compute in bf16, so that nothing trains in it here",
)
@pytest.mark.parametrize("name", NETWORKS)
def test_layouts_agree_in_half_precision_as_far_as_it_reaches(name: str):
    plain, other, x = in_both_layouts(name, torch.float32)
    ours, expected = results(other, x, half=True), results(plain, x, half=True)
    norms = [
        torch.cat([each.flatten().float() for each in some if each is not None])
        for some in ([ours[0]], [expected[0]], ours[1:], expected[1:])
    ]
    for mine, theirs in (norms[:2], norms[2:]):
        assert float((mine - theirs).norm()) <= BF16_TOLERANCE * float(theirs.norm())


@pytest.mark.parametrize("name", NETWORKS)
def test_maps_stay_in_the_layout_that_a_network_names(name: str):
    make, channels = NETWORKS[name]
    network = make().train()
    network.to(memory_format=network.layout)
    wrong: list[str] = []

    def watch(layer: nn.Module, _: object, y: object) -> None:
        if isinstance(y, Tensor) and has_a_layout(y):
            wrong.extend([] if alike(y, network.layout) else [type(layer).__name__])

    for layer in network.modules():
        if not list(layer.children()):
            layer.register_forward_hook(watch)
    network(torch.rand(2, channels, SIZE, SIZE).contiguous(memory_format=network.layout))
    assert wrong == []


def has_a_layout(y: Tensor) -> bool:
    """Whether a tensor holds maps of several channels and more than 2 x 2 pixels.

    Maps of one channel or one pixel lie in both layouts at once, and what is made of them in one.
    """
    return y.dim() == 4 and y.shape[1] > 1 and y.shape[-1] > 2


def alike(y: Tensor, layout: torch.memory_format) -> bool:
    return y.is_contiguous(memory_format=layout)
