"""DCGAN and WGAN-GP from noise: each network's loss by its formula."""

import copy
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
import yaml
from torch import Tensor

from sketchface_models.systems.base import Clock
from sketchface_models.systems.registry import build

PARAMS = yaml.safe_load((Path(__file__).resolve().parents[3] / "params.yaml").read_text("utf-8"))
FACES, LATENT = 4, 6
CLOCK = Clock(0, 10, 0)


def make_system(run: str) -> Any:
    torch.manual_seed(0)
    model = copy.deepcopy(PARAMS["systems"][run])
    model["network"] |= {"width": 4, "latent": LATENT}
    model["schedule"] |= {"critic_steps": 1}
    return build(model, {"photo": 3, "doodle": 1})


def photos() -> Tensor:
    torch.manual_seed(1)
    return 2 * torch.rand(FACES, 3, 64, 64) - 1


def losses_of(system: Any, real: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What each network minimises in one step, and what the step returns; nothing is learned."""
    losses: dict[str, Tensor] = {}

    def update(name: str, loss: Tensor) -> Tensor:
        losses[name] = loss.detach()
        return loss.detach()

    torch.manual_seed(2)
    return losses, system.training_step({"photo": real}, CLOCK, update)


def test_dcgan_learns_to_tell_real_from_fake_and_to_be_taken_for_real() -> None:
    """Cross-entropy, a sum over real and fake, and the generator's that does not saturate."""
    system, real = make_system("dcgan-photo"), photos()
    losses, _ = losses_of(system, real)
    torch.manual_seed(2)
    with torch.no_grad():
        fake = system.networks["decoder"](torch.randn(FACES, LATENT))
        of_real, of_fake = (system.networks["critic"](pictures) for pictures in (real, fake))
    expected = -F.logsigmoid(of_real).mean() - F.logsigmoid(-of_fake).mean()
    torch.testing.assert_close(losses["critic"], expected)
    torch.testing.assert_close(losses["generator"], -F.logsigmoid(of_fake).mean())


def test_wgan_gp_s_critic_pays_for_gradients_whose_norm_is_not_one() -> None:
    """Gulrajani et al. 2017, Eq. 3, with the penalty's weight of 10, a norm for each picture."""
    system, real = make_system("wgan-gp-photo"), photos()
    losses, terms = losses_of(system, real)
    critic = system.networks["critic"]
    torch.manual_seed(2)
    with torch.no_grad():
        fake = system.networks["decoder"](torch.randn(FACES, LATENT))
    mix = torch.rand(FACES, 1, 1, 1)
    between = (mix * real + (1 - mix) * fake).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between)
    penalty = ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()
    with torch.no_grad():
        of_real, of_fake = critic(real).mean(), critic(fake).mean()
    assert penalty > 0.01
    torch.testing.assert_close(terms["penalty"], penalty, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(terms["margin"], of_real - of_fake, rtol=1e-4, atol=1e-5)
    total = of_fake - of_real + 10 * penalty
    torch.testing.assert_close(losses["critic"], total, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(losses["generator"], -of_fake, rtol=1e-4, atol=1e-5)
