"""SPADE's networks: sizes, what normalisation keeps of a map, codes, noise."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sketchface_models.networks.norms import InstanceNorm2d
from sketchface_models.networks.pix2pixhd import GlobalGenerator, MultiScaleDiscriminator
from sketchface_models.networks.spade import (
    CODE,
    SPADE,
    SPADEEncoder,
    SPADEGenerator,
    SPADEResBlock,
)

CLASSES = 19


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def one_label(label: int, side: int = 64) -> Tensor:
    """A map of one single label, (1, 19, side, side)."""
    return F.one_hot(torch.full((1, side, side), label), CLASSES).permute(0, 3, 1, 2).float()


def half_and_half(side: int = 64) -> Tensor:
    """Skin on the left, hair on the right."""
    skin, hair = one_label(1, side), one_label(13, side)
    return torch.cat([skin[..., : side // 2], hair[..., side // 2 :]], dim=3)


@pytest.mark.parametrize(("coded", "count"), [(False, 92_538_819), (True, 109_205_443)])
def test_the_generator_has_the_published_parameters(coded: bool, count: int):
    with torch.device("meta"):
        assert parameters(SPADEGenerator(CLASSES, 3, 64, 256, coded)) == count


@pytest.mark.parametrize("coded", [False, True])
def test_maps_of_half_the_side_give_pictures_of_half_the_side(coded: bool):
    torch.manual_seed(0)
    generator = SPADEGenerator(CLASSES, 3, 2, 128, coded)
    other = SPADEGenerator(CLASSES, 3, 2, 64, False)
    starts: list[Tensor] = []
    generator.blocks[0].register_forward_pre_hook(lambda _, inputs: starts.append(inputs[0]))
    codes = [torch.randn(2, CODE)] if coded else []
    for side in (128, 64):
        assert generator(half_and_half(side).expand(2, -1, -1, -1), codes).shape == (
            2,
            3,
            side,
            side,
        )
    full, half = starts
    assert (full.shape[-1], half.shape[-1]) == (4, 2)
    if coded:  # one start, averaged
        torch.testing.assert_close(half, F.avg_pool2d(full, 2))
    else:  # the network of half the side, with the same weights
        other.load_state_dict(generator.state_dict())
        generator.eval(), other.eval()
        torch.testing.assert_close(generator(half_and_half()), other(half_and_half()))


def test_encoder_and_discriminator_have_the_published_parameters():
    with torch.device("meta"):
        assert parameters(SPADEEncoder(64, 256)) == 10_463_424
        discriminator = MultiScaleDiscriminator(CLASSES + 3, 64, 3, spectral=True)
    assert parameters(discriminator) == 3 * 2_783_297


def test_spectral_norm_stands_in_front_of_instance_norms_alone():
    torch.manual_seed(0)
    (layers,) = MultiScaleDiscriminator(5, 4, 1, spectral=True).scales
    normalised = [
        any(nn.utils.parametrize.is_parametrized(module) for module in layer.modules())
        for layer in layers
    ]
    assert normalised == [False, True, True, True, False]
    for layer in layers[1:4]:
        for _ in range(100):  # each look at the weights of a training network iterates once
            weight = layer[0].weight.flatten(1)
        assert float(torch.linalg.matrix_norm(weight.detach(), 2)) == pytest.approx(1, abs=1e-3)
        assert layer[0].bias is None


def test_spectral_norm_stands_at_the_convolutions_of_blocks_and_encoder_alone():
    generator, encoder = SPADEGenerator(CLASSES, 3, 2, 64, coded=False), SPADEEncoder(2, 64)
    for block in generator.blocks:
        own = (
            {*block.convolutions, block.shortcut} if block.shortcut_spade else {*block.convolutions}
        )
        assert spectrally_normalised(block) == own
        assert not block.shortcut_spade or block.shortcut.bias is None
    inner = {module for block in generator.blocks for module in spectrally_normalised(block)}
    assert spectrally_normalised(generator) == inner
    convolutions, norms, activations = (set(encoder.layers[n::3]) for n in range(3))
    assert spectrally_normalised(encoder) == convolutions
    assert all(isinstance(norm, InstanceNorm2d) for norm in norms)
    assert {activation.negative_slope for activation in activations} == {0.2}
    assert {(c.kernel_size, c.stride, c.padding, c.bias) for c in convolutions} == {
        ((3, 3), (2, 2), (1, 1), None)
    }


def spectrally_normalised(network: nn.Module) -> set[nn.Module]:
    return {m for m in network.modules() if nn.utils.parametrize.is_parametrized(m)}


def test_a_block_is_two_convolutions_behind_spade_and_leaky_relu_beside_the_shortcut():
    torch.manual_seed(0)
    block, x = SPADEResBlock(4, 6, CLASSES, 8).eval(), torch.randn(1, 4, 8, 8)
    segmentation = half_and_half(8)
    expected = x
    for spade, convolution in zip(block.spades, block.convolutions, strict=True):
        modulated = spade(expected, segmentation)
        expected = convolution(torch.maximum(modulated, 0.2 * modulated))
    expected = expected + block.shortcut(block.shortcut_spade(x, segmentation))
    torch.testing.assert_close(block(x, segmentation), expected)


def test_blocks_double_the_side_but_for_the_third():
    generator = SPADEGenerator(CLASSES, 3, 2, 64, coded=False).eval()
    sides: list[int] = []
    outputs: list[Tensor] = []
    for block in generator.blocks:
        block.register_forward_pre_hook(lambda _, inputs: sides.append(inputs[0].shape[-1]))
    generator.blocks[-1].register_forward_hook(lambda _, inputs, output: outputs.append(output))
    picture = generator(half_and_half())
    assert sides == [2, 4, 4, 8, 16, 32, 64]  # the start, two in the middle, four more
    activated = torch.maximum(outputs[0], 0.2 * outputs[0])
    torch.testing.assert_close(picture, torch.tanh(generator.last(activated)))


def test_spade_is_batch_norm_scaled_and_shifted_by_the_map():
    torch.manual_seed(0)
    spade, x, segmentation = SPADE(4, CLASSES, 8), torch.randn(2, 4, 8, 8), half_and_half(32)
    segmentation = segmentation.expand(2, -1, -1, -1)
    hidden = F.relu(spade.shared(segmentation[:, :, ::4, ::4]))  # the nearest pixels
    normalised = (x - x.mean((0, 2, 3), keepdim=True)) / (
        x.var((0, 2, 3), correction=0, keepdim=True) + 1e-5
    ).sqrt()
    expected = normalised * (1 + spade.gamma(hidden)) + spade.beta(hidden)
    torch.testing.assert_close(spade(x, segmentation), expected, rtol=1e-4, atol=1e-5)


def test_a_map_of_one_label_says_nothing_behind_an_instance_norm_and_something_behind_spade():
    """The opening argument of Zhang et al. 2019, after Park et al. 2019, section 3.1.

    pix2pixHD's first layer continues its input across the border, so that a map of one label gives
    it one value everywhere, which instance norm makes zero, whatever the label was. In float64:
    later norms of a flat map divide rounding by rounding, so that L0 alone is compared.
    """
    torch.manual_seed(0)
    skin, hair = one_label(1).double(), one_label(13).double()
    normed, bare = (GlobalGenerator(CLASSES, 3, 4, 1, count).double().eval() for count in (0, 2))
    assert (normed.features(skin)[0] - normed.features(hair)[0]).abs().max() < 1e-12
    assert (bare.features(skin)[0] - bare.features(hair)[0]).abs().max() > 0.01
    spade = SPADEGenerator(CLASSES, 3, 2, 64, coded=True).double().eval()
    code = [torch.randn(1, CODE, dtype=torch.float64)]
    assert (spade(skin, code) - spade(hair, code)).abs().max() > 1e-3


def test_the_generator_starts_from_the_map_or_from_a_code():
    segmentation = half_and_half()
    plain = SPADEGenerator(CLASSES, 3, 2, 64, coded=False).eval()
    picture = plain(segmentation)
    assert picture.shape == (1, 3, 64, 64)
    assert picture.abs().max() < 1
    coded = SPADEGenerator(CLASSES, 3, 2, 64, coded=True).eval()
    codes = torch.randn(2, 1, CODE)
    first, second = (coded(segmentation, [code]) for code in codes)
    assert first.shape == (1, 3, 64, 64)
    assert not torch.equal(first, second)
    assert torch.equal(first, coded(segmentation, [codes[0]]))


def test_of_two_codes_the_first_is_read_by_coarse_blocks_and_the_second_by_fine_ones():
    torch.manual_seed(0)
    generator = SPADEGenerator(CLASSES, 3, 2, 64, coded=True, mixed=True).eval()
    one, other = torch.randn(2, 1, CODE)
    read: list[Tensor] = []
    for reader in generator.readers:
        reader.register_forward_hook(lambda _, inputs, output: read.append(inputs[0]))
    generator(half_and_half(), [one, other])
    assert [torch.equal(each, one) for each in read] == [True] * 4 + [False] * 3


def test_where_channels_stay_the_shortcut_is_the_input_itself():
    torch.manual_seed(0)
    block, x = SPADEResBlock(4, 4, CLASSES, 4), torch.randn(1, 4, 8, 8)
    _silence(block)
    assert torch.equal(block(x, half_and_half(8)), x)


def test_where_channels_change_the_shortcut_is_a_convolution_of_what_spade_gives():
    torch.manual_seed(0)
    block, x = SPADEResBlock(4, 6, CLASSES, 4).eval(), torch.randn(1, 4, 8, 8)
    _silence(block)
    segmentation = half_and_half(8)
    expected = block.shortcut(block.shortcut_spade(x, segmentation))
    assert block.shortcut.bias is None
    assert expected.min() < 0  # no activation
    assert torch.equal(block(x, segmentation), expected)


def _silence(block: SPADEResBlock) -> None:
    """Make what goes through both convolutions zero: gamma -1, beta 0, no bias."""
    for spade, convolution in zip(block.spades, block.convolutions, strict=True):
        for weight in (spade.gamma.weight, spade.beta.weight, spade.beta.bias, convolution.bias):
            nn.init.zeros_(weight)
        nn.init.constant_(spade.gamma.bias, -1)


def test_noise_has_no_strength_at_first_and_is_the_same_for_every_face_outside_of_training():
    torch.manual_seed(0)
    generator = SPADEGenerator(CLASSES, 3, 2, 64, coded=False, noise=True)
    plain = generator.eval()(half_and_half())
    for block in generator.blocks:
        for noise in block.noises:
            nn.init.constant_(noise.strength, 0.5)
    noisy = generator(half_and_half().expand(2, -1, -1, -1))
    assert not torch.allclose(noisy[:1], plain)
    torch.testing.assert_close(noisy[0], noisy[1])
    (first, second) = (
        noise(torch.zeros(1, noise.strength.numel(), 4, 4))[0, 0]
        for noise in generator.blocks[0].noises
    )
    assert not torch.equal(first, second)  # patterns of one size differ
    generator.train()
    torch.manual_seed(1)
    first = generator(half_and_half())
    torch.manual_seed(2)
    assert not torch.equal(first, generator(half_and_half()))


@pytest.mark.parametrize(
    ("size", "halvings"), [(512, 6), (256, 6), (128, 5), (64, 4), (96, 5), (8, 1)]
)
def test_the_encoder_ends_at_four_pixels_whatever_the_size(size: int, halvings: int):
    encoder = SPADEEncoder(2, size)
    assert len(encoder.layers) == 3 * halvings
    mean, log_variance = encoder(torch.rand(2, 3, size, size))
    assert mean.shape == log_variance.shape == (2, CODE)
