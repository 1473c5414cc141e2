"""What systems share whose generator learns against a discriminator.

A new one subclasses `GANSettings` and `GAN` and writes its networks, `training_step` and
`generate`; see `pix2pix` for a short example.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.optim import Optimizer

from sketchface_models.config import Among, above
from sketchface_models.labels import CLASSES, PARSING, as_labels, one_hot
from sketchface_models.losses.adversarial import ADVERSARIAL
from sketchface_models.networks.patchgan import DISCRIMINATORS
from sketchface_models.styles import STYLE
from sketchface_models.systems.base import Batch, System
from sketchface_models.systems.optimizers import FusedAdam, FusedAdamW
from sketchface_models.systems.run_settings import Augment, Schedule, Task

RGB = 3
"""Channels of a picture as a condition, also where its field is grey."""

AdversarialName = Annotated[str, Among(ADVERSARIAL)]
DiscriminatorName = Annotated[str, Among(DISCRIMINATORS)]

OPTIMIZERS: Mapping[str, Any] = {"adam": FusedAdam, "adamw": FusedAdamW}


@dataclass(frozen=True, kw_only=True)
class GANSchedule(Schedule):
    """How long and how fast both networks learn."""

    lr_generator: Annotated[float, above(0)]
    """Learning rate of the generator at the start."""
    lr_discriminator: Annotated[float, above(0)]
    """Learning rate of the discriminator at the start."""


@dataclass(frozen=True, kw_only=True)
class GANSettings:
    """What a run of any GAN says; a system adds its own fields."""

    task: Task
    augment: Augment
    schedule: GANSchedule
    optimizer: Literal["adam", "adamw"] = "adam"
    """Of both networks."""
    pretrain: Mapping[str, str] = field(default_factory=dict)
    """Part of a network -> RUN:PART that it starts from; see `training.starting_weights`."""


class GAN(System):
    """A generator and a discriminator that learn in turn, each with an optimizer of its own.

    `networks` holds them as `generator` and `discriminator`.
    """

    ema: tuple[str, ...] = ("generator",)
    compiled = ("generator", "discriminator")
    with_generator: tuple[str, ...] = ()
    """Networks that the generator's optimizer updates too."""
    betas: ClassVar[tuple[float, float]] = (0.5, 0.999)
    """Of Adam; those of pix2pix (Isola et al. 2017, section 3.3)."""

    def optimizers(self) -> dict[str, Optimizer]:
        """Return one optimizer for the generator and what learns with it, and the other's."""
        schedule: GANSchedule = self.settings.schedule
        kind = OPTIMIZERS[self.settings.optimizer]
        generator, discriminator = (
            [weight for name in names for weight in self.networks[name].parameters()]
            for names in (("generator", *self.with_generator), ("discriminator",))
        )
        return {
            "generator": kind(generator, lr=schedule.lr_generator, betas=self.betas),
            "discriminator": kind(discriminator, lr=schedule.lr_discriminator, betas=self.betas),
        }


def condition_channels(inputs: Sequence[str]) -> int:
    """Return how many channels `condition_of` gives for these input fields."""
    return sum(len(CLASSES) if name == PARSING else RGB for name in inputs)


def condition_of(batch: Batch, inputs: Sequence[str]) -> Tensor:
    """Return the input fields side by side, pictures as RGB, parsing maps one-hot.

    Args:
        batch: holds each field as (B, C, S, S), C 1 or 3.
        inputs: names of the fields.

    Returns:
        (B, condition_channels(inputs), S, S); pictures in [-1, 1], classes 0 or 1.
    """
    return torch.cat([_encoded(name, batch[name]) for name in inputs], dim=1)


def refused_styles(task: Task) -> list[str]:
    """Return a line that refuses a style among the inputs, for systems that read pictures alone."""
    line = "task.inputs: style; allowed: pictures alone, styles are for hida"
    return [line] if STYLE in task.inputs else []


def refused_size(task: Task, multiple: int, least: int) -> list[str]:
    """Return a line that refuses a side which is no multiple, or too small."""
    if task.size % multiple == 0 and task.size >= least:
        return []
    return [f"task.size: {task.size}; allowed: a multiple of {multiple}, {least} or more"]


def as_rgb(picture: Tensor) -> Tensor:
    """Return (B, 1 or 3, S, S) as (B, 3, S, S)."""
    return picture.expand(-1, RGB, -1, -1)


def pair(condition: Tensor, image: Tensor) -> Tensor:
    """Return what a conditional discriminator sees: the condition's channels, then the image's."""
    return torch.cat([condition, image], dim=1)


def weighted_sum(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Return the sum of all terms, (), each times its weight.

    Args:
        terms: name -> (); all that count.
        weights: name -> weight, for every term.
    """
    return torch.stack([weights[name] * term for name, term in terms.items()]).sum()


def _encoded(name: str, field: Tensor) -> Tensor:
    return one_hot(as_labels(field)) if name == PARSING else as_rgb(field)
