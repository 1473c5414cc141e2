"""The plain convolutions: their loss, what they generate, and the collapse that they may learn."""

import pytest
import torch
from torch import Tensor

from sketchface_models.errors import SketchFaceError
from sketchface_models.pixels import as_grey
from sketchface_models.systems.base import Clock
from sketchface_models.systems.convolutions import Convolutions
from sketchface_models.systems.registry import build

CHANNELS = {"lines": 1, "sketch": 1, "photo": 3}
MODEL = {
    "system": "convolutions",
    "task": {"inputs": ["lines"], "target": "sketch", "size": 64},
    "network": {"width": 2},
    "augment": {"flip": False, "jitter": 0.0},
    "schedule": {"steps": 8, "batch": 2, "lr": 0.002, "decay_from": 1.0, "ema_half_life": 0.0},
}


def make_system(**changes: object) -> Convolutions:
    torch.manual_seed(0)
    return build(MODEL | changes, CHANNELS)


def make_batch() -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(0)
    return {n: 2 * torch.rand(2, c, 64, 64, generator=draw) - 1 for n, c in CHANNELS.items()}


def stepper(system: Convolutions):
    optimizers = system.optimizers()

    def update(name: str, loss: Tensor) -> Tensor:
        optimizers[name].zero_grad()
        loss.backward()
        optimizers[name].step()
        return loss.detach()

    return update


def test_the_loss_is_the_pixels_distance():
    system, batch = make_system(), make_batch()
    with torch.no_grad():
        fake = system.networks["generator"](batch["lines"].repeat(1, 3, 1, 1))
    distance = (fake - batch["sketch"].repeat(1, 3, 1, 1)).double().abs().sum().item()
    terms = system.training_step(batch, Clock(0, 8, 0), lambda name, loss: loss.detach())
    assert {name: t.item() for name, t in terms.items()} == {
        "l1": pytest.approx(distance / fake.numel(), rel=1e-5)
    }


def test_it_learns():
    system, batch = make_system(schedule=MODEL["schedule"] | {"lr": 0.02}), make_batch()
    batch["sketch"][:] = 1.0
    batch["sketch"][:, :, 20:44, 20:44] = -1.0
    update = stepper(system)
    losses = [system.training_step(batch, Clock(0, 8, 0), update)["l1"] for _ in range(24)]
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("target", ["sketch", "photo"])
def test_generate_gives_the_targets_channels(target: str):
    system = make_system(task=MODEL["task"] | {"target": target})
    system.networks.eval()
    batch = make_batch()
    with torch.no_grad():
        network = system.networks["generator"](batch["lines"].repeat(1, 3, 1, 1))
        expected = as_grey(network) if target == "sketch" else network
        assert torch.equal(system.generate(batch), expected)


def test_a_side_that_does_not_shrink_evenly_is_refused():
    with pytest.raises(SketchFaceError, match=r"^task\.size: 96; allowed: a multiple of 64"):
        make_system(task=MODEL["task"] | {"size": 96})
    with pytest.raises(SketchFaceError, match=r"^schedule\.batch: 1; allowed: at least 2 at size"):
        make_system(schedule=MODEL["schedule"] | {"batch": 1})
