"""pix2pix as its paper has it (Isola et al. 2017; docs/papers.md, pix2pix)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from sketchface_models.config import Among, at_least, between
from sketchface_models.losses.adversarial import ADVERSARIAL
from sketchface_models.networks.isola import (
    LEAST_HALVINGS,
    UPSAMPLING,
    NormedPatch70,
    UNetGenerator,
    halvings_of,
    init_normal,
)
from sketchface_models.networks.training_mode import generate
from sketchface_models.pixels import as_grey
from sketchface_models.systems.base import Batch, Clock, Update, lay_out
from sketchface_models.systems.gan import (
    GAN,
    RGB,
    AdversarialName,
    GANSettings,
    as_rgb,
    condition_channels,
    condition_of,
    pair,
    refused_size,
    refused_styles,
    weighted_sum,
)

MULTIPLE = 2**LEAST_HALVINGS
"""Sides are multiples of it."""


@dataclass(frozen=True)
class Network:
    """Sizes of both networks."""

    width: Annotated[int, at_least(1)]
    """Channels of the generator's first level; 64 in the paper."""
    discriminator_width: Annotated[int, at_least(1)]
    """Channels of the discriminator's first layer; 64 in the paper."""
    dropout: Annotated[float, between(0, 0.95)]
    """Of values behind the first three up blocks; 0.5 in the paper."""
    upsampling: Annotated[str, Among(UPSAMPLING)] = "transposed"
    """How up blocks double a side; transposed convolutions in the paper."""
    dropout_at_test: bool = False
    """Go on dropping values when pictures are generated, as the paper does."""
    batch_statistics: bool = False
    """Normalise a generated picture by its own statistics, as the paper does."""


@dataclass(frozen=True)
class Loss:
    """The generator's loss: adversarial + l1 x L1 (Isola et al. 2017, Eq. 4)."""

    l1: Annotated[float, at_least(0)]
    """lambda; 100 in the paper."""
    adversarial: AdversarialName = "cross-entropy"
    """Cross-entropy in the paper."""


@dataclass(frozen=True, kw_only=True)
class IsolaSettings(GANSettings):
    """One run of this system."""

    system: Literal["isola"]
    """The name in the registry of systems."""
    network: Network
    loss: Loss

    def __post_init__(self) -> None:
        wrong = refused_size(self.task, MULTIPLE, MULTIPLE) + refused_styles(self.task)
        if wrong:
            raise ValueError("\n".join(wrong))


class Isola(GAN):
    """The system.

    Args:
        settings: of the run.
        channels: field name -> channels in the pack.
    """

    description = (
        "A U-Net draws the target straight from the input: it shrinks the input to a single pixel "
        "of many channels and enlarges that again, with a look at each size at what it shrank. A "
        "discriminator sees input and drawing side by side and learns to tell drawings from true "
        "targets, patch by patch, and the U-Net learns to leave it guessing and to stay near the "
        "target, pixel by pixel."
    )
    source = (
        "P. Isola, J.-Y. Zhu, T. Zhou, A. Efros: Image-to-Image Translation with Conditional "
        "Adversarial Networks"
    )
    Settings = IsolaSettings

    def __init__(self, settings: IsolaSettings, channels: dict[str, int]) -> None:
        self.settings = settings
        self.target_channels = channels[settings.task.target]
        condition, network = condition_channels(settings.task.inputs), settings.network
        self.networks = nn.ModuleDict(
            {
                "generator": UNetGenerator(
                    condition,
                    RGB,
                    network.width,
                    halvings_of(settings.task.size),
                    network.dropout,
                    network.upsampling,
                ),
                "discriminator": NormedPatch70(condition + RGB, network.discriminator_width),
            }
        )
        self.networks.apply(init_normal)
        lay_out(self.networks)

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        """Update the discriminator, then the generator, on the same fakes."""
        generator, discriminator = self.networks["generator"], self.networks["discriminator"]
        task, loss = self.settings.task, self.settings.loss
        adversarial = ADVERSARIAL[loss.adversarial]
        condition, real = condition_of(batch, task.inputs), as_rgb(batch[task.target])
        fake = generator(condition)

        # Discriminator, Eq. 1 halved (section 3.3).
        real_logits = discriminator(pair(condition, real))
        fake_logits = discriminator(pair(condition, fake.detach()))
        total = 0.5 * adversarial.discriminator(real_logits, fake_logits)
        updates = {"discriminator": update("discriminator", total)}

        # Generator, Eq. 4.
        terms = {
            "adversarial": adversarial.generator(discriminator(pair(condition, fake))),
            "l1": F.l1_loss(fake, real),
        }
        total = weighted_sum(terms, {"adversarial": 1.0, "l1": loss.l1})
        updates["generator"] = update("generator", total)
        return updates | {name: term.detach() for name, term in terms.items()}

    def generate(self, batch: Batch) -> Tensor:
        """Return pictures in the target's channels, (B, C, S, S) in [-1, 1]."""
        network = self.settings.network
        generated = generate(
            self.networks["generator"],
            condition_of(batch, self.settings.task.inputs),
            network.dropout_at_test,
            network.batch_statistics,
        )
        return generated if self.target_channels == RGB else as_grey(generated)
