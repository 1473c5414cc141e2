"""pix2pix's networks against docs/papers.md, pix2pix; and checkerboards, before any training."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sketchface_models.checkerboard import checkerboard
from sketchface_models.networks.isola import (
    UPSAMPLING,
    NormedPatch70,
    UNetGenerator,
    halvings_of,
    init_normal,
)


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def leaves(network: nn.Module) -> list[nn.Module]:
    return [layer for layer in network.modules() if not list(layer.children())]


def small(upsampling: str, seed: int = 0, width: int = 8) -> UNetGenerator:
    """For 64 pixels, started as the system starts it."""
    torch.manual_seed(seed)
    generator = UNetGenerator(3, 3, width, 6, 0.0, upsampling)
    generator.apply(init_normal)
    return generator


@pytest.mark.parametrize(
    ("upsampling", "side", "parameters"),
    [
        ("transposed", 256, 54_413_955),
        ("transposed", 128, 41_828_995),
        ("resize", 256, 39_157_763),
        ("resize", 128, 30_242_819),
    ],
)
def test_the_generator_has_the_published_parameters(upsampling: str, side: int, parameters: int):
    with torch.device("meta"):
        generator = UNetGenerator(3, 3, 64, halvings_of(side), 0.5, upsampling)
        picture = generator(torch.zeros(2, 3, side, side))
    assert count(generator) == parameters
    assert picture.shape == (2, 3, side, side)


def test_the_discriminator_has_the_published_parameters():
    with torch.device("meta"):
        assert count(NormedPatch70(6, 64)) == 2_768_705


@pytest.mark.parametrize(
    ("side", "times"), [(32, 5), (96, 5), (64, 6), (128, 7), (384, 7), (256, 8), (512, 8)]
)
def test_pictures_are_halved_as_often_as_they_can_be_up_to_eight_times(side: int, times: int):
    assert halvings_of(side) == times


def test_the_generators_layers_are_those_of_the_table():
    generator, rows = UNetGenerator(3, 3, 64, 8, 0.5, "transposed").eval(), []

    def note(layer: nn.Module, _: object, y: Tensor) -> None:
        assert (layer.kernel_size, layer.stride, layer.padding) == ((4, 4), (2, 2), (1, 1))
        rows.append((type(layer), layer.in_channels, layer.out_channels, y.shape[-1]))

    for layer in leaves(generator):
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(note)
    with torch.no_grad():
        generator(torch.zeros(1, 3, 256, 256))
    down, up = nn.Conv2d, nn.ConvTranspose2d
    assert rows == [
        (down, 3, 64, 128),
        (down, 64, 128, 64),
        (down, 128, 256, 32),
        (down, 256, 512, 16),
        (down, 512, 512, 8),
        (down, 512, 512, 4),
        (down, 512, 512, 2),
        (down, 512, 512, 1),
        (up, 512, 512, 2),
        (up, 1024, 512, 4),
        (up, 1024, 512, 8),
        (up, 1024, 512, 16),
        (up, 1024, 256, 32),
        (up, 512, 128, 64),
        (up, 256, 64, 128),
        (up, 128, 3, 256),
    ]
    marks = {
        nn.Conv2d: "C",
        nn.ConvTranspose2d: "T",
        nn.BatchNorm2d: "N",
        nn.LeakyReLU: "L",
        nn.ReLU: "R",
        nn.Dropout: "D",
        nn.Tanh: "t",
    }
    order = " ".join(
        "".join(marks[type(layer)] for layer in leaves(block))
        for block in (*generator.down, *generator.up)
    )
    assert order == "C " + "LCN " * 6 + "LC " + "RTND " * 3 + "RTN " * 4 + "RTt"
    biased = [layer for layer in leaves(generator) if getattr(layer, "bias", None) is not None]
    assert {type(layer) for layer in biased} == {nn.BatchNorm2d, nn.ConvTranspose2d}
    assert isinstance(biased[-1], nn.ConvTranspose2d)  # the last layer alone, which has no norm


def test_resizing_doubles_in_the_same_places_with_the_same_channels():
    layers = [
        [
            (layer.in_channels, layer.out_channels)
            for layer in leaves(small(upsampling))
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
        ]
        for upsampling in UPSAMPLING
    ]
    assert layers[0] == layers[1]


def test_skips_come_before_the_decoders_maps():
    generator = small("transposed").eval()
    inputs: list[Tensor] = []
    outputs: dict[str, list[Tensor]] = {"down": [], "up": []}
    for name, blocks in (("down", generator.down), ("up", generator.up)):
        for block in blocks:
            block.register_forward_hook(lambda _, __, y, name=name: outputs[name].append(y))
    for block in generator.up:
        block.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    with torch.no_grad():
        picture = generator(torch.randn(2, 3, 64, 64))
    assert torch.equal(inputs[0], outputs["down"][-1])
    skips = reversed(outputs["down"][:-1])
    for x, skip, decoder in zip(inputs[1:], skips, outputs["up"], strict=False):
        assert torch.equal(x, torch.cat([skip, decoder], dim=1))
    assert torch.equal(picture, outputs["up"][-1])


@pytest.mark.parametrize("upsampling", UPSAMPLING)
def test_every_weight_learns_and_one_picture_is_enough(upsampling: str):
    generator = small(upsampling).train()
    picture = generator(torch.randn(1, 3, 64, 64))
    assert picture.shape == (1, 3, 64, 64)
    assert picture.abs().max() < 1
    (picture * torch.randn_like(picture)).sum().backward()
    assert all(p.grad.abs().max() > 0 for p in generator.parameters())


def test_dropout_drops_values_behind_three_blocks_and_stops_in_eval_mode():
    generator, x = UNetGenerator(3, 3, 8, 6, 0.5, "resize"), torch.randn(2, 3, 64, 64)
    blocks: list[Tensor] = []
    for block in generator.up[:-1]:
        block.register_forward_hook(lambda _, __, y: blocks.append(y))
    with torch.no_grad():
        generator(x)
        shares = [float((y == 0).float().mean()) for y in blocks]
        assert all(0.4 < share < 0.6 for share in shares[:3])
        assert shares[3:] == [0, 0]
        partly = (blocks[1] == 0).float().mean(dim=(2, 3))
        assert ((partly > 0) & (partly < 1)).float().mean() > 0.9  # values, not channels
        generator.eval()
        assert torch.equal(generator(x), generator(x))


def test_the_discriminators_layers_are_those_of_the_table():
    discriminator, rows = NormedPatch70(6, 64).eval(), []
    x = torch.zeros(1, 6, 256, 256)
    for layer in discriminator:
        x = layer(x).detach()
        if isinstance(layer, nn.Conv2d):
            assert (layer.kernel_size, layer.padding) == ((4, 4), (1, 1))
            biased = layer.bias is not None
            rows.append(
                (layer.stride[0], layer.in_channels, layer.out_channels, biased, x.shape[3])
            )
    assert rows == [
        (2, 6, 64, True, 128),
        (2, 64, 128, False, 64),
        (2, 128, 256, False, 32),
        (1, 256, 512, False, 31),
        (1, 512, 1, True, 30),
    ]
    marks = {nn.Conv2d: "C", nn.LeakyReLU: "L", nn.BatchNorm2d: "N"}
    assert "".join(marks[type(layer)] for layer in discriminator) == "CLCNLCNLCNLC"


def test_a_logit_sees_70_pixels_every_8():
    torch.manual_seed(0)
    discriminator, starts = NormedPatch70(2, 4).eval().double(), []
    for column in (13, 14):
        x = torch.randn(1, 2, 256, 256, dtype=torch.float64, requires_grad=True)
        discriminator(x)[0, 0, 14, column].backward()
        columns = (x.grad != 0).any(dim=1)[0].any(dim=0).nonzero().flatten()
        assert len(columns) == columns[-1] - columns[0] + 1 == 70
        starts.append(int(columns[0]))
    assert starts[1] - starts[0] == 8


def test_weights_start_as_published():
    networks = nn.ModuleList([small("transposed", width=16), NormedPatch70(6, 16)])
    networks.apply(init_normal)
    for network in networks:
        layers = leaves(network)
        weights, norms = (
            torch.cat([each.weight.detach().flatten() for each in layers if isinstance(each, kind)])
            for kind in (nn.Conv2d | nn.ConvTranspose2d, nn.BatchNorm2d)
        )
        assert float(weights.std()) == pytest.approx(0.02, rel=0.02)
        assert float(weights.mean()) == pytest.approx(0, abs=1e-3)
        assert float(norms.std()) == pytest.approx(0.02, rel=0.25)
        assert float(norms.mean()) == pytest.approx(1, abs=0.01)
        biases = [each.bias for each in layers if getattr(each, "bias", None) is not None]
        assert len(biases) > 4
        assert not any(bias.any() for bias in biases)


@pytest.mark.parametrize("upsampling", UPSAMPLING)
def test_an_up_block_marks_even_maps_only_if_transposed(upsampling: str):
    torch.manual_seed(0)
    doubled = UPSAMPLING[upsampling](4, 3, True)(torch.rand(1, 4, 1, 1).expand(1, 4, 8, 8))
    inner = doubled[:, :, 2:-2, 2:-2]  # away from the padding
    differences = (inner[..., 1:] - inner[..., :-1]).abs().amax(dim=(0, 2, 3))
    if upsampling == "transposed":
        assert (differences > 0.01).all()
    else:
        torch.testing.assert_close(differences, torch.zeros(3), atol=1e-6, rtol=0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["smooth", "even"])
def test_the_untrained_generator_draws_a_checkerboard_only_if_transposed(seed: int, kind: str):
    draw = torch.Generator().manual_seed(seed)
    colours = 2 * torch.rand(6, 3, 4, 4, generator=draw) - 1
    photos = F.interpolate(colours, size=64, mode="bicubic")
    if kind == "even":
        photos = colours[:, :, :1, :1].expand(-1, -1, 64, 64)
    with torch.no_grad():
        transposed, resized = (small(name, seed)(photos) for name in ("transposed", "resize"))
    assert checkerboard(transposed) > 10
    assert checkerboard(resized) < 2
