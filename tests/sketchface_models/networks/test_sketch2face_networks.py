"""Sketch2face's networks: sizes and parameters as published (docs/papers.md, Sketch2face)."""

import pytest
import torch
from torch import nn

from sketchface_models.networks.sketch2face import (
    Critic,
    Decoder,
    Encoder,
    LatentBound,
    LatentLayers,
    halvings_of,
)

RELEASED = LatentBound(free_mean=False, free_deviation=False)


def parameters(*networks: nn.Module) -> int:
    return sum(weight.numel() for network in networks for weight in network.parameters())


def published(kind: type, *arguments: object) -> nn.Module:
    with torch.device("meta"):
        return kind(*arguments)


def test_parameters_as_published():
    face_encoder, doodle_encoder = (
        published(Encoder, *shape, 256, 256, RELEASED) for shape in ((3, 64), (1, 32))
    )
    face_decoder, doodle_decoder = (
        published(Decoder, *shape, 256, 256) for shape in ((3, 64), (1, 32))
    )
    latent = published(LatentLayers, 256, 4, RELEASED)
    assert parameters(doodle_encoder, face_decoder) == 60_977_408
    assert parameters(face_encoder, doodle_decoder) == 53_633_792
    assert parameters(latent) == 1_054_720
    assert parameters(face_encoder, face_decoder) == 70_421_248
    assert parameters(doodle_encoder, doodle_decoder) == 44_189_952
    assert parameters(published(Critic, 1, 32, 256)) == 10_511_617
    assert parameters(published(Critic, 3, 64, 256)) == 11_569_153


@pytest.mark.parametrize(("channels", "side"), [(3, 64), (1, 32), (3, 16)])
def test_pictures_become_codes_and_codes_pictures(channels: int, side: int):
    pictures = torch.randn(3, channels, side, side)
    code = Encoder(channels, side, 4, 6, RELEASED)(pictures)
    assert code.shape == (3, 12)
    assert Decoder(channels, side, 4, 6)(code[:, :6]).shape == pictures.shape
    assert Critic(channels, side, 4)(pictures).shape == (3, 1, 1, 1)
    assert LatentLayers(6, 2, RELEASED)(code).shape == code.shape
    assert torch.equal(LatentLayers(6, 0, RELEASED)(code), code)


@pytest.mark.parametrize("free_mean", [False, True])
@pytest.mark.parametrize("free_deviation", [False, True])
def test_each_bound_holds_and_is_lifted_alone(free_mean: bool, free_deviation: bool):
    torch.manual_seed(0)
    bound = LatentBound(free_mean, free_deviation)
    pictures = torch.randn(8, 1, 32, 32)
    code = Encoder(1, 32, 4, 16, bound)(pictures)
    for mean, log_variance in (
        code.chunk(2, dim=1),
        LatentLayers(16, 2, bound)(code).chunk(2, dim=1),
    ):
        assert bool((mean < 0).any()) == free_mean
        assert bool(((0.5 * log_variance).exp() < 1).any()) == free_deviation


@pytest.mark.parametrize("side", [8, 33, 48, 0])
def test_other_sides_are_refused(side: int):
    with pytest.raises(ValueError, match="a power of two, 16 or more"):
        halvings_of(side)
