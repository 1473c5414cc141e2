"""HIDA's training step (Gao et al. 2023, Eq. 5 to 9), its runs, and the effect of style."""

import copy
import math
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import yaml
from torch import Tensor

from sketchface_models.errors import SketchFaceError
from sketchface_models.losses.hida import texture_loss
from sketchface_models.systems.base import Clock
from sketchface_models.systems.hida import HIDA
from sketchface_models.systems.registry import build

PARAMS = yaml.safe_load((Path(__file__).resolve().parents[3] / "params.yaml").read_text("utf-8"))
CHANNELS = {"photo": 3, "depth": 1, "style": 3, "sketch": 1}
RUNS = ("hida", "hida-base", "hida-released")


def config(run: str = "hida", **changes: object) -> dict:
    model = copy.deepcopy(PARAMS["systems"][run])
    model["task"]["size"], model["network"]["width"] = 64, 2
    model["network"]["dropout"] = 0.0
    for key, value in changes.items():
        section, _, name = key.partition("__")
        if name:
            model[section][name] = value
        else:
            model[section] = value
    return model


def make_system(run: str = "hida", **changes: object) -> HIDA:
    torch.manual_seed(0)
    return build(config(run, **changes), CHANNELS)


def make_batch(seed: int = 0, faces: int = 3) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return {
        "photo": 2 * torch.rand(faces, 3, 64, 64, generator=draw) - 1,
        "depth": torch.rand(faces, 1, 64, 64, generator=draw),
        "style": torch.eye(3)[torch.arange(faces) % 3],
        "sketch": 2 * torch.rand(faces, 1, 64, 64, generator=draw) - 1,
    }


def reads(batch: dict[str, Tensor], system: HIDA) -> dict[str, Tensor]:
    task = system.settings.task
    return {name: batch[name] for name in (*task.inputs, task.target)}


def no_update(name: str, loss: Tensor) -> Tensor:
    """Leaves all weights as they are."""
    return loss.detach()


def mean_log(probabilities: Tensor) -> float:
    """-log, averaged in double precision."""
    values = probabilities.double().flatten().tolist()
    return -math.fsum(math.log(value) for value in values) / len(values)


def test_the_papers_terms_against_its_formulas():
    system, batch = make_system(), make_batch()
    terms = system.training_step(batch, Clock(0, 12, 0), no_update)
    with torch.no_grad():
        sketch, depth = system.networks["generator"](*(batch[n] for n in CHANNELS if n != "sketch"))
        discriminator = system.networks["discriminator"]
        real = torch.sigmoid(discriminator(torch.cat([batch["depth"], batch["sketch"]], 1)))
        fake = torch.sigmoid(discriminator(torch.cat([depth, sketch], 1)))
    expected = {
        "adversarial": mean_log(fake),
        "pixel": (sketch - batch["sketch"]).abs().double().mean().item(),
        "texture": texture_loss(sketch, batch["sketch"], "sobel").item(),
        "geometric": (depth - batch["depth"]).square().double().mean().item(),
    }
    for name, value in expected.items():
        assert terms[name].item() == pytest.approx(value, rel=1e-5), name
    assert terms["discriminator"].item() == pytest.approx(
        mean_log(real) + mean_log(1 - fake), rel=1e-5
    )
    whole = sum(f * expected[n] for n, f in zip(expected, (1.0, 20.0, 5.0, 100.0), strict=True))
    assert terms["generator"].item() == pytest.approx(whole, rel=1e-5)


def test_the_released_terms_against_their_formulas():
    system, batch = make_system("hida-released"), make_batch()
    terms = system.training_step(batch, Clock(0, 12, 0), no_update)
    with torch.no_grad():
        sketch, depth = system.networks["generator"](*(batch[n] for n in CHANNELS if n != "sketch"))
        discriminator = system.networks["discriminator"]
        real = discriminator(torch.cat([batch["depth"], batch["sketch"]], 1)).double()
        fake = discriminator(torch.cat([batch["depth"], sketch], 1)).double()
    hinge = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    penalty = 2 * 0.5 * (fake.mean() - real.mean()) ** 4
    assert terms["discriminator"].item() == pytest.approx((hinge + penalty).item(), rel=1e-5)
    assert terms["adversarial"].item() == pytest.approx(-fake.mean().item(), rel=1e-5, abs=1e-6)
    off = (depth - batch["depth"]).double().square().mean().sqrt().item()
    assert terms["geometric"].item() == pytest.approx(off, rel=1e-5)
    like_photo = texture_loss(sketch, batch["photo"], "prewitt").item()
    assert terms["texture"].item() == pytest.approx(like_photo, rel=1e-5)


@pytest.mark.parametrize("run", RUNS)
def test_both_networks_learn_from_their_own_loss_alone(run: str):
    system = make_system(run)
    asked: list[str] = []

    def update(name: str, loss: Tensor) -> Tensor:
        parameters = dict(system.networks[name].named_parameters())
        gradients = torch.autograd.grad(loss, list(parameters.values()), retain_graph=True)
        still = [key for key, grad in zip(parameters, gradients, strict=True) if not grad.any()]
        # A bias before an instance norm moves nothing.
        assert all(key.endswith("bias") for key in still), still
        asked.append(name)
        return loss.detach()

    system.training_step(reads(make_batch(), system), Clock(0, 12, 0), update)
    assert asked == ["discriminator", "generator"]


@pytest.mark.parametrize("run", RUNS)
def test_it_learns_one_face_by_heart(run: str):
    # Depth here is noise, which nothing learns in sixty steps: it must not drown the rest.
    system = make_system(run, network__width=4, loss__geometric=4.0)
    batch = reads(make_batch(faces=1), system)
    batch["sketch"] = F.interpolate(batch["sketch"][..., ::8, ::8], (64, 64), mode="bilinear")
    rates = {"lr_generator": 0.004, "lr_discriminator": 0.0001}
    schedule = system.settings.schedule
    for name, rate in rates.items():
        object.__setattr__(schedule, name, rate)
    optimizers = system.optimizers()

    def update(name: str, loss: Tensor) -> Tensor:
        optimizers[name].zero_grad()
        loss.backward(inputs=list(system.networks[name].parameters()))
        optimizers[name].step()
        return loss.detach()

    first = [system.training_step(batch, Clock(i, 60, 0), update)["pixel"] for i in range(60)]
    assert min(first[-5:]) < 0.6 * first[0]


def test_style_and_mixtures_change_the_sketch_smoothly():
    system = make_system()
    system.networks.eval()
    batch = make_batch(faces=1)

    def sketch_in(*weights: float) -> Tensor:
        with torch.no_grad():
            return system.generate(batch | {"style": torch.tensor([weights])})

    one, two = sketch_in(1, 0, 0), sketch_in(0, 1, 0)
    assert (one - two).abs().max() > 1e-3
    steps = [sketch_in(1 - t, t, 0) for t in torch.linspace(0, 1, 9).tolist()]
    moves = [(a - b).abs().mean().item() for a, b in pairwise(steps)]
    assert max(moves) < 0.5 * (one - two).abs().mean().item()


def test_a_run_without_depth_neither_reads_nor_generates_it():
    system = make_system(task={"inputs": ["photo", "style"], "target": "sketch", "size": 64})
    batch = make_batch()
    del batch["depth"]
    assert "geometric" not in system.training_step(batch, Clock(0, 12, 0), no_update)
    assert system.networks["generator"].depth_head is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network__halvings": 7}, "network.halvings: 7; allowed: 0, or from 6 to 6 at size 64"),
        ({"network__halvings": 5}, "network.halvings: 5"),
        ({"discriminator": "patch-9"}, "discriminator: .*patch-70, patch-23"),
        ({"task": {"inputs": ["depth"], "target": "sketch", "size": 64}}, "task.inputs"),
        ({"task": {"inputs": ["photo"], "target": "photo", "size": 64}}, "task.target"),
        ({"task": {"inputs": ["photo"], "target": "sketch", "size": 96}}, "power of two"),
        ({"network__activation": "gelu"}, "network.activation"),
        (
            {"network__activation": "leaky", "network__modulation": "none"},
            "no other layer reads the style",
        ),
        (
            {
                "task": {"inputs": ["photo"], "target": "sketch", "size": 64},
                "network__appearance": "plane",
            },
            "network.appearance",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_in_a_line(changes: dict, message: str):
    with pytest.raises(SketchFaceError, match=message):
        build(config(**changes), CHANNELS)
