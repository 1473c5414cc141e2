"""Sketch2face and its pre-training: losses, regimes, codes (docs/papers.md, Sketch2face)."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn

from sketchface_models.config import load
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems.base import Clock, System
from sketchface_models.systems.critics import noise_for
from sketchface_models.systems.registry import build, system_class
from sketchface_models.systems.schedules import cosine_ramp

PARAMS = yaml.safe_load((Path(__file__).resolve().parents[3] / "params.yaml").read_text("utf-8"))
CHANNELS = {"photo": 3, "doodle": 1}
STEPS = 100
LAST = Clock(STEPS - 1, STEPS, 0)


def small_config(run: str, **changes: Any) -> dict[str, Any]:
    config = copy.deepcopy(PARAMS["systems"][run])
    config["network"] |= {"width": 4, "latent": 6} | changes.get("network", {})
    config["loss"] |= changes.get("loss", {})
    config["schedule"] |= {"steps": STEPS, "batch": 4} | changes.get("schedule", {})
    return config


def make_system(run: str, **changes: Any) -> Any:
    torch.manual_seed(0)
    return build(small_config(run, **changes), CHANNELS)


def make_batch(faces: int = 4) -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {
        "photo": torch.rand(faces, 3, 64, 64) * 2 - 1,
        "doodle": torch.rand(faces, 1, 32, 32) * 2 - 1,
    }


def run_step(system: System, batch: dict[str, Tensor], clock: Clock) -> dict[str, Tensor]:
    """One training step with real optimizers."""
    optimizers = system.optimizers()

    def update(name: str, loss: Tensor) -> Tensor:
        learners = [p for group in optimizers[name].param_groups for p in group["params"]]
        optimizers[name].zero_grad()
        loss.backward(inputs=learners)
        optimizers[name].step()
        return loss.detach()

    torch.manual_seed(2)
    return system.training_step(batch, clock, update)


def sampled(code: Tensor) -> Tensor:
    """Mean + deviation x noise, of mean and log variance."""
    mean, log_variance = code.chunk(2, dim=1)
    return mean + (log_variance / 2).exp() * torch.randn(mean.shape)


def divergence(code: Tensor) -> Tensor:
    mean, log_variance = code.chunk(2, dim=1)
    return ((mean**2 + log_variance.exp() - 1 - log_variance) / 2).mean()


def penalty_of(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Of a norm for each picture, at random points between real and fake."""
    mix = torch.rand(len(real), 1, 1, 1)
    between = (mix * real + (1 - mix) * fake).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between)
    return ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()


def minimised(system: System, batch: dict[str, Tensor], clock: Clock) -> tuple[dict, dict]:
    """What a step returns, and what each optimizer minimises; nothing is learned."""
    losses: dict[str, Tensor] = {}

    def update(name: str, loss: Tensor) -> Tensor:
        losses[name] = loss.detach()
        return loss.detach()

    torch.manual_seed(2)
    return system.training_step(batch, clock, update), losses


def assert_terms(terms: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value.detach(), rtol=1e-4, atol=1e-5, msg=name)


def test_losses_of_the_cycle_against_the_formulas():
    system, batch = make_system("sketch2face"), make_batch()
    terms, losses = minimised(system, batch, LAST)
    networks, others = system.networks, {"photo": "doodle", "doodle": "photo"}

    def translated(picture: Tensor, field: str) -> tuple[Tensor, Tensor]:
        code = networks[f"to_{field}"](networks[f"{others[field]}_encoder"](picture))
        return code, networks[f"{field}_decoder"](sampled(code))

    # What follows repeats the step's random numbers: two codes, two mixtures, two codes.
    torch.manual_seed(2)
    codes, fakes, expected = {}, {}, {}
    for field, source in others.items():
        codes[source], fakes[field] = translated(batch[source], field)
    for field, fake in fakes.items():
        critic = networks[f"{field}_critic"]
        expected[f"margin_{field}"] = critic(batch[field]).mean() - critic(fake).mean()
        expected[f"penalty_{field}"] = penalty_of(critic, batch[field], fake)
        expected[f"adversarial_{field}"] = -critic(fake).mean()
        expected[f"kl_{field}"] = divergence(codes[field])
    for field, source in others.items():
        cycled = translated(fakes[source], field)[1]
        expected[f"cycle_{field}"] = (cycled - batch[field]).abs().mean()
    assert_terms(terms, expected)
    critics = sum(10 * expected[f"penalty_{f}"] - expected[f"margin_{f}"] for f in CHANNELS)
    translators = sum(
        500 * expected[f"cycle_{f}"] + expected[f"adversarial_{f}"] + 500 * expected[f"kl_{f}"]
        for f in CHANNELS
    )
    torch.testing.assert_close(losses["critic"], critics.detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(losses["generator"], translators.detach(), rtol=1e-4, atol=1e-3)


def test_the_released_runs_are_set_as_their_code():
    """Codes bounded, a norm for each pixel, weights of 5000, in the model and its two parts."""
    systems = PARAMS["systems"]
    parts = {name: f"vae-wgan-{name}-released" for name in CHANNELS}
    for run in ("sketch2face-released", *parts.values()):
        network, loss = systems[run]["network"], systems[run]["loss"]
        assert not network["free_mean"]
        assert not network["free_deviation"]
        assert network["sampled_at_test"]
        assert loss["penalty_per"] == "pixel"
        assert (loss["reconstruction"], loss["kl"], loss["penalty"]) == (5000, 5000, 10)
        assert loss["drift"] == 0
    sources = systems["sketch2face-released"]["pretrain"]
    assert sources == {
        f"{field}_{part}": f"{run}:{part}"
        for field, run in parts.items()
        for part in ("encoder", "decoder", "critic")
    }


def test_latent_layers_of_the_released_code_have_the_librarys_betas():
    optimizers = make_system("sketch2face-released").optimizers()
    betas = {name: optimizer.param_groups[0]["betas"] for name, optimizer in optimizers.items()}
    assert betas == {"generator": (0.9, 0.999), "critic": (0.5, 0.999)}
    paper = make_system("sketch2face").optimizers()
    assert {each.param_groups[0]["betas"] for each in paper.values()} == {(0.5, 0.999)}


@pytest.mark.parametrize(("run", "learners"), [("sketch2face", "to_"), ("sketch2face-whole", "")])
def test_what_learns_in_each_regime(run: str, learners: str):
    system, batch = make_system(run, schedule={"critic_steps": 1}), make_batch()
    before = {name: weight.clone() for name, weight in system.networks.named_parameters()}
    run_step(system, batch, LAST)
    changed = {
        name.split(".")[0]
        for name, weight in system.networks.named_parameters()
        if not torch.equal(weight, before[name])
    }
    assert changed == {
        name for name in system.networks if name.endswith("critic") or name.startswith(learners)
    }


@pytest.mark.parametrize("run", ["sketch2face-scratch", "vae-wgan-photo", "wgan-gp-photo"])
def test_the_generator_learns_at_every_fifth_step(run: str):
    system, batch = make_system(run, schedule={"critic_steps": 5}), make_batch()
    names = [
        {"generator"} & run_step(system, batch, Clock(step, STEPS, 0)).keys() for step in range(10)
    ]
    assert [bool(each) for each in names] == [step % 5 == 4 for step in range(10)]
    assert [clock.step % 5 for clock in system.cycle] == [0, 1, 2, 3, 4]


def test_losses_of_the_autoencoder_against_the_formulas():
    system = make_system("vae-wgan-photo", loss={"kl_delay": 0.5, "kl_slope": 0.8, "drift": 2.0})
    real, networks = make_batch()["photo"], system.networks
    terms, losses = minimised(system, make_batch(), Clock(74, STEPS, 0))
    torch.manual_seed(2)
    code = networks["encoder"](real)
    fake = networks["decoder"](sampled(code))
    of_real, of_fake = networks["critic"](real).mean(), networks["critic"](fake).mean()
    expected = {
        "reconstruction": (fake - real).abs().mean(),
        "adversarial": -of_fake,
        "kl": divergence(code),
        "margin": of_real - of_fake,
        "penalty": penalty_of(networks["critic"], real, fake),
    }
    assert_terms(terms, expected)
    weight = 500 * cosine_ramp(74, 50, 80)
    assert 0 < weight < 500
    total = 500 * expected["reconstruction"] - of_fake + weight * expected["kl"]
    torch.testing.assert_close(losses["generator"], total.detach(), rtol=1e-4, atol=1e-3)
    critic = of_fake - of_real + 10 * expected["penalty"] + 2 * ((of_real + of_fake) / 2).abs()
    torch.testing.assert_close(losses["critic"], critic.detach(), rtol=1e-4, atol=1e-5)


def test_the_critic_s_mean_counts_where_asked():
    batch = make_batch()
    plain, drifting = (
        run_step(make_system("vae-wgan-photo", loss={"drift": drift}), batch, LAST)
        for drift in (0.0, 2.0)
    )
    assert drifting["critic"] > plain["critic"]
    torch.testing.assert_close(drifting["margin"], plain["margin"])


@pytest.mark.parametrize(
    "run", ["sketch2face", "sketch2face-released", "vae-wgan-doodle-released", "dcgan-photo"]
)
def test_a_face_s_picture_does_not_depend_on_its_batch(run: str):
    system, batch = make_system(run), make_batch()
    system.networks.eval()
    with torch.no_grad():
        whole = system.generate(batch)
        alone = system.generate({name: field[2:3] for name, field in batch.items()})
    torch.testing.assert_close(whole[2:3], alone, rtol=1e-4, atol=1e-4)
    assert not torch.equal(whole[0], whole[1])


def test_samples_follow_their_generator_and_both_directions_have_them():
    system, batch = make_system("sketch2face"), make_batch()
    system.networks.eval()
    first, again, other = (
        system.sample(batch, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)
    )
    assert list(first) == ["photo", "doodle"]
    for field, picture in first.items():
        assert picture.shape == batch[field].shape
        assert torch.equal(picture, again[field])
        assert not torch.equal(picture, other[field])
    doodles_alone = {"doodle": batch["doodle"]}
    assert list(system.sample(doodles_alone, torch.Generator().manual_seed(3))) == ["photo"]


def test_noise_of_a_picture_is_standard_normal():
    noise = noise_for(torch.rand(64, 1, 8, 8), 64)
    assert noise.mean().item() == pytest.approx(0, abs=0.05)
    assert noise.std().item() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("run", "task", "line"),
    [
        ("sketch2face", {"unpaired": False}, "task.unpaired: false"),
        ("sketch2face", {"size": 48}, "a power of two, 16 or more"),
        ("sketch2face", {"inputs": ["depth"], "sizes": {}}, "'depth'; allowed: pictures"),
        ("vae-wgan-photo", {"inputs": ["doodle"]}, "allowed: one picture as both"),
        ("wgan-gp-photo", {"inputs": ["doodle"]}, "allowed: one picture as both"),
    ],
)
def test_wrong_tasks_are_refused_in_one_line(run: str, task: dict[str, Any], line: str):
    config = small_config(run)
    config["task"] |= task
    with pytest.raises(SketchFaceError, match=line):
        load(system_class(config["system"]).Settings, config)


def test_latent_layers_that_alone_learn_must_exist():
    with pytest.raises(SketchFaceError, match="latent_layers: 0"):
        build(small_config("sketch2face", network={"latent_layers": 0}), CHANNELS)
