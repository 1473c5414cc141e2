"""pix2pix portrait sketches with conditional training and noise removal (facts C).

Also serves other paired translations (photo -> sketch) with the same networks and losses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from sketchface_models.config import above, at_least, between
from sketchface_models.networks.pix2pix import LEVELS, PatchDiscriminator, UNet
from sketchface_models.pixels import as_grey
from sketchface_models.styles import STYLE
from sketchface_models.systems.base import Augment, Batch, Clock, Schedule, System, Task, Update

PICTURE_CHANNELS = 3
"""The paper's networks see and draw RGB, also where a field is grey."""

SMALLEST = 2**LEVELS
"""Side of the smallest picture: the U-Net halves it down to one value a channel."""


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
    """Weights of the generator's loss: scale x (adversarial + l1 x L1) (facts C.3)."""

    l1: Annotated[float, at_least(0)]
    """lambda; 100 in the paper, which also tried 8 and 20."""
    scale: Annotated[float, above(0)]
    """0.1 in the authors' code."""


@dataclass(frozen=True)
class Conditional:
    """Conditional training (paper section "conditional training", facts C.4)."""

    timer: Annotated[int, at_least(1)]
    """The discriminator learns in every `timer`-th epoch only; 2 in the paper, 1 = always."""
    threshold: Annotated[float, at_least(0)]
    """... and only while its last epoch-average loss is above this; 0.02 in the paper."""


@dataclass(frozen=True)
class Pix2PixSettings:
    """One run of this system."""

    system: Literal["pix2pix"]
    task: Task
    network: Network
    loss: Loss
    conditional: Conditional
    greyscale: bool
    """Noise removal: the drawing is turned to grey (its luma) when generated; else it stays RGB."""
    augment: Augment
    schedule: Schedule

    def __post_init__(self) -> None:
        size, batch = self.task.size, self.schedule.batch
        wrong = []
        if size % SMALLEST:
            wrong.append(f"task.size: {size}; allowed: a multiple of {SMALLEST} (six halvings)")
        if size == SMALLEST and batch < 2:
            wrong.append(f"schedule.batch: {batch}; allowed: at least 2 at size {SMALLEST}")
        if STYLE in self.task.inputs:
            wrong.append("task.inputs: style; allowed: pictures alone, styles are for hida")
        if wrong:
            raise ValueError("\n".join(wrong))


class Pix2Pix(System):
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
    averaged = ("generator",)
    compiled = ("generator", "discriminator")

    def __init__(self, settings: Pix2PixSettings, channels: dict[str, int]) -> None:
        self.settings = settings
        self.target_channels = channels[settings.task.target]
        arriving = PICTURE_CHANNELS * len(settings.task.inputs)
        width, dropout = settings.network.width, settings.network.dropout
        self.networks = nn.ModuleDict(
            {
                "generator": UNet(arriving, PICTURE_CHANNELS, width, dropout),
                "discriminator": PatchDiscriminator(arriving + PICTURE_CHANNELS, width, dropout),
            }
        ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if settings.network.init_std:
            self.networks.apply(lambda layer: _normal(layer, settings.network.init_std))
        # Epoch bookkeeping of conditional training; 1.0 is the authors' start value.
        self.last_average, self.epoch = 1.0, 0
        self.loss_sum: float | Tensor = 0.0
        self.loss_count: int | Tensor = 0

    def optimizers(self) -> dict[str, Optimizer]:
        """Adam with betas (0.5, 0.999) for both networks (facts C.4)."""
        schedule = self.settings.schedule
        rates = {"generator": schedule.lr_generator, "discriminator": schedule.lr_discriminator}
        return {
            name: Adam(self.networks[name].parameters(), lr=rate, betas=(0.5, 0.999), fused=True)
            for name, rate in rates.items()
        }

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        """Discriminator unless locked, then generator; the one generated picture serves both."""
        generator, discriminator = self.networks["generator"], self.networks["discriminator"]
        condition, real = self._condition(batch), _rgb(batch[self.settings.task.target])
        fake = generator(condition)
        terms = {}
        if self.discriminator_learns(clock.epoch):
            judged_real = discriminator(torch.cat([condition, real], dim=1))
            judged_fake = discriminator(torch.cat([condition, fake.detach()], dim=1))
            loss = _cross_entropy(judged_real, 1.0) + _cross_entropy(judged_fake, 0.0)
            terms["discriminator"] = update("discriminator", loss)
            self._note(terms["discriminator"])
        adversarial = _cross_entropy(discriminator(torch.cat([condition, fake], dim=1)), 1.0)
        l1 = F.l1_loss(fake, real)
        weights = self.settings.loss
        loss = weights.scale * (adversarial + weights.l1 * l1)
        return terms | {
            "generator": update("generator", loss),
            "adversarial": adversarial.detach(),
            "l1": l1.detach(),
        }

    def discriminator_learns(self, epoch: int) -> bool:
        """The conditional-training rule: every timer-th epoch, while it is not yet too good.

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
        """Inputs -> drawing in [-1, 1]: the target's channels with `greyscale`, else RGB."""
        drawing: Tensor = self.networks["generator"](self._condition(batch))
        if self.settings.greyscale:
            return as_grey(drawing).expand(-1, self.target_channels, -1, -1)
        return drawing

    def state(self) -> dict[str, Any]:
        """The numbers conditional training decides by."""
        return {
            "last_average": self.last_average,
            "epoch": self.epoch,
            "loss_sum": float(self.loss_sum),
            "loss_count": int(self.loss_count),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what `state` gave."""
        self.last_average, self.epoch = state["last_average"], state["epoch"]
        self.loss_sum, self.loss_count = state["loss_sum"], state["loss_count"]

    def _note(self, loss: Tensor) -> None:
        # What is not finite was not learned from, where the engine goes on without it at all.
        finite = loss.isfinite()
        self.loss_sum = self.loss_sum + torch.where(finite, loss, 0.0)
        self.loss_count = self.loss_count + finite

    def _condition(self, batch: Batch) -> Tensor:
        return torch.cat([_rgb(batch[name]) for name in self.settings.task.inputs], dim=1)


def _normal(layer: nn.Module, deviation: float) -> None:
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, deviation)


def _rgb(picture: Tensor) -> Tensor:
    return picture.expand(-1, PICTURE_CHANNELS, -1, -1)


def _cross_entropy(logits: Tensor, label: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))
