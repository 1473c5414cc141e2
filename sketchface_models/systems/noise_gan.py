"""Pictures from noise alone: DCGAN and WGAN-GP, the baselines of Sketch2face's decoder.

Lüken-Winkels and Häcker 2020, section 2.2, after Radford et al. 2015 and Gulrajani et al. 2017;
docs/papers.md, Sketch2face.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Generator, Tensor, nn

from sketchface_models.config import at_least
from sketchface_models.losses.adversarial import ADVERSARIAL
from sketchface_models.networks.sketch2face import Critic, Decoder
from sketchface_models.systems.base import Batch, Clock, Update, lay_out
from sketchface_models.systems.critics import (
    CriticLoss,
    CriticSystem,
    OnePictureSettings,
    critic_terms,
    noise_for,
    shape_of,
    updates_generator,
)


@dataclass(frozen=True)
class Network:
    """Sizes of both networks."""

    width: Annotated[int, at_least(1)]
    """Channels of the first layer; 256 as published."""
    latent: Annotated[int, at_least(1)]
    """Size of a code; 256 as published."""


@dataclass(frozen=True, kw_only=True)
class Loss(CriticLoss):
    """Both networks' loss."""

    adversarial: Literal["wasserstein", "cross-entropy"]
    """wasserstein: WGAN-GP, a critic; cross-entropy: DCGAN, a discriminator with batch norm."""


@dataclass(frozen=True, kw_only=True)
class NoiseGANSettings(OnePictureSettings):
    """One run of this system."""

    system: Literal["noise-gan"]
    """The name in the registry of systems."""
    network: Network
    loss: Loss


class NoiseGAN(CriticSystem):
    """The system. It never reads its input; `task.inputs` only names what it is compared with.

    Args:
        settings: of the run.
        channels: field name -> channels in the pack.
    """

    description = (
        "A decoder paints pictures of random numbers, while a critic learns to tell them from true "
        "ones. Nothing is translated: it shows what the decoder can paint at all."
    )
    Settings = NoiseGANSettings
    ema = ("decoder",)
    compiled = ("decoder",)

    def __init__(self, settings: NoiseGANSettings, channels: dict[str, int]) -> None:
        self.settings = settings
        network, task = settings.network, settings.task
        shape = shape_of(task, task.target, channels, network.width)
        self.wasserstein = settings.loss.adversarial == "wasserstein"
        norm = "instance" if self.wasserstein else "batch"
        self.networks = nn.ModuleDict(
            {"decoder": Decoder(*shape, network.latent), "critic": Critic(*shape, norm)}
        )
        lay_out(self.networks)

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        """Update the critic, and at every `critic_steps`-th step the decoder."""
        decoder, critic, loss = (
            self.networks["decoder"],
            self.networks["critic"],
            self.settings.loss,
        )
        real = batch[self.settings.task.target]
        generator_step = updates_generator(clock, self.settings.schedule.critic_steps)
        codes = torch.randn(len(real), self.settings.network.latent, device=real.device)
        with torch.set_grad_enabled(generator_step):
            fake = decoder(codes)

        # Critic (Gulrajani et al. 2017, Eq. 3), or discriminator.
        if self.wasserstein:
            total, terms = critic_terms(critic, real, fake.detach(), loss)
        else:
            cross_entropy = ADVERSARIAL["cross-entropy"]
            total, terms = cross_entropy.discriminator(critic(real), critic(fake.detach())), {}
        terms["critic"] = update("critic", total)
        if not generator_step:
            return terms

        # Decoder.
        values = critic(fake).float()
        adversarial = ADVERSARIAL["hinge" if self.wasserstein else "cross-entropy"].generator(
            values
        )
        terms["generator"] = update("generator", adversarial)
        return terms

    def generate(self, batch: Batch) -> Tensor:
        """Return a picture for each face, (B, C, S, S) in [-1, 1], of noise that its pixels seed.

        A face has one picture, whatever the batch.
        """
        real = batch[self.settings.task.target]
        generated: Tensor = self.networks["decoder"](noise_for(real, self.settings.network.latent))
        return generated

    def sample(self, batch: Batch, generator: Generator) -> dict[str, Tensor]:
        """Return pictures for random codes."""
        target = self.settings.task.target
        codes = noise_for(batch[target], self.settings.network.latent, generator)
        return {target: self.networks["decoder"](codes)}
