"""pix2pixHD: losses, fakes used twice, starting weights, gradients of the first layers."""

import copy
from pathlib import Path

import pytest
import torch
import yaml
from torch import Tensor, nn

from sketchface_models.systems.base import Clock
from sketchface_models.systems.pix2pixhd import Pix2PixHD
from sketchface_models.systems.registry import build

PARAMS = yaml.safe_load((Path(__file__).resolve().parents[3] / "params.yaml").read_text("utf-8"))
CHANNELS = {"contour": 1, "photo": 3}
SIZE = 64


def make_system(**loss: object) -> Pix2PixHD:
    torch.manual_seed(0)
    model = copy.deepcopy(PARAMS["systems"]["pix2pixhd"])
    model["task"] |= {"size": SIZE}
    model["network"] |= {"width": 4, "blocks": 1, "discriminator_width": 4}
    model["loss"] |= loss
    return build(model, CHANNELS)


def make_batch(faces: int = 2) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(0)
    shape = (faces, 1, SIZE, SIZE)
    return {
        "contour": 1 - 2 * (torch.rand(shape, generator=draw) < 0.1).float(),
        "photo": 2 * torch.rand(faces, 3, SIZE, SIZE, generator=draw) - 1,
    }


def learn(system: Pix2PixHD, batch: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict]:
    """One step without optimizers: what it returns, and each network's loss."""
    losses: dict[str, Tensor] = {}

    def update(name: str, loss: Tensor) -> Tensor:
        loss.backward(inputs=list(system.networks[name].parameters()))
        losses[name] = loss.detach()
        return loss.detach()

    torch.manual_seed(1)  # the perceptual loss shifts its pictures at random
    return system.training_step(batch, Clock(0, 12, 0), update), losses


def test_losses_against_the_formulas() -> None:
    system, batch = make_system(), make_batch()
    perceptual = system.frozen["perceptual"]
    terms, losses = learn(system, batch)
    torch.manual_seed(1)
    with torch.no_grad():
        contour, photo = batch["contour"].expand(-1, 3, -1, -1), batch["photo"]
        fake = system.networks["generator"](contour)
        real_maps, fake_maps = (
            system.networks["discriminator"](torch.cat([contour, picture], 1))
            for picture in (photo, fake)
        )
        distance = perceptual(fake, photo)
    assert len(real_maps) == 3
    adversarial = sum(((maps[-1] - 1) ** 2).mean() for maps in fake_maps)
    matching = sum(
        (r - f).abs().mean()
        for rs, fs in zip(real_maps, fake_maps, strict=True)
        for r, f in zip(rs[:-1], fs[:-1], strict=True)
    )
    torch.testing.assert_close(terms["adversarial"], adversarial)
    torch.testing.assert_close(terms["feature_matching"], matching / 3)
    torch.testing.assert_close(terms["perceptual"], distance)
    total = adversarial + 10 * matching / 3 + 10 * distance
    torch.testing.assert_close(losses["generator"], total)
    halves = sum(
        ((r[-1] - 1) ** 2).mean() + (f[-1] ** 2).mean()
        for r, f in zip(real_maps, fake_maps, strict=True)
    )
    torch.testing.assert_close(losses["discriminator"], halves / 2)


def test_one_fake_serves_both_networks_and_each_loss_reaches_its_own_alone() -> None:
    system, batch = make_system(perceptual="none"), make_batch()
    calls: list[Tensor] = []
    system.networks["generator"].register_forward_hook(
        lambda _network, _inputs, fake: calls.append(fake)
    )
    reached: dict[str, set[str]] = {}

    def update(name: str, loss: Tensor) -> Tensor:
        system.networks.zero_grad()
        loss.backward(retain_graph=True)
        reached[name] = {
            part
            for part, network in system.networks.items()
            if any(p.grad is not None and p.grad.any() for p in network.parameters())
        }
        return loss.detach()

    system.training_step(batch, Clock(0, 12, 0), update)
    assert len(calls) == 1
    assert reached["discriminator"] == {"discriminator"}
    assert "generator" in reached["generator"]


def test_weights_start_from_a_normal_distribution_of_a_fiftieth() -> None:
    for network in make_system().networks.values():
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.weight.numel() >= 1000:
                assert float(layer.weight.detach().mean()) == pytest.approx(0, abs=0.003)
                assert float(layer.weight.detach().std()) == pytest.approx(0.02, rel=0.1)


def test_a_step_notes_the_gradients_of_the_first_five_layers() -> None:
    system = make_system(perceptual="none")
    terms, _ = learn(system, make_batch())
    convolutions = [
        layer for layer in system.networks["generator"].modules() if isinstance(layer, nn.Conv2d)
    ][:5]
    for level, convolution in enumerate(convolutions):
        norm = convolution.weight.grad.square().sum().sqrt()
        assert norm > 0
        torch.testing.assert_close(terms[f"grad_L{level}"], norm)
