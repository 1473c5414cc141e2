"""A variational autoencoder with a critic: what Sketch2face is pre-trained as, domain by domain.

Lüken-Winkels and Häcker 2020, section 3.1; docs/papers.md, Sketch2face.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from sketchface_models.losses.wasserstein import kl_divergence
from sketchface_models.networks.sketch2face import Critic, Decoder, Encoder, LatentBound
from sketchface_models.systems.base import Batch, Clock, Update, lay_out
from sketchface_models.systems.critics import (
    CriticSystem,
    LatentNetwork,
    OnePictureSettings,
    VAELoss,
    critic_terms,
    means,
    noise_for,
    sample_codes,
    shape_of,
    updates_generator,
)
from sketchface_models.systems.gan import weighted_sum


@dataclass(frozen=True, kw_only=True)
class VAEWGANSettings(OnePictureSettings):
    """One run of this system."""

    system: Literal["vae-wgan"]
    """The name in the registry of systems."""
    network: LatentNetwork
    loss: VAELoss


class VAEWGAN(CriticSystem):
    """The system.

    Args:
        settings: of the run.
        channels: field name -> channels in the pack.
    """

    description = (
        "An encoder shrinks a picture to a short code, from which a decoder paints it again; the "
        "code is blurred by noise, so that codes nearby mean pictures alike. A critic learns to "
        "tell reconstructions from pictures, and encoder and decoder learn to lower its margin."
    )
    Settings = VAEWGANSettings
    ema = ("encoder", "decoder")
    compiled = ("encoder", "decoder")

    def __init__(self, settings: VAEWGANSettings, channels: dict[str, int]) -> None:
        self.settings = settings
        network, task = settings.network, settings.task
        shape = shape_of(task, task.target, channels, network.width)
        bound = LatentBound(network.free_mean, network.free_deviation)
        self.networks = nn.ModuleDict(
            {
                "encoder": Encoder(*shape, network.latent, bound),
                "decoder": Decoder(*shape, network.latent),
                "critic": Critic(*shape),
            }
        )
        lay_out(self.networks)

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        """Update the critic, and at every `critic_steps`-th step encoder and decoder."""
        encoder, decoder, critic = (self.networks[n] for n in ("encoder", "decoder", "critic"))
        loss, real = self.settings.loss, batch[self.settings.task.target]
        generator_step = updates_generator(clock, self.settings.schedule.critic_steps)

        with torch.set_grad_enabled(generator_step):
            code = encoder(real)
            fake = decoder(sample_codes(code))

        # Critic, Eq. 2.
        total, terms = critic_terms(critic, real, fake.detach(), loss)
        terms["critic"] = update("critic", total)
        if not generator_step:
            return terms

        # Encoder and decoder, Eq. 1.
        parts = {
            "reconstruction": F.l1_loss(fake.float(), real),
            "adversarial": -critic(fake).float().mean(),
            "kl": kl_divergence(code),
        }
        weights = {
            "reconstruction": loss.reconstruction,
            "adversarial": 1.0,
            "kl": loss.kl_weight(clock),
        }
        terms["generator"] = update("generator", weighted_sum(parts, weights))
        return terms | {name: part.detach() for name, part in parts.items()}

    def generate(self, batch: Batch) -> Tensor:
        """Return reconstructions, (B, C, S, S) in [-1, 1]: of the codes' means, or of samples."""
        real = batch[self.settings.task.target]
        code = self.networks["encoder"](real)
        if self.settings.network.sampled_at_test:
            codes = sample_codes(code, noise_for(real, self.settings.network.latent))
        else:
            codes = means(code)
        generated: Tensor = self.networks["decoder"](codes)
        return generated

    def sample(self, batch: Batch, generator: Generator) -> dict[str, Tensor]:
        """Return reconstructions from sampled codes."""
        target, latent = self.settings.task.target, self.settings.network.latent
        real = batch[target]
        noise = noise_for(real, latent, generator)
        code = self.networks["encoder"](real)
        return {target: self.networks["decoder"](sample_codes(code, noise))}
