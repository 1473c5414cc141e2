"""pix2pix: losses, conditional training and generation (docs/papers.md, Portrait sketches)."""

import json
import math
from collections.abc import Callable

import pytest
import torch
from generated_as_in_training import check_generated_by_the_picture
from loss_gradients import gradient_shares
from made_packs import make_config
from torch import Tensor

from sketchface_models.errors import SketchFaceError
from sketchface_models.noise_removal import wrapped
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
    still = {"network__dropout": 0.0, "network__discriminator_dropout": 0.0}
    system = make_system(**still, loss={"l1": l1, "scale": scale})
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
    shares = gradient_shares(make_system(), make_batch(), Clock(0, 12, 0))
    reached = {
        optimizer: {name for name, share in of_networks.items() if share > 0}
        for optimizer, of_networks in shares.items()
    }
    assert reached == {
        "discriminator": {"discriminator"},
        "generator": {"generator", "discriminator"},
    }


def test_logged_terms_hold_no_graph():
    terms = make_system().training_step(make_batch(), Clock(0, 12, 0), no_update)
    assert not any(term.requires_grad for term in terms.values())


def changed(before: list[Tensor], network: torch.nn.Module) -> bool:
    return any(not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def learning_epochs(system: Pix2Pix, epochs: int) -> dict[str, list[int]]:
    """Network -> the epochs (of two steps) in which its weights changed."""
    update = stepper(system)
    learned: dict[str, list[int]] = {name: [] for name in system.networks}
    for step in range(2 * epochs):
        before = {n: [p.clone() for p in w.parameters()] for n, w in system.networks.items()}
        terms = system.training_step(make_batch(step), Clock(step, 2 * epochs, step // 2), update)
        for name, network in system.networks.items():
            moved = changed(before[name], network)
            assert (name in terms) == moved
            assert terms[f"locked_{name}"].item() == (not moved)
            learned[name] += [step // 2] if moved else []
    return learned


EVERY = [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(("timer", "expected"), [(1, EVERY), (2, [0, 0, 2, 2]), (3, [0, 0, 3, 3])])
@pytest.mark.parametrize("rule", ["paper", "released"])
def test_discriminator_learns_in_every_timer_th_epoch(rule: str, timer: int, expected: list[int]):
    system = make_system(conditional={"timer": timer, "threshold": 0.0, "rule": rule})
    assert learning_epochs(system, 4) == {"generator": EVERY, "discriminator": expected}


def test_a_locked_generator_keeps_its_weights():
    system = make_system(
        conditional={"timer": 1, "threshold": 0.0, "generator_threshold": 1e9, "rule": "paper"}
    )
    system.rule.means = {"generator": [1.0], "discriminator": [1.0, 1.1]}
    system.rule.rose = {"generator": False, "discriminator": True}
    assert learning_epochs(system, 1) == {"generator": [], "discriminator": [0, 0]}


def test_the_rule_hears_the_losses_of_those_who_learn():
    system = make_system(conditional={"timer": 2, "threshold": 0.02, "rule": "paper"})
    losses = [
        system.training_step(make_batch(step), Clock(step, 12, step // 2), no_update)
        for step in range(4)
    ]
    system.rule.learners(2)
    expected = sum(terms["discriminator"].item() for terms in losses[:2]) / 2
    assert system.rule.means["discriminator"] == pytest.approx([expected])
    halves = [losses[:2], losses[2:]]
    assert system.rule.means["generator"] == pytest.approx(
        [sum(terms["generator"].item() for terms in half) / 2 for half in halves]
    )


@pytest.mark.parametrize("rule", ["paper", "released"])
def test_state_carries_the_rule_across_a_resume(rule: str):
    conditional = {"timer": 2, "threshold": 0.02, "rule": rule}
    straight = make_system(conditional=conditional)
    for step in range(5):  # into an epoch in which the discriminator learns
        straight.training_step(make_batch(step), Clock(step, 12, step // 2), no_update)
    resumed = make_system(conditional=conditional)
    resumed.load_state_dict(json.loads(json.dumps(straight.state_dict())))
    assert resumed.state_dict() == straight.state_dict()
    assert straight.state_dict() != make_system(conditional=conditional).state_dict()
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


RELEASED = {
    "network": {
        "width": 4,
        "dropout": 0.5,
        "init_std": 0.0,
        "dropout_at_test": True,
        "batch_statistics": True,
    },
    "task": {"inputs": ["photo"], "target": "sketch", "size": 128},
}


def large_batch(seed: int = 0) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return {"photo": 2 * torch.rand(3, 3, 128, 128, generator=draw) - 1}


@pytest.mark.parametrize("switch", ["dropout_at_test", "batch_statistics"])
def test_the_released_code_generates_as_if_still_in_training(switch: str):
    """By the picture: each comes out alike whatever stands beside it, and the same each time."""
    network = RELEASED["network"] | {"dropout_at_test": False, "batch_statistics": False}
    system = make_system(**RELEASED | {"network": network | {switch: True}})
    usual = make_system(**RELEASED | {"network": network})
    for each in (system, usual):
        each.networks.eval()
    check_generated_by_the_picture(system, usual, large_batch()["photo"])


def test_batch_statistics_are_those_of_the_one_picture():
    network = RELEASED["network"] | {"dropout_at_test": False}
    system = make_system(**RELEASED | {"network": network})
    system.networks.eval()
    batch, outputs = large_batch(), []
    norm = system.networks["generator"].down[0][2]
    norm.register_forward_hook(lambda _, __, out: outputs.append(out))
    with torch.no_grad():
        system.generate(batch)
    assert len(outputs) == 3
    for output in outputs:
        assert output.mean(dim=(0, 2, 3)).abs().max() < 1e-5
        assert output.var(dim=(0, 2, 3), correction=0).sub(1).abs().max() < 1e-2


def test_what_cannot_be_is_refused_in_a_line():
    with pytest.raises(SketchFaceError, match=r"batch_statistics: true; allowed: false at size 64"):
        make_system(network=RELEASED["network"])
    with pytest.raises(SketchFaceError, match=r"edge_shadows: true; .* one of lines, sketch, cont"):
        make_system(edge_shadows=True)


def test_wrap_around_and_grey_come_in_the_codes_order():
    """Bytes wrap channel by channel, and their luma is taken after that."""
    batch, generated = make_batch(), {}
    for wrap_around, greyscale in ((True, True), (True, False), (False, False)):
        system = make_system(wrap_around=wrap_around, greyscale=greyscale)
        system.networks.eval()
        with torch.no_grad():
            generated[wrap_around, greyscale] = system.generate(batch)
    assert torch.equal(generated[True, False], wrapped(generated[False, False]))
    assert torch.equal(generated[True, True], as_grey(generated[True, False]))


def test_ink_at_the_border_stays_only_where_the_input_has_strokes():
    task = {"inputs": ["sketch"], "target": "photo", "size": 64}
    systems = [make_system(task=task, greyscale=False, edge_shadows=on) for on in (False, True)]
    sketch = torch.ones(2, 1, 64, 64)
    sketch[:, :, :, 30:33] = -1.0
    for system in systems:
        system.networks.eval()
    with torch.no_grad():
        before, after = (system.generate({"sketch": sketch}) for system in systems)
    assert (after >= before).all()
    assert (after > before).any()
    assert torch.equal(before[:, :, :, 28:35], after[:, :, :, 28:35])
    assert torch.equal(before[:, :, 3:-3, 3:-3], after[:, :, 3:-3, 3:-3])
