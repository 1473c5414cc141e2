"""pix2pixHD: both losses, gradient norms and starting weights (docs/papers.md, pix2pixHD)."""

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
SIZE = 64


def make_system(width: int = 2) -> Pix2PixHD:
    torch.manual_seed(0)
    model = copy.deepcopy(PARAMS["systems"]["pix2pixhd"])
    model["task"] |= {"size": SIZE}
    model["network"] |= {"width": width, "blocks": 1, "discriminator_width": width}
    return build(model, {"contour": 1, "photo": 3})


def make_batch() -> dict[str, Tensor]:
    source = torch.Generator().manual_seed(0)
    contour, photo = (
        2 * torch.rand(2, channels, SIZE, SIZE, generator=source) - 1 for channels in (1, 3)
    )
    return {"contour": contour, "photo": photo}


def test_losses_and_gradient_norms_against_the_formulas():
    system, batch = make_system(), make_batch()
    generator, discriminator = system.networks["generator"], system.networks["discriminator"]
    perceptual = system.frozen["perceptual"]
    losses: dict[str, Tensor] = {}

    def update(name: str, loss: Tensor) -> Tensor:
        losses[name] = loss.detach()
        system.networks.zero_grad()
        loss.backward(inputs=list(system.networks[name].parameters()))
        return loss.detach()

    calls: list[int] = []
    handle = generator.register_forward_hook(lambda *_: calls.append(1))
    torch.manual_seed(1)
    terms = system.training_step(batch, Clock(0, 12, 0), update)
    handle.remove()
    assert len(calls) == 1  # both networks learn from the same fakes

    torch.manual_seed(1)
    contour, photo = batch["contour"].expand(-1, 3, -1, -1), batch["photo"]
    fake = generator(contour)
    real_maps, fake_maps = (
        discriminator(torch.cat([contour, picture], 1)) for picture in (photo, fake)
    )
    assert len(real_maps) == 3
    adversarial = sum(((maps[-1] - 1) ** 2).mean() for maps in fake_maps)
    matching = sum(
        (r.detach() - f).abs().mean()
        for reals, fakes in zip(real_maps, fake_maps, strict=True)
        for r, f in zip(reals[:-1], fakes[:-1], strict=True)
    )
    distance = perceptual(fake, photo)
    total = adversarial + 10 * matching / 3 + 10 * distance
    torch.testing.assert_close(terms["adversarial"], adversarial.detach())
    torch.testing.assert_close(terms["feature_matching"], matching.detach() / 3)
    torch.testing.assert_close(terms["perceptual"], distance.detach())
    torch.testing.assert_close(losses["generator"], total.detach())
    least_squares = sum(
        ((r[-1] - 1) ** 2).mean() + (f[-1] ** 2).mean()
        for r, f in zip(real_maps, fake_maps, strict=True)
    )
    torch.testing.assert_close(losses["discriminator"], 0.5 * least_squares.detach())

    layers = ["0.0.1", "1.0", "2.0", "3.0", "4.0"]  # the first layer pads before it convolves
    weights = [generator.front.get_submodule(layer).weight for layer in layers]
    gradients = torch.autograd.grad(total, weights)
    for level, gradient in enumerate(gradients):
        norm = gradient.square().sum().sqrt()
        assert norm > 0
        torch.testing.assert_close(terms[f"grad_L{level}"], norm, rtol=1e-3, atol=1e-6)


def test_neither_network_learns_from_the_loss_of_the_other():
    system, batch = make_system(), make_batch()
    reached: dict[str, set[str]] = {}

    def update(name: str, loss: Tensor) -> Tensor:
        system.networks.zero_grad()
        loss.backward(retain_graph=True)
        reached[name] = {
            part
            for part, network in system.networks.items()
            if any(p.grad is not None for p in network.parameters())
        }
        return loss.detach()

    system.training_step(batch, Clock(0, 12, 0), update)
    assert reached["discriminator"] == {"discriminator"}  # fakes are detached
    assert "generator" in reached["generator"]


def test_convolutions_start_from_a_normal_distribution():
    system = make_system(width=16)
    large = [
        layer.weight.detach()
        for layer in system.networks.modules()
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.weight.numel() >= 4000
    ]
    assert len(large) > 10
    for weight in large:
        assert float(weight.std()) == pytest.approx(0.02, rel=0.05)
        assert abs(float(weight.mean())) < 0.002
