"""The portrait sketches' U-Net against the table of docs/papers.md, Portrait sketches."""

import pytest
import torch
from torch import nn

from sketchface_models.networks.pix2pix import FiveConvolutions, UNet
from sketchface_models.networks.training_mode import as_in_training

# name: kind, in, out, parameters (convolution and norm), side of its output at 256 px
GENERATOR = {
    "down.0": (nn.Conv2d, 3, 64, 1_920, 128),
    "down.1": (nn.Conv2d, 64, 128, 74_112, 64),
    "down.2": (nn.Conv2d, 128, 256, 295_680, 32),
    "down.3": (nn.Conv2d, 256, 512, 1_181_184, 16),
    "down.4": (nn.Conv2d, 512, 512, 2_360_832, 8),
    "down.5": (nn.Conv2d, 512, 512, 2_360_832, 4),
    "up.0": (nn.ConvTranspose2d, 512, 512, 2_360_832, 8),
    "up.1": (nn.ConvTranspose2d, 1024, 512, 4_720_128, 16),
    "up.2": (nn.ConvTranspose2d, 1024, 256, 2_360_064, 32),
    "up.3": (nn.ConvTranspose2d, 512, 128, 590_208, 64),
    "up.4": (nn.ConvTranspose2d, 256, 64, 147_648, 128),
    "last": (nn.ConvTranspose2d, 128, 3, 3_459, 256),
}


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.fixture(scope="module")
def paper() -> UNet:
    torch.manual_seed(0)
    return UNet(3, 3, 64, 0.5)


def test_generator_has_the_papers_parameters(paper: UNet):
    assert count(paper) == 16_456_899
    assert sum(row[3] for row in GENERATOR.values()) == 16_456_899


@pytest.mark.parametrize("name", GENERATOR)
def test_generator_layer(paper: UNet, name: str):
    kind, in_channels, out_channels, parameters, _ = GENERATOR[name]
    module = paper.get_submodule(name)
    convolution = module[0] if isinstance(module, nn.Sequential) else module
    assert type(convolution) is kind
    assert (convolution.in_channels, convolution.out_channels) == (in_channels, out_channels)
    assert convolution.kernel_size == (3, 3)
    assert convolution.stride == (2, 2)
    assert convolution.padding == (1, 1)
    assert count(module) == parameters


def test_generator_sides_at_256(paper: UNet):
    sides = {}
    handles = [
        paper.get_submodule(name).register_forward_hook(
            lambda _, __, out, name=name: sides.update({name: tuple(out.shape[1:])})
        )
        for name in GENERATOR
    ]
    with torch.no_grad():
        generated = paper.eval()(torch.zeros(1, 3, 256, 256))
    for handle in handles:
        handle.remove()
    assert sides == {name: (row[2], row[4], row[4]) for name, row in GENERATOR.items()}
    assert generated.shape == (1, 3, 256, 256)


@pytest.mark.parametrize("size", [64, 128])
def test_generator_keeps_the_size_and_stays_within_tanh(size: int):
    network = UNet(6, 3, 4, 0.5)
    generated = network(1000 * torch.randn(2, 6, size, size))
    assert generated.shape == (2, 3, size, size)
    assert generated.abs().max() <= 1


def test_blocks_run_convolution_then_activation_then_norm():
    block = UNet(3, 3, 4, 0.5).eval().down[0]
    x = torch.randn(2, 3, 16, 16)
    convolution, _, norm = block
    with torch.no_grad():
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.5, 2)
        norm.weight.uniform_(0.5, 2)
        norm.bias.uniform_(-1, 1)
        y = nn.functional.conv2d(x, convolution.weight, convolution.bias, 2, 1)
        y = torch.where(y > 0, y, 0.01 * y)

        def column(values: torch.Tensor) -> torch.Tensor:
            return values.reshape(-1, 1, 1)

        y = (y - column(norm.running_mean)) / (column(norm.running_var) + 1e-5).sqrt()
        expected = y * column(norm.weight) + column(norm.bias)
        torch.testing.assert_close(block(x), expected)


def test_decoder_channels_come_before_the_skip():
    network = UNet(3, 3, 4, 0.5).eval()
    in_channels, outputs = {}, {}
    for i, up in enumerate(network.up):
        up.register_forward_pre_hook(lambda _, args, i=i: in_channels.update({i: args[0].clone()}))
        up.register_forward_hook(lambda _, __, out, i=i: outputs.update({i: out.clone()}))
    network.last.register_forward_pre_hook(lambda _, args: in_channels.update({5: args[0].clone()}))
    downs = {}
    for i, down in enumerate(network.down):
        down.register_forward_hook(lambda _, __, out, i=i: downs.update({i: out.clone()}))
    with torch.no_grad():
        network(torch.randn(1, 3, 64, 64))
    torch.testing.assert_close(in_channels[0], downs[5])
    for i in range(5):
        expected = torch.cat([outputs[i], downs[4 - i]], dim=1)
        assert torch.equal(in_channels[i + 1], expected)


def test_dropout_drops_whole_channels_of_the_decoder_only_while_training():
    torch.manual_seed(1)
    network = UNet(3, 3, 16, 0.5)
    seen = {}
    network.last.register_forward_pre_hook(lambda _, args: seen.update(last=args[0]))
    x = torch.randn(4, 3, 64, 64)
    with torch.no_grad():
        network(x)
        decoder, skip = seen["last"][:, :16], seen["last"][:, 16:]
        dropped = (decoder == 0).flatten(2).all(2)
        assert 0.25 < dropped.float().mean() < 0.75
        assert not (decoder == 0).flatten(2).any(2)[~dropped].any()
        assert not (skip == 0).flatten(2).all(2).any()
        network.eval()
        first, second = network(x), network(x)
        assert torch.equal(first, second)
        assert not (seen["last"][:, :16] == 0).flatten(2).all(2).any()


def test_five_convolutions_squeeze_a_face_through_a_few_places():
    with torch.device("meta"):
        network = FiveConvolutions(3, 3, 64)
    assert count(network) == 17_889_923
    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    convolutions = [each for each in network.modules() if isinstance(each, kinds)]
    assert [type(each) for each in convolutions] == [nn.Conv2d] * 3 + [nn.ConvTranspose2d] * 2
    x, sides = torch.zeros(2, 3, 256, 256, device="meta"), []
    for layer in network:
        x = layer(x)
        sides.append(x.shape[-1])
    assert sides == [64, 16, 4, 32, 256, 256]
    assert x.shape == (2, 3, 256, 256)


def test_a_pixel_of_five_convolutions_depends_on_most_of_a_face():
    torch.manual_seed(0)
    network = FiveConvolutions(3, 3, 4).eval()
    x = torch.randn(1, 3, 128, 128, requires_grad=True)
    network(x)[0, 0, 40, 70].backward()
    assert (x.grad != 0).any(dim=1).float().mean() > 0.8


@pytest.mark.parametrize(("dropout", "statistics"), [(True, False), (False, True), (True, True)])
def test_what_nobody_switched_over_can_be_chosen(dropout: bool, statistics: bool):
    network = UNet(3, 3, 4, 0.5).eval()
    norm = network.down[0][2]
    mean = norm.running_mean.clone()
    with torch.no_grad(), as_in_training(network, dropout, statistics):
        assert network.dropout.training == dropout
        assert all(m.training == statistics for m in network.modules() if type(m) is type(norm))
        network(torch.randn(2, 3, 128, 128))
    assert torch.equal(norm.running_mean, mean)
    assert norm.num_batches_tracked == 0
    assert norm.track_running_stats
    assert not any(module.training for module in network.modules())
