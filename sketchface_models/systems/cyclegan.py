"""Photo <-> sketch without pairs (Zhu et al. 2017; docs/papers.md, CycleGAN)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from sketchface_models.config import at_least
from sketchface_models.labels import PARSING
from sketchface_models.losses.adversarial import ADVERSARIAL
from sketchface_models.losses.multi_scale import discriminator_loss, generator_loss
from sketchface_models.networks.cyclegan import HALVINGS, ResidualGenerator
from sketchface_models.networks.pix2pixhd import MultiScaleDiscriminator
from sketchface_models.pixels import as_grey
from sketchface_models.styles import STYLE
from sketchface_models.systems.base import Batch, Clock, Output, Update, lay_out
from sketchface_models.systems.gan import (
    GAN,
    RGB,
    AdversarialName,
    GANSettings,
    as_rgb,
    refused_size,
    weighted_sum,
)
from sketchface_models.systems.replay_pool import ReplayPool

MULTIPLE = 2**HALVINGS
"""Sides are multiples of it."""
MIN_SIZE = 32
"""Side of the smallest pictures."""
INIT_STD = 0.02
"""Weights of convolutions start from N(0, INIT_STD) (Zhu et al. 2017, section 7.1), biases from 0
(released code)."""
NO_BRIGHTNESS = (PARSING, "depth", STYLE)
"""Fields that are no pictures in [-1, 1]."""


@dataclass(frozen=True)
class Network:
    """Sizes of all networks; both directions have the same."""

    width: Annotated[int, at_least(1)]
    """Channels of a generator's first layer; 64 in the paper (Zhu et al. 2017, section 7.2)."""
    blocks: Annotated[int, at_least(1)]
    """Residual blocks; 9 in the paper at 256 pixels, 6 at 128."""
    discriminator_width: Annotated[int, at_least(1)]
    """Channels of a discriminator's first layer; 64 in the paper."""


@dataclass(frozen=True)
class Loss:
    """The generators' loss (Zhu et al. 2017, Eq. 3)."""

    cycle: Annotated[float, at_least(0)]
    """Weight of both cycles, lambda; 10 in the paper (section 4)."""
    identity: Annotated[float, at_least(0)]
    """Weight of pictures that should stay as they are; 0 in the paper, 5 for paintings (section
    5.2)."""
    pool: Annotated[int, at_least(0)]
    """Earlier fakes of each kind that discriminators see again; 50 in the paper (section 4)."""
    adversarial: AdversarialName = "least-squares"
    """Least squares in the paper (section 4)."""


@dataclass(frozen=True, kw_only=True)
class CycleGANSettings(GANSettings):
    """One run of this system."""

    system: Literal["cyclegan"]
    """The name in the registry of systems."""
    network: Network
    loss: Loss

    def __post_init__(self) -> None:
        task, wrong = self.task, refused_size(self.task, MULTIPLE, MIN_SIZE)
        if len(task.inputs) != 1 or {*task.inputs, task.target} & {*NO_BRIGHTNESS}:
            wrong.append(
                f"task.inputs, task.target: {list(task.inputs)}, {task.target!r}; allowed: one "
                f"picture each, not {', '.join(NO_BRIGHTNESS)}"
            )
        if not task.unpaired:
            wrong.append("task.unpaired: false; allowed: true, each domain has its own faces")
        if task.sizes:
            wrong.append(f"task.sizes: {dict(task.sizes)}; allowed: none, cycles keep the side")
        if wrong:
            raise ValueError("\n".join(wrong))


class CycleGAN(GAN):
    """The system: G (`generator`) from input to target, F (`inverse`) back, D_Y and D_X.

    Each network has its field, which generators give and discriminators see: the target for
    `generator` and `discriminator`, the input for `inverse` and `inverse_discriminator`.

    Args:
        settings: of the run.
        channels: field name -> channels in the pack.
    """

    description = (
        "Two networks learn from photos and sketches of which no two need show one face: one draws "
        "sketches of photos, the other paints photos of sketches. For each kind of picture a "
        "discriminator learns to tell fakes, new ones and some of earlier steps, from true ones, "
        "and the networks learn to leave it guessing. A photo that is drawn and painted back must "
        "come out as it was, and so must a sketch (*cycle consistency*): nothing else ties a "
        "picture to what it is made of."
    )
    source = (
        "J.-Y. Zhu, T. Park, P. Isola, A. Efros: Unpaired Image-to-Image Translation using "
        "Cycle-Consistent Adversarial Networks"
    )
    Settings = CycleGANSettings
    ema = ("generator", "inverse")
    with_generator = ("inverse",)
    compiled = (  # type: ignore[assignment]
        "generator",
        "inverse",
        "discriminator",
        "inverse_discriminator",
    )

    def __init__(self, settings: CycleGANSettings, channels: dict[str, int]) -> None:
        self.settings, self.channels = settings, channels
        network, loss, task = settings.network, settings.loss, settings.task
        (source,), target = task.inputs, task.target
        self.sources = {target: source, source: target}
        self.generators = {target: "generator", source: "inverse"}
        self.discriminators = {target: "discriminator", source: "inverse_discriminator"}
        self.pools = {field: ReplayPool(loss.pool) for field in self.sources}
        self.adversarial = ADVERSARIAL[loss.adversarial]
        kinds = {"adversarial": 1.0, "cycle": loss.cycle, "identity": loss.identity}
        self.weights = {
            f"{kind}_{field}": weight for kind, weight in kinds.items() for field in self.sources
        }
        self.networks = nn.ModuleDict(
            {
                name: ResidualGenerator(RGB, RGB, network.width, network.blocks)
                for name in self.generators.values()
            }
            | {
                name: MultiScaleDiscriminator(RGB, network.discriminator_width, scales=1)
                for name in self.discriminators.values()
            }
        )
        self.networks.apply(_init_normal)
        lay_out(self.networks)

    @classmethod
    def outputs_of(cls, settings: CycleGANSettings) -> dict[str, Output]:
        """Return both pictures, each made of the other; the target first."""
        return {field: Output(field) for field in (settings.task.target, *settings.task.inputs)}

    def optimizers(self) -> dict[str, Optimizer]:
        """Return one optimizer for both generators, and one for both discriminators."""
        optimizers = super().optimizers()
        weights = list(self.networks["inverse_discriminator"].parameters())
        optimizers["discriminator"].add_param_group({"params": weights})
        return optimizers

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        """Update both generators, then both discriminators, as CycleGAN's code."""
        real = {field: as_rgb(batch[field]) for field in self.sources}
        fake = {
            field: self._translate(real[source], field) for field, source in self.sources.items()
        }

        # Generators, Eq. 3.
        terms = self._generator_terms(real, fake)
        updates = {"generator": update("generator", weighted_sum(terms, self.weights))}

        # Discriminators, Eq. 1 halved (section 7.1), on fakes of now and before.
        losses = {
            f"discriminator_{field}": discriminator_loss(
                self.adversarial,
                self._logits(real[field], field),
                self._logits(pool.exchange(fake[field]), field),
            )
            for field, pool in self.pools.items()
        }
        total = 0.5 * torch.stack([*losses.values()]).sum()
        updates["discriminator"] = update("discriminator", total)
        return updates | {name: term.detach() for name, term in (terms | losses).items()}

    def generate(self, batch: Batch) -> Tensor:
        """Return the targets, (B, C of the target, S, S) in [-1, 1]."""
        return self._generate(batch, self.settings.task.target)

    def generate_all(self, batch: Batch) -> dict[str, Tensor]:
        """Return targets made of inputs, and inputs made of targets."""
        return {field: self._generate(batch, field) for field in self.outputs}

    def state_dict(self) -> dict[str, Any]:
        """Return the pools' fakes, by field."""
        stacks = {field: pool.stack() for field, pool in self.pools.items()}
        return {field: stack for field, stack in stacks.items() if stack is not None}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        for field, pool in self.pools.items():
            pool.fill(state.get(field, ()))

    def _generator_terms(
        self, real: dict[str, Tensor], fake: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Return the terms of the generators' loss, `KIND_FIELD`, of pictures by their field."""
        terms = {}
        for field, source in self.sources.items():
            logits = self._logits(fake[field], field)
            terms[f"adversarial_{field}"] = generator_loss(self.adversarial, logits)  # Eq. 1
            cycled = self._translate(fake[source], field)
            terms[f"cycle_{field}"] = F.l1_loss(cycled, real[field])  # Eq. 2
            if self.settings.loss.identity:
                unchanged = self._translate(real[field], field)
                terms[f"identity_{field}"] = F.l1_loss(unchanged, real[field])
        return terms

    def _generate(self, batch: Batch, field: str) -> Tensor:
        picture = self._translate(as_rgb(batch[self.sources[field]]), field)
        return as_grey(picture) if self.channels[field] == 1 else picture

    def _translate(self, picture: Tensor, field: str) -> Tensor:
        """(B, 3, S, S) of the other field -> (B, 3, S, S) of `field`."""
        translated: Tensor = self.networks[self.generators[field]](picture)
        return translated

    def _logits(self, picture: Tensor, field: str) -> list[list[Tensor]]:
        maps: list[list[Tensor]] = self.networks[self.discriminators[field]](picture)
        return maps


def _init_normal(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, INIT_STD)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
