"""The networks of Cheng et al. 2022: sizes, norms, and how far a changed line reaches."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sketchface_models.networks.norms import InstanceNorm2d
from sketchface_models.networks.pix2pixhd import GlobalGenerator, MultiScaleDiscriminator

FIELDS = (7, 9, 13, 21, 37)
"""Pixels that a value of L0 to L4 sees (Cheng et al. 2022, section 4.1)."""


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def norms(network: nn.Module) -> int:
    return sum(isinstance(layer, InstanceNorm2d) for layer in network.modules())


@pytest.mark.parametrize(("channels", "count"), [(3, 102_631_875), (1, 102_627_171)])
@pytest.mark.parametrize(("removed", "left"), [(0, 27), (2, 25), (5, 22)])
def test_variants_have_the_published_parameters_and_differ_in_norms_alone(
    channels: int, count: int, removed: int, left: int
):
    with torch.device("meta"):
        generator = GlobalGenerator(channels, 3, 48, 9, removed)
    assert parameters(generator) == count
    assert norms(generator) == left


@pytest.mark.parametrize("scales", [1, 2, 3])
@pytest.mark.parametrize(("channels", "count"), [(6, 2_767_809), (4, 2_765_761)])
def test_each_scale_of_the_discriminator_has_the_published_parameters(
    channels: int, count: int, scales: int
):
    with torch.device("meta"):
        discriminator = MultiScaleDiscriminator(channels, 64, scales)
    assert parameters(discriminator) == scales * count


def test_the_generator_gives_pictures_of_the_condition_s_side():
    generator = GlobalGenerator(3, 3, 4, 1, 2)
    picture = generator(torch.rand(2, 3, 64, 64))
    assert picture.shape == (2, 3, 64, 64)
    assert picture.abs().max() < 1


def test_logits_have_the_sides_of_docs_papers():
    maps = MultiScaleDiscriminator(6, 4, 3)(torch.rand(1, 6, 256, 256))
    assert [m.shape[-1] for m in maps[0]] == [129, 65, 33, 34, 35]
    assert [scale[-1].shape[1:] for scale in maps] == [(1, 35, 35), (1, 19, 19), (1, 11, 11)]
    assert [scale[0].shape[1] for scale in maps] == [4, 4, 4]


def test_scales_see_the_average_of_the_one_before_without_its_padding():
    discriminator = MultiScaleDiscriminator(1, 2, 2)
    picture = torch.ones(1, 1, 64, 64)
    seen: list[Tensor] = []
    discriminator.scales[1][0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    discriminator(picture)
    assert torch.equal(seen[0], torch.ones(1, 1, 32, 32))


@pytest.mark.parametrize("level", range(5))
def test_without_norms_a_value_depends_on_the_published_field_and_on_no_pixel_beyond(level: int):
    torch.manual_seed(0)
    generator = GlobalGenerator(1, 3, 2, 1, 5).double()
    for layer in generator.front:  # linear layers pass every pixel's influence on
        layer[-1] = nn.Identity()
    condition = torch.rand(1, 1, 96, 96, dtype=torch.double, requires_grad=True)
    features = generator.features(condition)[level]
    middle = features.shape[-1] // 2
    (influence,) = torch.autograd.grad(features[0, 0, middle, middle], condition)
    rows = influence[0, 0].abs().sum(dim=1).nonzero().flatten()
    assert rows[-1] - rows[0] + 1 == FIELDS[level]


@pytest.mark.parametrize(("removed", "independent"), [(0, 0), (2, 2), (5, 5)])
def test_layers_behind_a_norm_feel_a_change_anywhere_and_those_before_do_not(
    removed: int, independent: int
):
    torch.manual_seed(0)
    generator = GlobalGenerator(1, 3, 4, 1, removed).double()
    before = torch.rand(1, 1, 128, 128, dtype=torch.double)
    after = before.clone()
    after[:, :, :8] = 0  # far from the value looked at
    pairs = zip(generator.features(before), generator.features(after), strict=True)
    same = [torch.equal(a[:, :, -2:, -2:], b[:, :, -2:, -2:]) for a, b in pairs]
    assert same == [level < independent for level in range(5)]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_instance_norm_agrees_with_torch_and_keeps_the_layout(layout: torch.memory_format):
    x = torch.randn(3, 5, 8, 6).mul(4).add(2).contiguous(memory_format=layout).requires_grad_()
    weight = torch.randn(3, 5, 8, 6)
    normed = InstanceNorm2d(5)(x)
    expected = F.instance_norm(x.detach().clone().requires_grad_())
    torch.testing.assert_close(normed, expected, rtol=1e-5, atol=1e-5)
    assert normed.is_contiguous(memory_format=layout)
    reference = x.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad((normed * weight).sum(), x)
    (expected_gradient,) = torch.autograd.grad(
        (F.instance_norm(reference) * weight).sum(), reference
    )
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-4, atol=1e-5)
