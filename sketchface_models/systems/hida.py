"""HIDA: photo, depth and style -> sketch (Gao et al. 2023; docs/papers.md, HIDA)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sketchface_models.config import at_least
from sketchface_models.losses.adversarial import ADVERSARIAL
from sketchface_models.losses.hida import GEOMETRY, fourth_power_penalty, texture_loss
from sketchface_models.networks.hida.generator import MIN_SIZE, Generator
from sketchface_models.networks.hida.settings import NetworkSettings
from sketchface_models.networks.patchgan import DISCRIMINATORS
from sketchface_models.pixels import as_grey
from sketchface_models.systems.base import Batch, Clock, Update, lay_out
from sketchface_models.systems.gan import (
    GAN,
    AdversarialName,
    DiscriminatorName,
    GANSettings,
    pair,
    weighted_sum,
)

INPUTS = (("photo",), ("photo", "depth"), ("photo", "style"), ("photo", "depth", "style"))


@dataclass(frozen=True)
class Loss:
    """The terms of Eq. 9 and their weights, which the paper leaves open (docs/papers.md, HIDA)."""

    adversarial: AdversarialName
    """Cross-entropy in Eq. 8, hinge as released."""
    fourth_power: Annotated[float, at_least(0)]
    """Weight of the penalty on the distance between mean logits; 0 in the paper, 2 released."""
    discriminator_depth: Literal["generated", "input"]
    """The depth that the discriminator sees beside a generated sketch: Eq. 8; as released."""
    pixel: Annotated[float, at_least(0)]
    """lambda 1, weight of Eq. 7."""
    texture: Annotated[float, at_least(0)]
    """lambda 2, weight of Eq. 6."""
    texture_of: Literal["target", "photo"]
    """Whose gradients the sketch should have: Section 3.4; as released."""
    operator: Literal["sobel", "prewitt"]
    """How gradients are taken: Section 3.4; as released."""
    geometric: Annotated[float, at_least(0)]
    """lambda 3, weight of Eq. 5."""
    geometry: Literal["squared", "root"]
    """Distance of depths: Eq. 5; as released."""


@dataclass(frozen=True, kw_only=True)
class HIDASettings(GANSettings):
    """One run of this system; depth and style take part where they are among the inputs."""

    system: Literal["hida"]
    """The name in the registry of systems."""
    network: NetworkSettings
    loss: Loss
    discriminator: DiscriminatorName = "patch-70"
    """The number is the side in pixels of the patch that a logit sees; patch-70 in the paper."""

    def __post_init__(self) -> None:
        wrong, inputs, size = [], self.task.inputs, self.task.size
        if inputs not in INPUTS:
            allowed = "; ".join(", ".join(each) for each in INPUTS)
            wrong.append(f"task.inputs: {list(inputs)}; allowed: one of {allowed}")
        if self.task.target != "sketch":
            wrong.append(f"task.target: {self.task.target!r}; allowed: sketch")
        most = size.bit_length() - 1
        if size < MIN_SIZE or size & (size - 1):
            wrong.append(f"task.size: {size}; allowed: a power of two from {MIN_SIZE} on")
        elif self.network.halvings not in (0, *range(MIN_SIZE.bit_length() - 1, most + 1)):
            wrong.append(
                f"network.halvings: {self.network.halvings}; allowed: 0, or from "
                f"{MIN_SIZE.bit_length() - 1} to {most} at size {size}"
            )
        adapts = self.network.adapts
        if adapts and inputs == ("photo",) and self.network.appearance == "plane":
            wrong.append(
                "network.appearance: 'plane'; allowed: map, where neither depth nor style is read"
            )
        if "style" in inputs and not adapts:
            wrong.append(
                "task.inputs: style; allowed: where network.modulation is dyspade or "
                "network.activation is infoacon; no other layer reads the style"
            )
        if wrong:
            raise ValueError("\n".join(wrong))


class HIDA(GAN):
    """The system.

    Args:
        settings: of the run.
        channels: field name -> channels in the pack; of `style` the number of styles.
    """

    description = (
        "A network that draws as an artist looks: at the photo, at how near each pixel is "
        "(*depth*), and in a given artist's *style*. An encoder reads photo and depth; in the "
        "decoder, depth, style and what the photo looks like there set, pixel by pixel, how "
        "features are scaled and shifted (*DySPADE*) and which activation function they go "
        "through (*InfoACON*), and the two innermost layers bend their filters along outlines "
        "(*DOG*). It draws depth beside the sketch. It learns to stay near the target by pixels "
        "and by the direction of strokes (*texture*), near the true depth (*geometric*), and to "
        "leave a discriminator guessing that sees sketch and depth together. The settings below "
        "say which of these parts a run has."
    )
    source = (
        "F. Gao, Y. Zhu, C. Jiang, N. Wang: Human-Inspired Facial Sketch Synthesis with Dynamic "
        "Adaptation (HIDA)"
    )
    Settings = HIDASettings

    def __init__(self, settings: HIDASettings, channels: dict[str, int]) -> None:
        self.settings = settings
        inputs, network = settings.task.inputs, settings.network
        self.with_depth = "depth" in inputs
        styles = channels["style"] if "style" in inputs else 0
        self.target_channels = channels[settings.task.target]
        # Without depth the discriminator sees the photo, as pix2pix's does (Table 2, model A).
        condition_channels = 1 if self.with_depth else 3
        discriminator = DISCRIMINATORS[settings.discriminator]
        self.networks = nn.ModuleDict(
            {
                "generator": Generator(network, settings.task.size, self.with_depth, styles),
                "discriminator": discriminator(condition_channels + 1, network.width, 0.0),
            }
        )
        lay_out(self.networks)

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        """Update the discriminator, then the generator, on the same fakes."""
        discriminator, loss = self.networks["discriminator"], self.settings.loss
        adversarial = ADVERSARIAL[loss.adversarial]
        real = as_grey(batch["sketch"])
        fake, fake_depth = self._generate(batch)
        condition = batch["depth"] if self.with_depth else batch["photo"]
        own_depth = fake_depth if loss.discriminator_depth == "generated" else None
        fake_pair = pair(condition if own_depth is None else own_depth, fake)

        # Discriminator, Eq. 8.
        real_logits, fake_logits = discriminator(
            torch.cat([pair(condition, real), fake_pair.detach()])
        ).chunk(2)
        total = adversarial.discriminator(real_logits, fake_logits)
        if loss.fourth_power:
            total = total + loss.fourth_power * fourth_power_penalty(real_logits, fake_logits)
        updates = {"discriminator": update("discriminator", total)}

        # Generator, Eq. 9.
        reference = real if loss.texture_of == "target" else batch["photo"]
        terms = {
            "adversarial": adversarial.generator(discriminator(fake_pair)),
            "pixel": F.l1_loss(fake, real),  # Eq. 7
            "texture": texture_loss(fake, reference, loss.operator),  # Eq. 6
        }
        weights = {"adversarial": 1.0, "pixel": loss.pixel, "texture": loss.texture}
        if fake_depth is not None:
            terms["geometric"] = GEOMETRY[loss.geometry](fake_depth, batch["depth"])  # Eq. 5
            weights["geometric"] = loss.geometric
        updates["generator"] = update("generator", weighted_sum(terms, weights))
        return updates | {name: term.detach() for name, term in terms.items()}

    def generate(self, batch: Batch) -> Tensor:
        """Return the sketches, (B, C of the target, S, S) in [-1, 1]."""
        return self._generate(batch)[0].expand(-1, self.target_channels, -1, -1)

    def _generate(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        sketch, depth = self.networks["generator"](
            batch["photo"], batch.get("depth") if self.with_depth else None, batch.get("style")
        )
        return sketch, depth
