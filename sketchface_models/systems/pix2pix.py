"""pix2pix portrait sketches (Zhao et al. 2023; docs/papers.md, Portrait sketches).

Conditional training and noise removal. `systems.isola` is pix2pix itself.
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
from sketchface_models.networks.training_mode import generate
from sketchface_models.noise_removal import DRAWINGS, without_edge_shadows, wrapped
from sketchface_models.pixels import as_grey
from sketchface_models.systems.base import Batch, Clock, Update, lay_out
from sketchface_models.systems.conditional_training import (
    DISCRIMINATOR,
    GENERATOR,
    RULES,
    Conditional,
)
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
    """Dropout2d of the up blocks, part of the noise removal; 0.5 in the code."""
    init_std: Annotated[float, at_least(0)]
    """Deviation of the normal distribution convolutions start from; 0 = the library's default.

    The paper's code leaves the default, which for the last transposed convolution is so wide that
    tanh starts saturated and parts of a drawing can stay black for good; pix2pix itself (Isola et
    al. 2017, section 6.2) starts from N(0, 0.02).
    """
    discriminator_dropout: Annotated[float, between(0, 0.95)] = 0.5
    """Dropout2d of the discriminator; 0.5 in the code."""
    dropout_at_test: bool = False
    """Go on dropping channels when pictures are generated, as the code does."""
    batch_statistics: bool = False
    """Normalise a generated picture by its own statistics, as the code does, which never switches
    batch norms to their running ones and generates one picture at a time."""


@dataclass(frozen=True)
class Loss:
    """The generator's loss: scale x (adversarial + l1 x L1) (Zhao et al. 2023, section 3.4)."""

    l1: Annotated[float, at_least(0)]
    """lambda; 100 in the paper, which also tried 8 and 20."""
    scale: Annotated[float, above(0)]
    """0.1 in the paper."""
    adversarial: AdversarialName = "bce"
    """Cross-entropy in the paper."""


@dataclass(frozen=True, kw_only=True)
class Pix2PixSettings(GANSettings):
    """One run of this system."""

    system: Literal["pix2pix"]
    """The name in the registry of systems."""
    network: Network
    loss: Loss
    conditional: Conditional
    greyscale: bool
    """Noise removal: generated pictures are turned to grey (their luma); else they stay RGB ..."""
    edge_shadows: bool = False
    """... and ink at the border that is far from the input's strokes is taken off."""
    wrap_around: bool = False
    """Write [-1, 1] as if it were [0, 1], as the code does: negative values wrap round."""
    discriminator: DiscriminatorName = "patch-23"
    """The number is the side in pixels of the patch that a logit sees; patch-23 in the paper."""

    def __post_init__(self) -> None:
        size, batch = self.task.size, self.schedule.batch
        wrong = []
        if size % MIN_SIZE:
            wrong.append(f"task.size: {size}; allowed: a multiple of {MIN_SIZE} (six halvings)")
        if size == MIN_SIZE and batch < 2:
            wrong.append(f"schedule.batch: {batch}; allowed: at least 2 at size {MIN_SIZE}")
        if size == MIN_SIZE and self.network.batch_statistics:
            line = f"allowed: false at size {MIN_SIZE}, where a channel has one value at the bottom"
            wrong.append(f"network.batch_statistics: true; {line}")
        if self.edge_shadows and not set(DRAWINGS) & set(self.task.inputs):
            line = f"allowed: false without one of {', '.join(DRAWINGS)} among the inputs"
            wrong.append(f"edge_shadows: true; {line}")
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
        network = settings.network
        discriminator = DISCRIMINATORS[settings.discriminator]
        self.networks = nn.ModuleDict(
            {
                GENERATOR: UNet(condition, RGB, network.width, network.dropout),
                DISCRIMINATOR: discriminator(
                    condition + RGB, network.width, network.discriminator_dropout
                ),
            }
        )
        lay_out(self.networks)
        if network.init_std:
            self.networks.apply(lambda layer: _init_normal(layer, network.init_std))
        self.rule = RULES[settings.conditional.rule](settings.conditional)

    @property
    def cycle(self) -> Sequence[Clock]:
        """Clocks of one step in each of the `timer` epochs after which the rule repeats itself."""
        steps, timer = self.settings.schedule.steps, self.settings.conditional.timer
        return [Clock(0, steps, epoch) for epoch in range(timer)]

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        """Update the discriminator, then the generator, on the same fakes; not who is locked.

        The terms `locked_` are 1 where a network does not learn in this step, and else 0.
        """
        generator, discriminator = self.networks[GENERATOR], self.networks[DISCRIMINATOR]
        task, loss = self.settings.task, self.settings.loss
        adversarial = ADVERSARIAL[loss.adversarial]
        condition, real = condition_of(batch, task.inputs), as_rgb(batch[task.target])
        learners = self.rule.learners(clock.epoch)
        with torch.set_grad_enabled(GENERATOR in learners):
            fake = generator(condition)
        updates = {}

        # Discriminator.
        if DISCRIMINATOR in learners:
            real_logits = discriminator(pair(condition, real))
            fake_logits = discriminator(pair(condition, fake.detach()))
            total = adversarial.discriminator(real_logits, fake_logits)
            updates[DISCRIMINATOR] = update(DISCRIMINATOR, total)

        # Generator.
        terms = {"l1": F.l1_loss(fake, real)}
        if GENERATOR in learners:
            fake_logits = discriminator(pair(condition, fake))
            terms["adversarial"] = adversarial.generator(fake_logits)
            total = loss.scale * weighted_sum(terms, {"adversarial": 1.0, "l1": loss.l1})
            updates[GENERATOR] = update(GENERATOR, total)

        # What the rule decides by.
        for name, value in updates.items():
            self.rule.add(name, value)
        locked = {
            f"locked_{name}": real.new_full((), float(name not in learners))
            for name in (GENERATOR, DISCRIMINATOR)
        }
        return updates | {name: term.detach() for name, term in terms.items()} | locked

    def generate(self, batch: Batch) -> Tensor:
        """Return pictures in [-1, 1]: in the target's channels with `greyscale`, else RGB."""
        inputs, network = self.settings.task.inputs, self.settings.network
        generated = generate(
            self.networks[GENERATOR],
            condition_of(batch, inputs),
            network.dropout_at_test,
            network.batch_statistics,
        )
        if self.settings.wrap_around:
            generated = wrapped(generated)
        if self.settings.edge_shadows:
            drawings = [as_rgb(batch[name]) for name in inputs if name in DRAWINGS]
            generated = without_edge_shadows(generated, torch.cat(drawings, dim=1))
        if self.settings.greyscale:
            return as_grey(generated).expand(-1, self.target_channels, -1, -1)
        return generated

    def state_dict(self) -> dict[str, Any]:
        """Return the numbers that conditional training decides by."""
        return self.rule.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.rule.load_state_dict(state)


def _init_normal(layer: nn.Module, deviation: float) -> None:
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, deviation)
