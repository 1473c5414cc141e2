"""CycleGAN: losses, both directions, pools (docs/papers.md, CycleGAN)."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cyclegan_settings import SIZE, small_model, small_run
from loss_gradients import gradient_shares
from photo_sketch_batches import no_update, noise_batch
from torch import Tensor

from sketchface_models.config import load
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import without_training_networks
from sketchface_models.pixels import as_grey
from sketchface_models.systems.base import Clock, Output
from sketchface_models.systems.cyclegan import CycleGAN, CycleGANSettings
from sketchface_models.systems.registry import build
from sketchface_models.training.log import Lines
from sketchface_models.training.run import train

CHANNELS = {"photo": 3, "sketch": 1}
CLOCK = Clock(0, 12, 0)
GENERATORS, DISCRIMINATORS = {"generator", "inverse"}, {"discriminator", "inverse_discriminator"}


def make_system(**changes: dict[str, object]) -> CycleGAN:
    torch.manual_seed(0)
    return build(small_model(**changes), CHANNELS)


def make_batch(faces: int = 2, seed: int = 0) -> dict[str, Tensor]:
    return noise_batch(SIZE, faces, seed)


def logits(system: CycleGAN, name: str, picture: Tensor) -> Tensor:
    ((*_, last),) = system.networks[name](picture)
    return last


@pytest.mark.parametrize("identity", [0.0, 5.0])
def test_losses_against_the_formulas(identity: float):
    system, batch = make_system(loss={"identity": identity}), make_batch()
    terms = system.training_step(batch, CLOCK, no_update)
    x, y = batch["photo"], batch["sketch"].repeat(1, 3, 1, 1)
    generator, inverse = system.networks["generator"], system.networks["inverse"]
    with torch.no_grad():
        fake_y, fake_x = generator(x), inverse(y)
        expected = {
            "adversarial_sketch": (logits(system, "discriminator", fake_y) - 1).square().mean(),
            "adversarial_photo": (
                (logits(system, "inverse_discriminator", fake_x) - 1).square().mean()
            ),
            "cycle_photo": (inverse(fake_y) - x).abs().mean(),
            "cycle_sketch": (generator(fake_x) - y).abs().mean(),
        }
        total = expected["adversarial_sketch"] + expected["adversarial_photo"]
        total = total + 10 * (expected["cycle_photo"] + expected["cycle_sketch"])
        if identity:
            expected["identity_sketch"] = (generator(y) - y).abs().mean()
            expected["identity_photo"] = (inverse(x) - x).abs().mean()
            total = total + 5 * (expected["identity_sketch"] + expected["identity_photo"])
        # The pools fill, so that the discriminators see these very fakes.
        for name, field, real, fake in (
            ("discriminator", "sketch", y, fake_y),
            ("inverse_discriminator", "photo", x, fake_x),
        ):
            expected[f"discriminator_{field}"] = (
                logits(system, name, real) - 1
            ).square().mean() + logits(system, name, fake).square().mean()
    halved = 0.5 * (expected["discriminator_sketch"] + expected["discriminator_photo"])
    expected |= {"generator": total, "discriminator": halved}
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("identity", "passes"), [(0.0, 2), (5.0, 3)])
def test_each_generator_runs_no_more_often_than_its_loss_asks(identity: float, passes: int):
    system = make_system(loss={"identity": identity})
    calls = dict.fromkeys(GENERATORS, 0)

    def count(name: str) -> Callable[..., None]:
        def hook(*_: object) -> None:
            calls[name] += 1

        return hook

    for name in GENERATORS:
        system.networks[name].register_forward_hook(count(name))
    system.training_step(make_batch(), CLOCK, no_update)
    assert calls == dict.fromkeys(GENERATORS, passes)


def test_no_term_asks_which_sketch_belongs_to_which_photo():
    batch = make_batch(3)
    other = batch | {"sketch": batch["sketch"].roll(1, dims=0)}
    terms, others = (make_system().training_step(b, CLOCK, no_update) for b in (batch, other))
    for name, term in terms.items():
        torch.testing.assert_close(others[name], term)


def test_each_loss_depends_on_the_networks_that_are_updated_by_it():
    shares = gradient_shares(make_system(), make_batch(), CLOCK)
    reached = {
        optimizer: {name for name, share in of_networks.items() if share == 1}
        for optimizer, of_networks in shares.items()
    }
    assert reached["discriminator"] == DISCRIMINATORS
    assert reached["generator"] >= {"generator", "inverse"}


def test_one_optimizer_moves_both_generators_and_one_both_discriminators():
    system = make_system()
    optimizers = system.optimizers()
    for kind, names in (("generator", GENERATORS), ("discriminator", DISCRIMINATORS)):
        groups = optimizers[kind].param_groups
        owned = [id(p) for group in groups for p in group["params"]]
        assert len(owned) == len(set(owned))
        assert set(owned) == {id(p) for name in names for p in system.networks[name].parameters()}
        assert {(group["lr"], group["betas"]) for group in groups} == {(2e-4, (0.5, 0.999))}


def test_discriminators_see_fakes_of_earlier_steps_once_the_pools_are_full():
    system = make_system(loss={"pool": 2})
    batches: list[Tensor] = []
    system.networks["discriminator"].register_forward_hook(
        lambda _, pictures, __: batches.append(pictures[0].detach())
    )
    fakes = []
    for step in range(8):
        batches.clear()
        torch.manual_seed(step)
        system.training_step(make_batch(seed=step), CLOCK, no_update)
        newest, _, from_pool = batches  # fake for the generators, real, fake for itself
        fakes.append(newest)
        earlier = torch.cat(fakes)
        assert all((picture == earlier).flatten(1).all(1).any() for picture in from_pool)
        if step == 0:
            assert torch.equal(from_pool, newest)
    assert not torch.equal(from_pool, newest)


def test_weights_start_as_published():
    network = {"width": 16, "blocks": 2, "discriminator_width": 16}
    for each in make_system(network=network).networks.values():
        weights = torch.cat([p.detach().flatten() for p in each.parameters() if p.dim() == 4])
        assert float(weights.std()) == pytest.approx(0.02, rel=0.02)
        assert float(weights.mean()) == pytest.approx(0, abs=1e-3)
        assert all(not p.any() for p in each.parameters() if p.dim() == 1)


def test_each_picture_is_made_of_the_other_and_has_its_channels():
    system, batch = make_system(), make_batch()
    assert system.outputs == {"sketch": Output("sketch"), "photo": Output("photo")}
    with torch.no_grad():
        both = system.generate_all(batch)
        assert list(both) == ["sketch", "photo"]
        assert torch.equal(system.generate({"photo": batch["photo"]}), both["sketch"])
        assert torch.equal(both["sketch"], as_grey(system.networks["generator"](batch["photo"])))
        sketches = batch["sketch"].repeat(1, 3, 1, 1)
        torch.testing.assert_close(both["photo"], system.networks["inverse"](sketches))
    assert both["sketch"].shape == batch["sketch"].shape
    assert both["photo"].shape == batch["photo"].shape


def test_both_generators_are_what_is_used_after_training():
    system = without_training_networks(make_system())
    assert set(system.networks) == GENERATORS
    assert set(system.generate_all(make_batch())) == {"sketch", "photo"}


def test_the_way_back_can_be_the_task():
    system = build(small_model(task={"inputs": ["sketch"], "target": "photo"}), CHANNELS)
    batch = make_batch()
    assert list(system.outputs) == ["photo", "sketch"]
    assert system.generate({"sketch": batch["sketch"]}).shape == batch["photo"].shape
    terms = system.training_step(batch, CLOCK, no_update)
    assert all(term.isfinite() and not term.requires_grad for term in terms.values())


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"task": {"size": 66}}, r"task\.size: 66; allowed: a multiple of 4, 32 or more"),
        ({"task": {"unpaired": False}}, r"task\.unpaired: false; allowed: true"),
        ({"task": {"sizes": {"sketch": 32}}}, r"task\.sizes: .*; allowed: none"),
        ({"task": {"inputs": ["photo", "contour"]}}, "allowed: one picture each"),
        ({"task": {"inputs": ["parsing"]}}, "allowed: one picture each, not parsing"),
        ({"task": {"target": "depth"}}, "allowed: one picture each, not parsing"),
        ({"loss": {"identity": -1.0}}, r"loss\.identity: -1\.0; allowed: a number >= 0"),
        ({"loss": {"pool": -1}}, r"loss\.pool: -1; allowed: a whole number >= 0"),
        ({"network": {"blocks": 0}}, r"network\.blocks: 0; allowed: a whole number >= 1"),
    ],
)
def test_impossible_settings_are_refused_in_one_line(changes: dict, line: str):
    with pytest.raises(SketchFaceError, match=line) as refused:
        load(CycleGANSettings, small_model(**changes))
    assert "\n" not in str(refused.value)


class Interrupted(Exception):
    """The power went."""


def resumed_as_a_whole(folder: Path, pack: Path) -> None:
    """Assert that a broken training ends with the bytes of a whole one."""

    def interrupt(lines: Lines) -> None:
        if lines[-1][0] >= 11:
            raise Interrupted

    whole, broken = folder / "whole", folder / "broken"
    train(small_run(), pack, whole, folder / "store")
    with pytest.raises(Interrupted):
        train(small_run(), pack, broken, folder / "store", (interrupt,))
    torch.manual_seed(99)
    train(small_run(), pack, broken, folder / "store")
    assert json.loads((broken / "logs" / "run.json").read_text())["resumed_at"] == 7
    for file in ("weights/model.safetensors", "weights/best.safetensors", "logs/steps.jsonl"):
        assert (broken / file).read_bytes() == (whole / file).read_bytes()


def test_a_training_resumes_exactly_pools_included(tmp_path: Path, unpaired_pack: Path):
    resumed_as_a_whole(tmp_path, unpaired_pack)


def test_a_lost_pool_would_be_noticed(
    tmp_path: Path, unpaired_pack: Path, monkeypatch: pytest.MonkeyPatch
):
    """The test above can fail: without the pools a resumed training ends elsewhere."""
    monkeypatch.setattr(CycleGAN, "state_dict", lambda self: {})
    with pytest.raises(AssertionError):
        resumed_as_a_whole(tmp_path, unpaired_pack)
