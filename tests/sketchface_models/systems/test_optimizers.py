"""Fused Adam learns the same in every memory layout."""

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Adam, AdamW

from sketchface_models.systems.optimizers import FusedAdam, FusedAdamW

LAYOUTS = [torch.contiguous_format, torch.channels_last]
SHAPES = [(8, 4, 3, 3), (8, 1, 4, 4), (1, 8, 4, 4), (8, 4, 1, 1), (6, 5), (7,)]


def learned(kind: type, layout: torch.memory_format, gradient_layout: torch.memory_format):
    torch.manual_seed(0)
    weights = [nn.Parameter(laid(torch.randn(shape), layout)) for shape in SHAPES]
    optimizer = kind(weights, lr=0.1, betas=(0.5, 0.999), weight_decay=0.01)
    for _ in range(3):
        for weight in weights:
            weight.grad = laid(torch.randn(weight.shape), gradient_layout)
        optimizer.step()
    return weights, optimizer


def laid(tensor: Tensor, layout: torch.memory_format) -> Tensor:
    return tensor.contiguous(memory_format=layout) if tensor.dim() == 4 else tensor


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("gradient_layout", LAYOUTS)
@pytest.mark.parametrize(("fused", "plain"), [(FusedAdam, Adam), (FusedAdamW, AdamW)])
def test_weights_move_as_with_plain_adam_whatever_the_layouts(
    fused: type, plain: type, layout: torch.memory_format, gradient_layout: torch.memory_format
):
    weights, _ = learned(fused, layout, gradient_layout)
    expected, _ = learned(plain, torch.contiguous_format, torch.contiguous_format)
    for weight, other in zip(weights, expected, strict=True):
        torch.testing.assert_close(weight, other, rtol=1e-5, atol=1e-6)
        assert weight.dim() < 4 or weight.is_contiguous(memory_format=layout)


def test_state_is_named_and_shaped_as_that_of_plain_adam():
    _, fused = learned(FusedAdam, torch.channels_last, torch.channels_last)
    _, plain = learned(Adam, torch.contiguous_format, torch.contiguous_format)
    states, expected = fused.state_dict()["state"], plain.state_dict()["state"]
    assert states.keys() == expected.keys()
    for index, state in states.items():
        assert state.keys() == expected[index].keys()
        for key, value in state.items():
            torch.testing.assert_close(value, expected[index][key], rtol=1e-5, atol=1e-7)


def test_a_network_moved_after_its_optimizer_was_used_is_refused():
    weights, optimizer = learned(FusedAdam, torch.contiguous_format, torch.contiguous_format)
    weights[0].data = weights[0].data.contiguous(memory_format=torch.channels_last)
    with pytest.raises(RuntimeError, match=r"\(8, 4, 3, 3\).*before their optimizers"):
        optimizer.step()
