"""The patch discriminators against the layer tables of docs/papers.md."""

import pytest
import torch
from torch import nn

from sketchface_models.networks.norms import InstanceNorm2d
from sketchface_models.networks.patchgan import (
    DISCRIMINATORS,
    Patch23,
    Patch70,
    ReleasedPatch23,
)


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def layers(discriminator: nn.Module) -> list[nn.Module]:
    """Its layers in their order, dropout left out."""
    return [
        m for m in discriminator.modules() if not (list(m.children()) or type(m) is nn.Dropout2d)
    ]


def test_hidas_layers_are_those_of_the_table():
    discriminator = Patch70(2, 64, 0.0)
    assert count(discriminator) == 2_763_713
    rows = []
    x = torch.zeros(1, 2, 256, 256)
    for layer in layers(discriminator):
        x = layer(x).detach()
        if isinstance(layer, nn.Conv2d):
            assert layer.kernel_size == (4, 4)
            assert layer.padding == (2, 2)
            rows.append((layer.stride[0], layer.in_channels, layer.out_channels, x.shape[3]))
        elif isinstance(layer, nn.LeakyReLU):
            assert layer.negative_slope == 0.2
        else:
            assert type(layer) is InstanceNorm2d
    assert rows == [
        (2, 2, 64, 129),
        (2, 64, 128, 65),
        (2, 128, 256, 33),
        (1, 256, 512, 34),
        (1, 512, 1, 35),
    ]
    marks = {nn.Conv2d: "C", nn.LeakyReLU: "L", InstanceNorm2d: "N"}
    assert "".join(marks[type(layer)] for layer in layers(discriminator)) == "CLNCLNCLNCLNLC"


def test_the_portrait_sketches_has_its_papers_parameters_less_the_dead_norm():
    discriminator = Patch23(6, 64, 0.5)
    assert count(discriminator) == 375_617 == 375_745 - 128
    sizes = [count(layer) for layer in discriminator.layers if count(layer)]
    assert sizes == [3_648 - 128, 74_112, 295_168 + 512, 2_305]


def test_the_released_codes_dead_norm_counts_and_does_nothing():
    with torch.device("meta"):
        assert count(ReleasedPatch23(6, 64, 0.5)) == 375_745
    torch.manual_seed(0)
    released = ReleasedPatch23(2, 4, 0.0).eval()
    without = Patch23(2, 4, 0.0).eval()
    without.load_state_dict({k: v for k, v in released.state_dict().items() if "skipped" not in k})
    pair = torch.randn(2, 2, 64, 64)
    logits = released(pair)
    assert torch.equal(logits, without(pair))
    logits.sum().backward()
    assert {n for n, p in released.named_parameters() if p.grad is None} == {
        "skipped.weight",
        "skipped.bias",
    }


@pytest.mark.parametrize(
    ("name", "size", "side"),
    [
        *(("patch-70", 256, 35), ("patch-70", 128, 19), ("patch-70", 64, 11)),
        *(("patch-23", 256, 60), ("patch-23", 128, 28), ("patch-23", 64, 12)),
    ],
)
def test_map_of_logits(name: str, size: int, side: int):
    discriminator = DISCRIMINATORS[name](4, 4, 0.0)
    assert discriminator(torch.zeros(3, 4, size, size)).shape == (3, 1, side, side)


@pytest.mark.parametrize(("name", "patch", "stride"), [("patch-70", 70, 8), ("patch-23", 23, 4)])
def test_a_logit_sees_its_patch(name: str, patch: int, stride: int):
    torch.manual_seed(0)
    # Statistics of an instance norm depend on every pixel.
    discriminator = nn.Sequential(
        *(
            layer
            for layer in layers(DISCRIMINATORS[name](2, 8, 0.5).eval())
            if not isinstance(layer, InstanceNorm2d)
        )
    ).double()
    starts = []
    for column in (15, 16):
        x = torch.randn(1, 2, 256, 256, dtype=torch.float64, requires_grad=True)
        discriminator(x)[0, 0, 16, column].backward()
        touched = (x.grad != 0).any(dim=1)[0].any(dim=0).nonzero().flatten()
        assert len(touched) == touched[-1] - touched[0] + 1 == patch
        starts.append(int(touched[0]))
    assert starts[1] - starts[0] == stride


@pytest.mark.parametrize("name", ["patch-70", "patch-23"])
def test_logits_are_no_probabilities_and_reach_every_weight(name: str):
    torch.manual_seed(0)
    discriminator = DISCRIMINATORS[name](2, 4, 0.0)
    pair = (20 * torch.randn(2, 2, 64, 64)).requires_grad_()
    logits = discriminator(pair)
    assert logits.min() < 0 or logits.max() > 1
    logits.sum().backward()
    assert (pair.grad != 0).float().mean() > 0.5
    assert all(p.grad.abs().max() > 0 for p in discriminator.parameters())


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_dropout_stops_in_eval_mode(name: str):
    torch.manual_seed(0)
    discriminator, pair = DISCRIMINATORS[name](2, 4, 0.5), torch.randn(2, 2, 64, 64)
    with torch.no_grad():
        assert not torch.equal(discriminator(pair), discriminator(pair))
        discriminator.eval()
        assert torch.equal(discriminator(pair), discriminator(pair))
