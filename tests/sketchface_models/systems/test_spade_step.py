"""SPADE: losses, codes, and which optimizer learns what (docs/papers.md, SPADE for faces)."""

import copy
import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import yaml
from torch import Tensor

from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import without_training_networks
from sketchface_models.labels import as_field
from sketchface_models.systems.base import Clock
from sketchface_models.systems.registry import build
from sketchface_models.systems.spade import SPADEFaces, divergence

PARAMS = yaml.safe_load((Path(__file__).resolve().parents[3] / "params.yaml").read_text("utf-8"))
CHANNELS = {"parsing": 1, "photo": 3}
SIZE = 64


def make_system(run: str = "spade", **network: object) -> SPADEFaces:
    torch.manual_seed(0)
    model = copy.deepcopy(PARAMS["systems"][run])
    model["task"] |= {"size": SIZE}
    model["coarse"] |= {"until": 0.0}  # every step at the full side
    model["network"] |= {"width": 2, "discriminator_width": 2} | network
    return build(model, CHANNELS)


def make_batch(faces: int = 2) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(0)
    labels = torch.randint(19, (faces, SIZE // 8, SIZE // 8), generator=draw)
    labels = labels.repeat_interleave(8, 1).repeat_interleave(8, 2)
    photo = 2 * torch.rand(faces, 3, SIZE, SIZE, generator=draw) - 1
    return {"parsing": as_field(labels), "photo": photo}


@pytest.mark.parametrize("run", ["spade", "spade-released"])
def test_losses_against_the_formulas(run: str):
    system, batch = make_system(run), make_batch()
    scales = system.settings.network.scales
    assert scales == {"spade": 3, "spade-released": 2}[run]
    system.networks.eval()  # spectral norms and batch norms stand still
    losses: dict[str, Tensor] = {}

    def update(name: str, loss: Tensor) -> Tensor:
        losses[name] = loss.detach()
        return loss.detach()

    perceptual = system.frozen["perceptual"]
    torch.manual_seed(1)
    terms = system.training_step(batch, Clock(0, 12, 0), update)
    torch.manual_seed(1)
    with torch.no_grad():
        codes, kld = [], torch.zeros(())
        if run == "spade":
            mean, log_variance = system.networks["encoder"](batch["photo"])
            codes = [mean + log_variance.exp().sqrt() * torch.randn(2, 256)]
            kld = (mean**2 + log_variance.exp() - 1 - log_variance).sum() / 2 / len(mean)
            torch.testing.assert_close(terms["divergence"], kld)
        labels = ((batch["parsing"] + 1) * 127.5).round().long()[:, 0]
        segmentation = F.one_hot(labels, 19).permute(0, 3, 1, 2).float()
        fake = system.networks["generator"](segmentation, codes)
        real_maps, fake_maps = (
            system.networks["discriminator"](torch.cat([segmentation, picture], 1))
            for picture in (batch["photo"], fake)
        )
        distance = perceptual(fake, batch["photo"])
    assert len(real_maps) == scales
    adversarial = -sum(maps[-1].mean() for maps in fake_maps) / scales
    torch.testing.assert_close(terms["adversarial"], adversarial)
    matching = sum(
        (r - f).abs().mean()
        for rs, fs in zip(real_maps, fake_maps, strict=True)
        for r, f in zip(rs[:-1], fs[:-1], strict=True)
    )
    torch.testing.assert_close(terms["feature_matching"], matching / scales)
    torch.testing.assert_close(terms["perceptual"], distance)
    total = adversarial + 10 * matching / scales + 10 * distance + 0.25 * kld
    torch.testing.assert_close(losses["generator"], total)
    hinge = sum(
        F.relu(1 - r[-1]).mean() + F.relu(1 + f[-1]).mean()
        for r, f in zip(real_maps, fake_maps, strict=True)
    )
    torch.testing.assert_close(losses["discriminator"], hinge / scales)


def test_weights_start_as_xaviers_with_a_gain_of_a_fiftieth():
    system = make_system(width=8, discriminator_width=8)
    for name in ("generator", "encoder", "discriminator"):
        for layer in system.networks[name].modules():
            if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
                parametrised = torch.nn.utils.parametrize.is_parametrized(layer)
                weight = (
                    layer.parametrizations.weight.original if parametrised else layer.weight
                ).detach()
                ways = (weight[0].numel() + weight[:, 0].numel()) / 2  # of fan-in and fan-out
                if weight.numel() >= 1000:
                    assert float(weight.std()) == pytest.approx(0.02 / ways**0.5, rel=0.15)
                assert layer.bias is None or not layer.bias.any()


def test_divergence_of_codes_from_the_normal_distribution():
    zero = torch.zeros(3, 256)
    assert divergence(zero, zero) == 0
    mean, log_variance = torch.full((2, 256), 0.5), torch.full((2, 256), math.log(2))
    each = 0.5 * (0.25 + 2 - 1 - math.log(2))
    assert float(divergence(mean, log_variance)) == pytest.approx(256 * each, rel=1e-5)
    one = divergence(mean[:1], log_variance[:1])
    assert float(one) == pytest.approx(256 * each, rel=1e-5)  # whatever the batch


def test_the_encoder_learns_with_the_generator_and_not_with_the_discriminator():
    system = make_system()
    optimizers = system.optimizers()
    owned = {
        name: {id(p) for group in each.param_groups for p in group["params"]}
        for name, each in optimizers.items()
    }
    parts = {
        name: {id(p) for p in network.parameters()} for name, network in system.networks.items()
    }
    assert owned == {
        "generator": parts["generator"] | parts["encoder"],
        "discriminator": parts["discriminator"],
    }
    assert all(
        group["betas"] == (0.0, 0.9) for o in optimizers.values() for group in o.param_groups
    )

    def update(name: str, loss: Tensor) -> Tensor:
        optimizers[name].zero_grad()
        loss.backward(inputs=[p for g in optimizers[name].param_groups for p in g["params"]])
        return loss.detach()

    terms = system.training_step(make_batch(), Clock(0, 12, 0), update)
    assert float(terms["divergence"]) >= 0
    for name in ("generator", "encoder"):
        gradients = [p.grad for p in system.networks[name].parameters()]
        assert any(g is not None and g.abs().sum() > 0 for g in gradients)


def test_pictures_are_made_from_the_map_alone_and_samples_from_codes_too():
    system, batch = make_system(), make_batch()
    system.networks.eval()
    with torch.no_grad():
        plain = system.generate({"parsing": batch["parsing"]})
        zero = torch.zeros(2, 256)
        assert torch.equal(plain, system.from_codes(batch, [zero]))
        first, again, other = (
            system.sample(batch, torch.Generator().manual_seed(seed))["photo"] for seed in (1, 1, 2)
        )
    assert plain.shape == (2, 3, SIZE, SIZE)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert make_system("spade-released").sample(batch, torch.Generator()) == {}


def test_what_generates_after_training_reads_styles_of_photos_if_training_did():
    batch = make_batch()
    for run, networks in (("spade", {"generator", "encoder"}), ("spade-released", {"generator"})):
        system = without_training_networks(make_system(run))
        assert set(system.networks) == networks
        with torch.no_grad():
            styled = system.in_style_of({"parsing": batch["parsing"]}, batch["photo"])
        assert (styled is None) == (run == "spade-released")


def test_with_mixing_there_are_two_codes():
    system, batch = make_system(mixing=True), make_batch()
    with torch.no_grad():
        assert system.style_of(batch["photo"]).shape == (2, 256)
        one, other = torch.randn(2, 2, 256)
        pictures = [system.from_codes(batch, pair) for pair in ([one, one], [one, other])]
    assert not torch.allclose(*pictures)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"network": {"encoder": False, "mixing": True}}, "mixing: true; allowed: false without"),
        ({"task": {"size": 48}}, "task.size: 48; allowed: a multiple of 32, 64 or more"),
        ({"task": {"inputs": ["parsing", "style"]}}, "task.inputs: style; allowed"),
    ],
)
def test_impossible_settings_are_refused(changes: dict, line: str):
    model = copy.deepcopy(PARAMS["systems"]["spade"])
    model["coarse"] |= {"until": 0.0}
    for section, values in changes.items():
        model[section] |= values
    with pytest.raises(SketchFaceError, match=line):
        build(model, CHANNELS | {"style": 3})
