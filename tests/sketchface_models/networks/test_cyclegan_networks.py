"""CycleGAN's networks against the layer tables of docs/papers.md."""

import pytest
import torch
from torch import nn

from sketchface_models.deterministic import ReflectionPad2d
from sketchface_models.networks.cyclegan import ResidualGenerator
from sketchface_models.networks.norms import InstanceNorm2d
from sketchface_models.networks.pix2pixhd import MultiScaleDiscriminator


def leaves(network: nn.Module) -> list[nn.Module]:
    return [layer for layer in network.modules() if not list(layer.children())]


@pytest.mark.parametrize(("blocks", "count"), [(9, 11_378_179), (6, 7_837_699)])
def test_the_generator_has_the_published_parameters(blocks: int, count: int):
    with torch.device("meta"):
        generator = ResidualGenerator(3, 3, 64, blocks)
    assert sum(p.numel() for p in generator.parameters()) == count


def test_the_discriminator_has_the_published_parameters():
    with torch.device("meta"):
        discriminator = MultiScaleDiscriminator(3, 64, scales=1)
    assert sum(p.numel() for p in discriminator.parameters()) == 2_764_737


def test_the_generators_layers_are_those_of_the_table():
    """c7s1-64, d128, d256, R256 twice, u128, u64, c7s1-3 (Zhu et al. 2017, section 7.2)."""
    generator, rows = ResidualGenerator(3, 3, 64, 2), []

    def note(layer: nn.Module, _: object, y: torch.Tensor) -> None:
        kernel, stride = layer.kernel_size[0], layer.stride[0]
        rows.append((kernel, stride, layer.in_channels, layer.out_channels, y.shape[-1]))

    for layer in leaves(generator):
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(note)
    with torch.no_grad():
        generator(torch.zeros(1, 3, 32, 32))
    assert rows == [
        (7, 1, 3, 64, 32),
        (3, 2, 64, 128, 16),
        (3, 2, 128, 256, 8),
        *[(3, 1, 256, 256, 8)] * 4,
        (3, 2, 256, 128, 16),
        (3, 2, 128, 64, 32),
        (7, 1, 64, 3, 32),
    ]
    marks = {
        ReflectionPad2d: "P",
        nn.Conv2d: "C",
        nn.ConvTranspose2d: "T",
        InstanceNorm2d: "N",
        nn.ReLU: "R",
        nn.Tanh: "t",
    }
    block = "PCNRPCN"
    order = "".join(marks[type(layer)] for layer in leaves(generator))
    assert order == "PCNR" + "CNR" * 2 + 2 * block + "TNR" * 2 + "PCt"


def test_a_residual_block_adds_to_its_input():
    generator = ResidualGenerator(3, 3, 4, 1)
    block = generator.layers[10]
    nn.init.zeros_(block.layers[3].weight)
    nn.init.zeros_(block.layers[3].bias)
    x = torch.randn(1, 16, 8, 8)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize("size", [32, 36, 64])
def test_translated_pictures_keep_their_side(size: int):
    translated = ResidualGenerator(3, 1, 4, 1)(torch.rand(2, 3, size, size))
    assert translated.shape == (2, 1, size, size)
    assert translated.abs().max() < 1


def test_a_logit_sees_seventy_pixels():
    torch.manual_seed(0)
    (scale,) = MultiScaleDiscriminator(3, 4, scales=1).scales
    # Statistics of an instance norm depend on every pixel.
    layers = [layer for layer in leaves(scale) if not isinstance(layer, InstanceNorm2d)]
    picture = torch.randn(1, 3, 256, 256, dtype=torch.double, requires_grad=True)
    nn.Sequential(*layers).double()(picture)[0, 0, 16, 16].backward()
    lines = (picture.grad != 0).any(dim=1)[0].any(dim=1).nonzero().flatten()
    assert len(lines) == lines[-1] - lines[0] + 1 == 70
