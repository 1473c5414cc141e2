"""pix2pix portrait sketches (Zhao et al. 2023; docs/papers.md, Portrait sketches).

Conditional training and noise removal. Also serves other paired translations, such as photo ->
sketch, with the same networks and losses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sketchface_models.config import above, at_least, between
from sketchface_models.losses.adversarial import ADVERSARIAL
from sketchface_models.networks.patchgan import DISCRIMINATORS
from sketchface_models.networks.pix2pix import HALVINGS, UNet
from sketchface_models.pixels import as_grey
from sketchface_models.systems.base import Batch, Clock, Update, lay_out
from sketchface_models.systems.gan import (
    GAN,
    RGB,
    AdversarialName,
    DiscriminatorName,
    GANSettings,
    as_rgb,
    condition_channels,
    condition_of,
    pair,
    refused_styles,
    weighted_sum,
)

MIN_SIZE = 2**HALVINGS
"""Side of the smallest pictures: the U-Net halves them down to one value a channel."""


@dataclass(frozen=True)
class Network:
    """Sizes of both networks."""

    width: Annotated[int, at_least(1)]
    """Channels of the first layer; 64 in the paper."""
    dropout: Annotated[float, between(0, 0.95)]
    """Dropout2d of the up blocks and the discriminator; 0.5 in the paper."""
    init_std: Annotated[float, at_least(0)]
    """Deviation of the normal distribution convolutions start from; 0 = the library's default.

    The paper's code leaves the default, which for the last transposed convolution is so wide that
    tanh starts saturated and parts of a drawing can stay black for good; pix2pix itself (Isola et
    al. 2017, section 6.2) starts from N(0, 0.02).
    """


@dataclass(frozen=True)
class Loss:
    """The generator's loss: scale x (adversarial + l1 x L1) (Zhao et al. 2023, section 3.4)."""

    l1: Annotated[float, at_least(0)]
    """lambda; 100 in the paper, which also tried 8 and 20."""
    scale: Annotated[float, above(0)]
    """0.1 in the paper."""
    adversarial: AdversarialName = "bce"
    """Cross-entropy in the paper."""


@dataclass(frozen=True)
class Conditional:
    """Conditional training: when the discriminator waits (Zhao et al. 2023, section 3.5.1)."""

    timer: Annotated[int, at_least(1)]
    """The discriminator learns in every `timer`-th epoch only; 2 in the code, 1 = always."""
    threshold: Annotated[float, at_least(0)]
    """... and only while its last epoch-average loss is above this; 0.02 in the code."""


@dataclass(frozen=True, kw_only=True)
class Pix2PixSettings(GANSettings):
    """One run of this system."""

    system: Literal["pix2pix"]
    """The name in the registry of systems."""
    network: Network
    loss: Loss
    conditional: Conditional
    greyscale: bool
    """Noise removal: generated pictures are turned to grey (their luma); else they stay RGB."""
    discriminator: DiscriminatorName = "patch-23"
    """The number is the side in pixels of the patch that a logit sees; patch-23 in the paper."""

    def __post_init__(self) -> None:
        size, batch = self.task.size, self.schedule.batch
        wrong = []
        if size % MIN_SIZE:
            wrong.append(f"task.size: {size}; allowed: a multiple of {MIN_SIZE} (six halvings)")
        if size == MIN_SIZE and batch < 2:
            wrong.append(f"schedule.batch: {batch}; allowed: at least 2 at size {MIN_SIZE}")
        wrong += refused_styles(self.task)
        if wrong:
            raise ValueError("\n".join(wrong))


class Pix2Pix(GAN):
    """The system.

    Args:
        settings: of the run.
        channels: field name -> channels in the pack.
    """

    description = (
        "A U-Net draws the target straight from the input. A discriminator, a second "
        "network that sees input and drawing side by side, learns to tell drawings from "
        "true targets, and the U-Net learns to leave it guessing and to stay near the "
        "target, pixel by pixel. In *conditional training* the discriminator learns only "
        "now and then, while it is not too good."
    )
    source = "K. Zhao, Y. Wei, Y. Lei: Portrait Sketch Generation Based On Pix2pix Network"
    Settings = Pix2PixSettings

    def __init__(self, settings: Pix2PixSettings, channels: dict[str, int]) -> None:
        self.settings = settings
        self.target_channels = channels[settings.task.target]
        condition = condition_channels(settings.task.inputs)
        width, dropout = settings.network.width, settings.network.dropout
        discriminator = DISCRIMINATORS[settings.discriminator]
        self.networks = nn.ModuleDict(
            {
                "generator": UNet(condition, RGB, width, dropout),
                "discriminator": discriminator(condition + RGB, width, dropout),
            }
        )
        lay_out(self.networks)
        if settings.network.init_std:
            self.networks.apply(lambda layer: _init_normal(layer, settings.network.init_std))
        # Epoch bookkeeping of conditional training; 1.0 is the authors' start value.
        self.last_average, self.epoch = 1.0, 0
        self.loss_sum: float | Tensor = 0.0
        self.loss_count: int | Tensor = 0

    @property
    def cycle(self) -> Sequence[Clock]:
        """Clocks of one step in each of the `timer` epochs after which the rule repeats itself."""
        steps, timer = self.settings.schedule.steps, self.settings.conditional.timer
        return [Clock(0, steps, epoch) for epoch in range(timer)]

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        """Update the discriminator unless it is locked, then the generator, on the same fakes."""
        generator, discriminator = self.networks["generator"], self.networks["discriminator"]
        task, loss = self.settings.task, self.settings.loss
        adversarial = ADVERSARIAL[loss.adversarial]
        condition, real = condition_of(batch, task.inputs), as_rgb(batch[task.target])
        fake = generator(condition)
        updates = {}

        # Discriminator.
        if self.discriminator_learns(clock.epoch):
            real_logits = discriminator(pair(condition, real))
            fake_logits = discriminator(pair(condition, fake.detach()))
            total = adversarial.discriminator(real_logits, fake_logits)
            updates["discriminator"] = update("discriminator", total)
            self._add_to_average(updates["discriminator"])

        # Generator.
        fake_logits = discriminator(pair(condition, fake))
        terms = {"adversarial": adversarial.generator(fake_logits), "l1": F.l1_loss(fake, real)}
        total = loss.scale * weighted_sum(terms, {"adversarial": 1.0, "l1": loss.l1})
        updates["generator"] = update("generator", total)
        return updates | {name: term.detach() for name, term in terms.items()}

    def discriminator_learns(self, epoch: int) -> bool:
        """Return whether the discriminator learns now: every timer-th epoch, while it is weak.

        The average is that of the last epoch in which it learned. (The authors' code averages a
        stale value into it while the discriminator is locked; the paper's words do not.)
        """
        if epoch != self.epoch:
            if self.loss_count:
                self.last_average = float(self.loss_sum) / int(self.loss_count)
            self.epoch, self.loss_sum, self.loss_count = epoch, 0.0, 0
        rule = self.settings.conditional
        return epoch % rule.timer == 0 and self.last_average > rule.threshold

    def generate(self, batch: Batch) -> Tensor:
        """Return pictures in [-1, 1]: in the target's channels with `greyscale`, else RGB."""
        condition = condition_of(batch, self.settings.task.inputs)
        generated: Tensor = self.networks["generator"](condition)
        if self.settings.greyscale:
            return as_grey(generated).expand(-1, self.target_channels, -1, -1)
        return generated

    def state_dict(self) -> dict[str, Any]:
        """Return the numbers that conditional training decides by."""
        return {
            "last_average": self.last_average,
            "epoch": self.epoch,
            "loss_sum": float(self.loss_sum),
            "loss_count": int(self.loss_count),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self.last_average, self.epoch = state["last_average"], state["epoch"]
        self.loss_sum, self.loss_count = state["loss_sum"], state["loss_count"]

    def _add_to_average(self, loss: Tensor) -> None:
        # A loss that is not finite was not learned from, if the engine goes on at all.
        finite = loss.isfinite()
        self.loss_sum = self.loss_sum + torch.where(finite, loss, 0.0)
        self.loss_count = self.loss_count + finite


def _init_normal(layer: nn.Module, deviation: float) -> None:
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, deviation)
