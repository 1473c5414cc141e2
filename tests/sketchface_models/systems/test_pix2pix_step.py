"""pix2pix: losses, conditional training and generation (docs/papers.md, Portrait sketches)."""

import math
from collections.abc import Callable

import pytest
import torch
from made_packs import make_config
from torch import Tensor

from sketchface_models.errors import SketchFaceError
from sketchface_models.pixels import as_grey
from sketchface_models.systems.base import Clock
from sketchface_models.systems.pix2pix import Pix2Pix
from sketchface_models.systems.registry import build

CHANNELS = {"photo": 3, "sketch": 1}


def make_system(**changes: object) -> Pix2Pix:
    torch.manual_seed(0)
    changes = {f"model__{key}": value for key, value in changes.items()}
    return build(make_config(**changes)["model"], CHANNELS)


def make_batch(seed: int = 0) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return {
        "photo": 2 * torch.rand(4, 3, 64, 64, generator=draw) - 1,
        "sketch": 2 * torch.rand(4, 1, 64, 64, generator=draw) - 1,
    }


def no_update(name: str, loss: Tensor) -> Tensor:
    """Leaves all weights as they are."""
    return loss.detach()


def stepper(system: Pix2Pix) -> Callable[[str, Tensor], Tensor]:
    optimizers = system.optimizers()

    def update(name: str, loss: Tensor) -> Tensor:
        optimizers[name].zero_grad()
        loss.backward(inputs=list(system.networks[name].parameters()))
        optimizers[name].step()
        return loss.detach()

    return update


def mean_log(probabilities: Tensor) -> float:
    """Binary cross-entropy as the paper writes it, over probabilities, in double precision."""
    values = probabilities.double().flatten().tolist()
    return -math.fsum(math.log(value) for value in values) / len(values)


@pytest.mark.parametrize(("l1", "scale"), [(100.0, 0.1), (8.0, 0.1), (20.0, 1.0)])
def test_losses_against_the_formula(l1: float, scale: float):
    system = make_system(network__dropout=0.0, loss={"l1": l1, "scale": scale})
    batch = make_batch()
    terms = system.training_step(batch, Clock(0, 12, 0), no_update)

    photo, real = batch["photo"], batch["sketch"].repeat(1, 3, 1, 1)
    with torch.no_grad():
        fake = system.networks["generator"](photo)
        discriminator = system.networks["discriminator"]
        probability_real = torch.sigmoid(discriminator(torch.cat([photo, real], 1)))
        probability_fake = torch.sigmoid(discriminator(torch.cat([photo, fake], 1)))
    adversarial = mean_log(probability_fake)
    distance = (fake - real).double().abs().sum().item() / fake.numel()
    assert terms["discriminator"].item() == pytest.approx(
        mean_log(probability_real) + mean_log(1 - probability_fake), rel=1e-5
    )
    assert terms["adversarial"].item() == pytest.approx(adversarial, rel=1e-5)
    assert terms["l1"].item() == pytest.approx(distance, rel=1e-5)
    assert terms["generator"].item() == pytest.approx(
        scale * (adversarial + l1 * distance), rel=1e-5
    )


def test_each_loss_depends_on_the_network_that_is_updated_by_it():
    """The discriminator's not on the generator; the engine sees to the other direction."""
    system = make_system()
    reached = {}

    def update(name: str, loss: Tensor) -> Tensor:
        system.networks.zero_grad(set_to_none=True)
        loss.backward(retain_graph=True)
        reached[name] = {
            other
            for other, network in system.networks.items()
            if any(parameter.grad is not None for parameter in network.parameters())
        }
        return loss.detach()

    system.training_step(make_batch(), Clock(0, 12, 0), update)
    assert reached == {
        "discriminator": {"discriminator"},
        "generator": {"generator", "discriminator"},
    }


def test_what_was_not_finite_does_not_enter_the_epochs_average():
    system = make_system()
    values = iter([0.5, math.nan, 0.25, math.inf])

    def update(name: str, loss: Tensor) -> Tensor:
        return torch.tensor(next(values)) if name == "discriminator" else loss.detach()

    for step in range(4):
        system.training_step(make_batch(), Clock(step, 12, 0), update)
    assert (system.state_dict()["loss_sum"], system.state_dict()["loss_count"]) == (0.75, 2)
    system.discriminator_learns(1)
    assert system.last_average == 0.375


def test_logged_terms_hold_no_graph():
    terms = make_system().training_step(make_batch(), Clock(0, 12, 0), no_update)
    assert not any(term.requires_grad for term in terms.values())


def learning_epochs(system: Pix2Pix, epochs: int) -> list[int]:
    """In which epochs (of two steps) the discriminator's weights changed."""
    update, changed = stepper(system), []
    for step in range(2 * epochs):
        before = [p.clone() for p in system.networks["discriminator"].parameters()]
        generator = [p.clone() for p in system.networks["generator"].parameters()]
        terms = system.training_step(make_batch(step), Clock(step, 2 * epochs, step // 2), update)
        after = list(system.networks["discriminator"].parameters())
        moved = any(not torch.equal(a, b) for a, b in zip(before, after))
        assert ("discriminator" in terms) == moved
        assert any(
            not torch.equal(a, b)
            for a, b in zip(generator, system.networks["generator"].parameters())
        )
        if moved:
            changed.append(step // 2)
    return changed


@pytest.mark.parametrize(
    ("timer", "expected"), [(1, [0, 0, 1, 1, 2, 2, 3, 3]), (2, [0, 0, 2, 2]), (3, [0, 0, 3, 3])]
)
def test_discriminator_learns_in_every_timer_th_epoch(timer: int, expected: list[int]):
    system = make_system(conditional={"timer": timer, "threshold": 0.02})
    assert learning_epochs(system, 4) == expected


def test_discriminator_stays_locked_once_its_epoch_average_is_low():
    # About 1.4 at the start (twice ln 2), so after one epoch a threshold of 5 locks it for good;
    # below the start value of 1.0 it would never have learned at all.
    assert learning_epochs(make_system(conditional={"timer": 1, "threshold": 5.0}), 3) == []
    system = make_system(conditional={"timer": 1, "threshold": 0.9})
    system.last_average = 0.95
    assert learning_epochs(system, 1) == [0, 0]
    average = float(system.loss_sum) / 2
    locked = make_system(conditional={"timer": 1, "threshold": average + 1e-3})
    locked.last_average = average + 1
    assert learning_epochs(locked, 4) == [0, 0]
    assert locked.last_average == pytest.approx(average)


def test_state_carries_the_rule_across_a_resume():
    straight = make_system()
    for step in range(5):  # into an epoch in which the discriminator learns
        straight.training_step(make_batch(step), Clock(step, 12, step // 2), no_update)
    resumed = make_system()
    resumed.load_state_dict(straight.state_dict())
    assert resumed.state_dict() == straight.state_dict()
    assert straight.state_dict()["loss_count"] == 1
    for step in range(5, 9):
        for system in (straight, resumed):
            torch.manual_seed(step)  # of dropout
            system.training_step(make_batch(step), Clock(step, 12, step // 2), no_update)
        assert resumed.state_dict() == straight.state_dict()


def test_generate_is_grey_in_the_targets_channels_and_repeatable():
    system = make_system()
    system.networks.eval()
    batch = make_batch()
    with torch.no_grad():
        first, second = system.generate(batch), system.generate(batch)
        colour = system.networks["generator"](batch["photo"])
    assert torch.equal(first, second)
    assert first.shape == (4, 1, 64, 64)
    assert first.abs().max() <= 1
    torch.testing.assert_close(
        first[:, 0], 0.299 * colour[:, 0] + 0.587 * colour[:, 1] + 0.114 * colour[:, 2]
    )


@pytest.mark.parametrize("greyscale", [False, True])
def test_generate_keeps_colour_unless_grey_is_asked_for(greyscale: bool):
    config = make_config(model__greyscale=greyscale)
    config["model"]["task"] = {"inputs": ["sketch"], "target": "photo", "size": 64}
    torch.manual_seed(0)
    system = build(config["model"], CHANNELS)
    system.networks.eval()
    with torch.no_grad():
        generated = system.generate(make_batch())
        network = system.networks["generator"](make_batch()["sketch"].repeat(1, 3, 1, 1))
    assert generated.shape == (4, 3, 64, 64)
    expected = as_grey(network).repeat(1, 3, 1, 1) if greyscale else network
    torch.testing.assert_close(generated, expected)


def test_several_inputs_are_stacked_in_their_order():
    config = make_config()
    config["model"]["task"]["inputs"] = ["sketch", "photo"]
    system = build(config["model"], CHANNELS)
    system.networks.eval()
    batch = make_batch()
    with torch.no_grad():
        stacked = torch.cat([batch["sketch"].repeat(1, 3, 1, 1), batch["photo"]], dim=1)
        expected = as_grey(system.networks["generator"](stacked))
        torch.testing.assert_close(system.generate(batch), expected)


def test_unknown_system_names_those_there_are():
    with pytest.raises(SketchFaceError, match=r"^system: 'pixpix'; allowed: one of .*pix2pix"):
        build(make_config(model__system="pixpix")["model"], CHANNELS)


def convolutions(system: Pix2Pix) -> dict[str, torch.nn.Module]:
    kinds = torch.nn.Conv2d | torch.nn.ConvTranspose2d
    return {n: m for n, m in system.networks.named_modules() if isinstance(m, kinds)}


def test_convolutions_start_from_the_normal_distribution_asked_for():
    library = convolutions(make_system(network={"width": 16, "dropout": 0.5, "init_std": 0.0}))
    normal = convolutions(make_system(network={"width": 16, "dropout": 0.5, "init_std": 0.02}))
    assert len(normal) == 12 + 4
    for name, layer in normal.items():
        tolerance = 5 / math.sqrt(2 * layer.weight.numel())  # five standard errors
        assert layer.weight.std().item() == pytest.approx(0.02, rel=tolerance)
        assert layer.weight.mean().abs() < 0.02 * 5 / math.sqrt(layer.weight.numel())
        # What the library starts from is uniform, so it is bounded by sqrt(3) deviations.
        weight = library[name].weight
        assert weight.abs().max() < 1.8 * weight.std()
