"""HIDA: photo, depth and style to a sketch (Gao et al. 2023; facts E)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam, AdamW, Optimizer

from sketchface_models.config import at_least
from sketchface_models.losses.adversarial import ADVERSARIAL, fourth_power_penalty
from sketchface_models.losses.geometry import GEOMETRY
from sketchface_models.losses.texture import texture_loss
from sketchface_models.networks.hida.design import Network
from sketchface_models.networks.hida.discriminator import Discriminator
from sketchface_models.networks.hida.generator import SMALLEST, Generator
from sketchface_models.pixels import as_grey
from sketchface_models.systems.base import Augment, Batch, Clock, Schedule, System, Task, Update

INPUTS = (("photo",), ("photo", "depth"), ("photo", "style"), ("photo", "depth", "style"))
OPTIMIZERS: dict[str, type[Optimizer]] = {"adam": Adam, "adamw": AdamW}


@dataclass(frozen=True)
class Loss:
    """The terms of Eq. 9 and their weights; the paper gives none, the code has 4, 1 and 4."""

    adversarial: Literal["cross-entropy", "hinge", "least-squares"]
    """Eq. 8 against facts E.8."""
    fourth_power: Annotated[float, at_least(0)]
    """Weight of the penalty on the distance between mean judgements; 0 in the paper, 2 released."""
    judged_depth: Literal["drawn", "input"]
    """Beside a drawn sketch the discriminator sees the drawn depth (Eq. 8) or the input's
    (facts E.7)."""
    pixel: Annotated[float, at_least(0)]
    """lambda 1."""
    texture: Annotated[float, at_least(0)]
    """lambda 2."""
    texture_of: Literal["target", "photo"]
    """Whose gradients the drawing should have: Section 3.4 against facts E.8."""
    operator: Literal["sobel", "prewitt"]
    """How gradients are taken: Section 3.4 against facts E.8."""
    geometric: Annotated[float, at_least(0)]
    """lambda 3."""
    geometry: Literal["squared", "root"]
    """Eq. 5 against facts E.8."""


@dataclass(frozen=True)
class HIDASettings:
    """One run of this system; what it reads is what it has: depth, style, both or neither."""

    system: Literal["hida"]
    task: Task
    network: Network
    loss: Loss
    optimizer: Literal["adam", "adamw"]
    """Section 4.1 against facts E.9."""
    augment: Augment
    schedule: Schedule

    def __post_init__(self) -> None:
        wrong, inputs, size = [], self.task.inputs, self.task.size
        if inputs not in INPUTS:
            allowed = "; ".join(", ".join(each) for each in INPUTS)
            wrong.append(f"task.inputs: {list(inputs)}; allowed: one of {allowed}")
        if self.task.target != "sketch":
            wrong.append(f"task.target: {self.task.target!r}; allowed: sketch")
        if size < SMALLEST or size & (size - 1):
            wrong.append(f"task.size: {size}; allowed: a power of two from {SMALLEST} on")
        adapts = self.network.activation == "infoacon" or self.network.modulation == "dyspade"
        if adapts and inputs == ("photo",) and self.network.appearance == "plane":
            wrong.append(
                "network.appearance: 'plane'; allowed: map, where neither depth nor style is read"
            )
        if "style" in inputs and not adapts:
            wrong.append(
                "task.inputs: style; allowed: where network.modulation is dyspade or "
                "network.activation is infoacon, through which alone style is heard"
            )
        if wrong:
            raise ValueError("\n".join(wrong))


class HIDA(System):
    """The system.

    Args:
        settings: of the run.
        channels: field name -> channels in the pack; of `style` the number of styles.
    """

    description = (
        "A network that draws as an artist looks: at the photo, at how near each pixel is"
        " (*depth*), and in a given artist's *style*. An encoder reads photo and depth; "
        "in the decoder, depth, style and what the photo looks like there set, pixel by "
        "pixel, how features are scaled and shifted (*DySPADE*) and which activation "
        "function they go through (*InfoACON*), and the two innermost layers bend their "
        "filters along outlines (*DOG*). It draws depth beside the sketch. It learns to "
        "stay near the target by pixels and by the direction of strokes (*texture*), near"
        " the true depth (*geometric*), and to leave a discriminator guessing that sees "
        "sketch and depth together. The settings below say which of these parts a run "
        "has."
    )
    source = (
        "F. Gao, Y. Zhu, C. Jiang, N. Wang: Human-Inspired Facial Sketch Synthesis with "
        "Dynamic Adaptation (HIDA)"
    )
    Settings = HIDASettings
    averaged = ("generator",)
    compiled = ("generator", "discriminator")

    def __init__(self, settings: HIDASettings, channels: dict[str, int]) -> None:
        self.settings = settings
        inputs, network = settings.task.inputs, settings.network
        self.with_depth = "depth" in inputs
        styles = channels["style"] if "style" in inputs else 0
        self.target_channels = channels[settings.task.target]
        # Without depth it is pix2pix's game, whose discriminator sees the photo (Table 2, model A).
        judged = (1 if self.with_depth else 3) + 1
        self.networks = nn.ModuleDict(
            {
                "generator": Generator(network, settings.task.size, self.with_depth, styles),
                "discriminator": Discriminator(judged, network.width),
            }
        )

    def optimizers(self) -> dict[str, Optimizer]:
        """One each, betas (0.5, 0.999) (facts E.9)."""
        schedule = self.settings.schedule
        kind: Any = OPTIMIZERS[self.settings.optimizer]
        rates = {"generator": schedule.lr_generator, "discriminator": schedule.lr_discriminator}
        return {
            name: kind(self.networks[name].parameters(), lr=rate, betas=(0.5, 0.999), fused=True)
            for name, rate in rates.items()
        }

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        """Discriminator, then generator; the one drawing serves both."""
        discriminator, weights = self.networks["discriminator"], self.settings.loss
        real, kind = as_grey(batch["sketch"]), ADVERSARIAL[weights.adversarial]
        sketch, depth = self._draw(batch)
        seen = batch["depth"] if self.with_depth else batch["photo"]
        drawn_with = depth if weights.judged_depth == "drawn" and depth is not None else seen
        fake = torch.cat([drawn_with, sketch], dim=1)
        judged_real, judged_fake = discriminator(
            torch.cat([torch.cat([seen, real], dim=1), fake.detach()])
        ).chunk(2)
        adversarial = kind.discriminator(judged_real, judged_fake)
        penalty = fourth_power_penalty(judged_real, judged_fake) if weights.fourth_power else 0.0
        terms = {
            "discriminator": update("discriminator", adversarial + weights.fourth_power * penalty)
        }
        parts = {"adversarial": kind.generator(discriminator(fake))}
        parts |= {"pixel": F.l1_loss(sketch, real)}  # Eq. 7
        like = real if weights.texture_of == "target" else batch["photo"]
        parts |= {"texture": texture_loss(sketch, like, weights.operator)}  # Eq. 6
        factors = {"adversarial": 1.0, "pixel": weights.pixel, "texture": weights.texture}
        if depth is not None:
            parts |= {"geometric": GEOMETRY[weights.geometry](depth, batch["depth"])}  # Eq. 5
            factors |= {"geometric": weights.geometric}
        loss = torch.stack([factors[name] * part for name, part in parts.items()]).sum()  # Eq. 9
        terms["generator"] = update("generator", loss)
        return terms | {name: part.detach() for name, part in parts.items()}

    def generate(self, batch: Batch) -> Tensor:
        """Inputs -> sketch, (B, C of the target, S, S) in [-1, 1]."""
        return self._draw(batch)[0].expand(-1, self.target_channels, -1, -1)

    def _draw(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        sketch, depth = self.networks["generator"](
            batch["photo"], batch.get("depth") if self.with_depth else None, batch.get("style")
        )
        return sketch, depth
