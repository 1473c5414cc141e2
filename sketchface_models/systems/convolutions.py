"""The plain network that pix2pix is compared with (Zhao et al. 2023, section 4.1, Figure 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from sketchface_models.config import above, at_least
from sketchface_models.networks.pix2pix import FiveConvolutions
from sketchface_models.pixels import as_grey
from sketchface_models.systems.base import Batch, Clock, System, Update, lay_out
from sketchface_models.systems.gan import (
    RGB,
    as_rgb,
    condition_channels,
    condition_of,
    refused_size,
    refused_styles,
)
from sketchface_models.systems.optimizers import FusedAdam
from sketchface_models.systems.run_settings import Augment, Schedule, Task

MULTIPLE = 64
"""Sides are multiples of it: three convolutions shrink a picture by 4 each."""


@dataclass(frozen=True)
class Network:
    """Size of the network."""

    width: Annotated[int, at_least(1)]
    """Channels of the first layer."""


@dataclass(frozen=True, kw_only=True)
class ConvolutionsSchedule(Schedule):
    """How long and how fast it learns."""

    lr: Annotated[float, above(0)]
    """Learning rate at the start."""


@dataclass(frozen=True, kw_only=True)
class ConvolutionsSettings:
    """One run of this system."""

    system: Literal["convolutions"]
    """The name in the registry of systems."""
    task: Task
    network: Network
    augment: Augment
    schedule: ConvolutionsSchedule

    def __post_init__(self) -> None:
        wrong = refused_size(self.task, MULTIPLE, MULTIPLE) + refused_styles(self.task)
        if self.task.size == MULTIPLE and self.schedule.batch < 2:
            batch = self.schedule.batch
            wrong.append(f"schedule.batch: {batch}; allowed: at least 2 at size {MULTIPLE}")
        if wrong:
            raise ValueError("\n".join(wrong))


class Convolutions(System):
    """The system.

    Args:
        settings: of the run.
        channels: field name -> channels in the pack.
    """

    description = (
        "Five convolutions turn the input into the target and learn from nothing but the pixels' "
        "distance: no skips from the first layers to the last, and no discriminator. Where the "
        "input does not settle a pixel, the best that they can do is the middle of all targets."
    )
    source = (
        "the baseline of K. Zhao, Y. Wei, Y. Lei: Portrait Sketch Generation Based On Pix2pix "
        "Network, whose layers were not published"
    )
    Settings = ConvolutionsSettings
    ema = ("generator",)
    compiled = ("generator",)

    def __init__(self, settings: ConvolutionsSettings, channels: dict[str, int]) -> None:
        self.settings = settings
        self.target_channels = channels[settings.task.target]
        condition = condition_channels(settings.task.inputs)
        network = FiveConvolutions(condition, RGB, settings.network.width)
        self.networks = nn.ModuleDict({"generator": network})
        lay_out(self.networks)

    def optimizers(self) -> dict[str, Optimizer]:
        """Return Adam with pix2pix's betas (Isola et al. 2017, section 3.3)."""
        weights = self.networks["generator"].parameters()
        rate = self.settings.schedule.lr
        return {"generator": FusedAdam(weights, lr=rate, betas=(0.5, 0.999))}

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        """Update the network by the pixels' distance."""
        task = self.settings.task
        generated = self.networks["generator"](condition_of(batch, task.inputs))
        loss = F.l1_loss(generated, as_rgb(batch[task.target]))
        return {"l1": update("generator", loss)}

    def generate(self, batch: Batch) -> Tensor:
        """Return pictures in [-1, 1], in the target's channels."""
        condition = condition_of(batch, self.settings.task.inputs)
        generated: Tensor = self.networks["generator"](condition)
        return generated if self.target_channels == RGB else as_grey(generated)
