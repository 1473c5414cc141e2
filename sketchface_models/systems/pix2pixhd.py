"""Landmark contour -> photo (Cheng et al. 2022).

See docs/papers.md, pix2pixHD with fewer instance norms.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn

from sketchface_models.config import Among, at_least, between
from sketchface_models.losses.adversarial import ADVERSARIAL
from sketchface_models.losses.multi_scale import (
    discriminator_loss,
    feature_matching,
    generator_loss,
)
from sketchface_models.losses.perceptual import PERCEPTUAL, perceptual_network
from sketchface_models.networks.pix2pixhd import (
    FRONT,
    HALVINGS,
    GlobalGenerator,
    MultiScaleDiscriminator,
)
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

MULTIPLE = 2**HALVINGS
"""Sides are multiples of it."""
MIN_SIZE = 64
"""Side of the smallest pictures: the third scale's instance norms need more than one pixel."""
INIT_STD = 0.02
"""Weights of convolutions start from N(0, INIT_STD), biases as the library leaves them (Wang et al.
2018, released code)."""


@dataclass(frozen=True)
class Network:
    """Sizes of both networks."""

    width: Annotated[int, at_least(1)]
    """Channels of the generator's first layer; 48 in the paper (Cheng et al. 2022, section 4.1)."""
    blocks: Annotated[int, at_least(1)]
    """Residual blocks; 9 in pix2pixHD."""
    norms_removed: Annotated[int, between(0, FRONT)]
    """The generator's first so many layers have no instance norm: 0 (M1), 2 (ours), 5 (M2)."""
    discriminator_width: Annotated[int, at_least(1)]
    """Channels of the discriminator's first layer; 64 in pix2pixHD."""
    scales: Annotated[int, between(1, 3)]
    """Of the discriminator; 3 in the paper, 2 by pix2pixHD's default."""


@dataclass(frozen=True)
class Loss:
    """The generator's loss (Cheng et al. 2022, Eq. 1)."""

    feature_matching: Annotated[float, at_least(0)]
    """Weight of the discriminator's maps; 10 in pix2pixHD."""
    perceptual_weight: Annotated[float, at_least(0)]
    """Weight of the perceptual loss; 10 in pix2pixHD."""
    perceptual: Annotated[str, Among(PERCEPTUAL)]
    """Its network: vgg19 in the paper, parser, none."""
    adversarial: AdversarialName = "least-squares"
    """Least squares in pix2pixHD's code."""


@dataclass(frozen=True, kw_only=True)
class Pix2PixHDSettings(GANSettings):
    """One run of this system."""

    system: Literal["pix2pixhd"]
    """The name in the registry of systems."""
    network: Network
    loss: Loss

    def __post_init__(self) -> None:
        wrong = refused_size(self.task, MULTIPLE, MIN_SIZE) + refused_styles(self.task)
        if wrong:
            raise ValueError("\n".join(wrong))


class Pix2PixHD(GAN):
    """The system.

    Args:
        settings: of the run.
        channels: field name -> channels in the pack.
    """

    description = (
        "A convolutional network paints a photo from a drawing. Three discriminators see drawing "
        "and photo side by side, at full, half and quarter size, and learn to tell made photos "
        "from true ones. The generator learns to leave them guessing, and to bring what they and "
        "a face parser see in its photos near what they see in the true ones. *Instance norms* "
        "bring each map of features to mean 0 and deviation 1 over the whole picture, so that a "
        "line changed in one place changes features everywhere; this network has none in its "
        "first layers."
    )
    source = (
        "Z. Cheng and others: Effect of Instance Normalization on Fine-Grained Control for "
        "Sketch-Based Face Image Generation"
    )
    Settings = Pix2PixHDSettings

    def __init__(self, settings: Pix2PixHDSettings, channels: dict[str, int]) -> None:
        self.settings = settings
        self.target_channels = channels[settings.task.target]
        network, condition = settings.network, condition_channels(settings.task.inputs)
        generator = GlobalGenerator(
            condition, RGB, network.width, network.blocks, network.norms_removed
        )
        discriminator = MultiScaleDiscriminator(
            condition + RGB, network.discriminator_width, network.scales
        )
        self.networks = nn.ModuleDict({"generator": generator, "discriminator": discriminator})
        self.networks.apply(_init_normal)
        lay_out(self.networks)

    @functools.cached_property
    def frozen(self) -> dict[str, nn.Module]:
        """The perceptual network, if there is one."""
        return perceptual_network(self.settings.loss.perceptual)

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        """Update the generator, then the discriminator, on the same fakes, as pix2pixHD's code."""
        generator, discriminator = self.networks["generator"], self.networks["discriminator"]
        task, loss = self.settings.task, self.settings.loss
        adversarial = ADVERSARIAL[loss.adversarial]
        condition, real = condition_of(batch, task.inputs), as_rgb(batch[task.target])
        fake = generator(condition)

        # Generator, Eq. 1.
        real_maps = discriminator(pair(condition, real))
        fake_maps = discriminator(pair(condition, fake))
        terms = {
            "adversarial": generator_loss(adversarial, fake_maps),
            "feature_matching": feature_matching(real_maps, fake_maps),
        }
        weights = {"adversarial": 1.0, "feature_matching": loss.feature_matching}
        if "perceptual" in self.frozen:
            terms["perceptual"] = self.frozen["perceptual"](fake, real)
            weights["perceptual"] = loss.perceptual_weight
        updates = {"generator": update("generator", weighted_sum(terms, weights))}
        front = self._front_gradient_norms()

        # Discriminator; its weights are still those that gave `real_maps`.
        fake_maps = discriminator(pair(condition, fake.detach()))
        total = 0.5 * discriminator_loss(adversarial, real_maps, fake_maps)
        updates["discriminator"] = update("discriminator", total)
        return updates | {name: term.detach() for name, term in terms.items()} | front

    def generate(self, batch: Batch) -> Tensor:
        """Return the photos, (B, C of the target, S, S) in [-1, 1]."""
        condition = condition_of(batch, self.settings.task.inputs)
        generated: Tensor = self.networks["generator"](condition)
        return generated[:, : self.target_channels]

    def features(self, batch: Batch) -> dict[str, Tensor]:
        """Return the maps of L0 to L4 (Cheng et al. 2022, section 4.1)."""
        condition = condition_of(batch, self.settings.task.inputs)
        generator: Any = self.networks["generator"]
        return {f"L{level}": each for level, each in enumerate(generator.features(condition))}

    def _front_gradient_norms(self) -> dict[str, Tensor]:
        """Return the norms of the last gradients of L0 to L4's weights: do they vanish?"""
        network: Any = self.networks["generator"]
        weights = [next(p for p in layer.parameters() if p.dim() == 4) for layer in network.front]
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        norms = torch._foreach_norm(gradients) if gradients else []
        return {f"grad_L{level}": norm for level, norm in enumerate(norms)}


def _init_normal(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, INIT_STD)
