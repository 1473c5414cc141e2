"""Systems that may train at a fraction of the side first."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import yaml
from torch import Tensor

from sketchface_models.errors import SketchFaceError
from sketchface_models.labels import as_field
from sketchface_models.systems.base import Clock
from sketchface_models.systems.coarse_steps import Coarse
from sketchface_models.systems.registry import build

PARAMS = yaml.safe_load((Path(__file__).resolve().parents[3] / "params.yaml").read_text("utf-8"))
CHANNELS = {"parsing": 1, "photo": 3}
SIZE = 128


def settings_of(run: str, size: int, until: float) -> dict[str, Any]:
    model = copy.deepcopy(PARAMS["systems"][run])
    model["task"] |= {"size": size}
    model["coarse"] = {"until": until, "factor": 2}
    model["network"] |= {"width": 2, "discriminator_width": 2}
    return model


@pytest.fixture(scope="module")
def batch() -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(0)
    labels = torch.randint(19, (2, SIZE // 8, SIZE // 8), generator=draw)
    labels = labels.repeat_interleave(8, 1).repeat_interleave(8, 2)
    photo = 2 * torch.rand(2, 3, SIZE, SIZE, generator=draw) - 1
    return {"parsing": as_field(labels), "photo": photo}


@pytest.mark.parametrize("run", ["spade", "spade-released"])
def test_the_first_steps_train_at_a_fraction_of_the_side(run: str, batch: dict[str, Tensor]):
    system = build(settings_of(run, SIZE, 0.5), CHANNELS)
    pairs: dict[int, Tensor] = {}
    for step in (5, 6):
        hook = system.networks["discriminator"].register_forward_pre_hook(
            lambda _, inputs, step=step: pairs.setdefault(step, inputs[0])
        )
        system.training_step(batch, Clock(step, 12, 0), lambda _, loss: loss.detach())
        hook.remove()
    assert torch.equal(pairs[6][:, -3:], batch["photo"])
    torch.testing.assert_close(pairs[5][:, -3:], F.avg_pool2d(batch["photo"], 2))
    assert torch.equal(pairs[5][:, :-3], pairs[6][:, :-3, ::2, ::2])
    assert system.generate(batch).shape[-1] == SIZE


def test_clocks_that_stand_for_all_steps_are_coarse_in_the_same_part():
    coarse = Coarse(until=0.75, factor=4)
    sides = [coarse.side(SIZE, clock) for clock in coarse.cycle(2000)]
    assert sides == [SIZE // 4] * 3 + [SIZE]
    assert [clock.step for clock in coarse.cycle(2000)] == [250, 750, 1250, 1750]
    plain = Coarse(until=0.0, factor=4)
    assert [plain.side(SIZE, clock) for clock in plain.cycle(2000)] == [SIZE]


@pytest.mark.parametrize("size", [64, 96])
def test_a_side_that_cannot_be_divided_is_refused(size: int):
    with pytest.raises(SketchFaceError, match="allowed: a multiple of 64, 128 or more"):
        build(settings_of("spade", size, 0.5), CHANNELS)
    build(settings_of("spade", 192, 0.5), CHANNELS)
