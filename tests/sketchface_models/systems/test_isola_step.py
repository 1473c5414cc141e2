"""pix2pix as its paper has it: losses, what is generated, training (docs/papers.md, pix2pix)."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from generated_as_in_training import check_generated_by_the_picture
from loss_gradients import gradient_shares
from made_packs import write_pack
from photo_sketch_batches import no_update, noise_batch
from torch import Tensor, nn

from sketchface_models.config import load
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import load_trained
from sketchface_models.pixels import as_grey
from sketchface_models.systems.base import Clock
from sketchface_models.systems.isola import Isola, IsolaSettings
from sketchface_models.systems.registry import build
from sketchface_models.training.run import train

PARAMS = yaml.safe_load((Path(__file__).resolve().parents[3] / "params.yaml").read_text("utf-8"))
RUNS = ("pix2pix-photo", "pix2pix-photo-transposed")
CHANNELS = {"photo": 3, "sketch": 1, "parsing": 1}
CLOCK = Clock(0, 12, 0)
SIZE = 64


def small_model(run: str = RUNS[0], **changes: dict[str, object]) -> dict[str, Any]:
    """A run of the committed parameters, narrow and short, with changed sections."""
    model: dict[str, Any] = copy.deepcopy(PARAMS["systems"][run])
    small: dict[str, dict[str, object]] = {
        "task": {"size": SIZE},
        "network": {"width": 4, "discriminator_width": 4},
        "schedule": {"steps": 12, "batch": 2, "ema_half_life": 8.0},
    }
    for sections in (small, changes):
        for section, values in sections.items():
            model[section] |= values
    return model


def make_system(run: str = RUNS[0], **changes: dict[str, object]) -> Isola:
    torch.manual_seed(0)
    return build(small_model(run, **changes), CHANNELS)


def make_batch(faces: int = 2, seed: int = 0) -> dict[str, Tensor]:
    return noise_batch(SIZE, faces, seed)


@pytest.mark.parametrize("l1", [100.0, 10.0])
def test_losses_against_the_formulas(l1: float):
    system, batch = make_system(network={"dropout": 0.0}, loss={"l1": l1}), make_batch()
    terms = system.training_step(batch, CLOCK, no_update)
    generator, discriminator = system.networks["generator"], system.networks["discriminator"]
    photo, real = batch["photo"], batch["sketch"].repeat(1, 3, 1, 1)
    with torch.no_grad():
        fake = generator(photo)
        of_real = torch.sigmoid(discriminator(torch.cat([photo, real], dim=1)).double())
        of_fake = torch.sigmoid(discriminator(torch.cat([photo, fake], dim=1)).double())
        adversarial, distance = -of_fake.log().mean(), (fake - real).abs().mean().double()
        expected = {
            "discriminator": 0.5 * (-of_real.log().mean() - (1 - of_fake).log().mean()),
            "adversarial": adversarial,
            "l1": distance,
            "generator": adversarial + l1 * distance,
        }
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(terms[name].double(), value, rtol=1e-5, atol=1e-6)


def test_the_discriminator_learns_first_and_both_learn_from_one_fake():
    system, calls, fakes = make_system(), [], []
    system.networks["generator"].register_forward_hook(lambda _, __, y: fakes.append(y))

    def note(name: str, loss: Tensor) -> Tensor:
        calls.append(name)
        return loss.detach()

    system.training_step(make_batch(), CLOCK, note)
    assert calls == ["discriminator", "generator"]
    assert len(fakes) == 1


def test_each_loss_depends_on_the_networks_that_are_updated_by_it():
    shares = gradient_shares(make_system(), make_batch(), CLOCK)
    reached = {
        optimizer: {name for name, share in of_networks.items() if share == 1}
        for optimizer, of_networks in shares.items()
    }
    assert reached["discriminator"] == {"discriminator"}
    assert reached["generator"] == {"generator", "discriminator"}


def test_logged_terms_hold_no_graph():
    terms = make_system().training_step(make_batch(), CLOCK, no_update)
    assert all(term.isfinite() and not term.requires_grad for term in terms.values())


def test_published_rates_and_start():
    schedule = {"lr_generator": 2e-4, "lr_discriminator": 2e-4}
    system = make_system(network={"width": 16, "discriminator_width": 16}, schedule=schedule)
    for name, optimizer in system.optimizers().items():
        (group,) = optimizer.param_groups
        assert (group["lr"], group["betas"]) == (2e-4, (0.5, 0.999))
        assert {id(p) for p in group["params"]} == {
            id(p) for p in system.networks[name].parameters()
        }
    rates = [system.rate("generator", Clock(step, 12, 0)) for step in (0, 6, 9)]
    assert rates == [1, 1, 0.5]
    for network in system.networks.values():
        weights = torch.cat([p.detach().flatten() for p in network.parameters() if p.dim() == 4])
        assert float(weights.std()) == pytest.approx(0.02, rel=0.02)


@pytest.mark.parametrize("run", RUNS)
def test_the_runs_differ_in_upsampling_alone(run: str):
    generator = make_system(run).networks["generator"]
    kinds = {type(each) for each in generator.up.modules()}
    assert (nn.ConvTranspose2d in kinds) == (run == RUNS[1])
    settings = [copy.deepcopy(PARAMS["systems"][each]) for each in RUNS]
    assert [each["network"].pop("upsampling") for each in settings] == ["resize", "transposed"]
    assert settings[0] == settings[1]


def test_a_generated_sketch_is_grey_and_the_same_each_time():
    system, batch = make_system(), make_batch()
    system.networks.eval()
    with torch.no_grad():
        sketch = system.generate({"photo": batch["photo"]})
        assert torch.equal(sketch, as_grey(system.networks["generator"](batch["photo"])))
        assert torch.equal(sketch, system.generate(batch))
    assert sketch.shape == batch["sketch"].shape


def test_other_tasks_a_parsing_map_and_a_photo_to_a_photo():
    task = {"inputs": ["parsing", "photo"], "target": "photo", "sees_target": True}
    system, batch = make_system(task=task), make_batch()
    batch["parsing"] = torch.zeros(2, 1, SIZE, SIZE)
    assert system.networks["generator"].down[0].in_channels == 19 + 3
    assert system.generate(batch).shape == batch["photo"].shape
    terms = system.training_step(batch, CLOCK, no_update)
    assert all(term.isfinite() for term in terms.values())


@pytest.mark.parametrize("switch", ["dropout_at_test", "batch_statistics"])
def test_pictures_can_be_generated_as_the_paper_does(switch: str):
    """By the picture: each comes out alike whatever stands beside it, and the same each time."""
    system, usual = make_system(network={switch: True}), make_system()
    for each in (system, usual):
        with torch.no_grad():
            for seed in range(20):  # running statistics of photos
                each.networks["generator"](make_batch(8, seed)["photo"])
        each.networks.eval()
    check_generated_by_the_picture(system, usual, make_batch(3)["photo"])


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"task": {"size": 80}}, r"task\.size: 80; allowed: a multiple of 32, 32 or more"),
        ({"task": {"inputs": ["photo", "style"]}}, r"task\.inputs: style; allowed: pictures alone"),
        (
            {"network": {"upsampling": "pixelshuffle"}},
            r"upsampling: 'pixelshuffle'; allowed: .*res",
        ),
        ({"network": {"discriminator_width": 0}}, r"discriminator_width: 0; allowed: a whole num"),
        ({"network": {"dropout": 1.0}}, r"network\.dropout: 1\.0; allowed: .*0\.95"),
        ({"loss": {"l1": -1.0}}, r"loss\.l1: -1\.0; allowed: a number >= 0"),
        ({"loss": {"adversarial": "wgan"}}, r"loss\.adversarial: 'wgan'; allowed: .*cross-entropy"),
    ],
)
def test_impossible_settings_are_refused_in_one_line(changes: dict, line: str):
    with pytest.raises(SketchFaceError, match=line) as refused:
        load(IsolaSettings, small_model(**changes))
    assert "\n" not in str(refused.value)


def small_run(steps: int, batch: int) -> dict[str, Any]:
    rates = {"lr_generator": 2e-3, "lr_discriminator": 2e-4}
    schedule = {"steps": steps, "batch": batch, "ema_half_life": 0.0} | rates
    engine = {"device": "cpu", "precision": "32-true", "validate_every": 1000, "best": "val_l1"}
    return {
        "run": RUNS[0],
        "seed": 0,
        "model": small_model(schedule=schedule),
        "engine": engine | {"checkpoint_every": 1000},
    }


def test_a_short_training_learns_one_picture_a_step_and_ends_the_same_twice(tmp_path: Path):
    pack = write_pack(tmp_path / "pack")
    for name in ("one", "two"):
        train(small_run(40, 1), pack, tmp_path / name, tmp_path / f"store-{name}")
    files = [tmp_path / name / "weights/model.safetensors" for name in ("one", "two")]
    assert files[0].read_bytes() == files[1].read_bytes()
    lines = (tmp_path / "one/logs/steps.jsonl").read_text().splitlines()
    l1 = [json.loads(line)["l1"] for line in lines]
    assert sum(l1[-10:]) < 0.7 * sum(l1[:10])
    system, card = load_trained(files[0].parent)
    assert card["steps"] == 40
    assert system.generate({"photo": torch.zeros(1, 3, SIZE, SIZE)}).shape == (1, 1, SIZE, SIZE)
