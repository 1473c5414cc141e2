"""What Sketch2face's systems share: settings, the critic's terms, and codes.

docs/papers.md, Sketch2face. A training step is one update of each critic; the generator is updated
at every `critic_steps`-th.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Generator, Tensor, nn
from torch.optim import Optimizer

from sketchface_models.config import Among, at_least, between
from sketchface_models.losses.wasserstein import NORMS, critic_loss, drift, gradient_penalty
from sketchface_models.networks.sketch2face import halvings_of
from sketchface_models.systems.base import Clock, System
from sketchface_models.systems.gan import OPTIMIZERS, GANSchedule, GANSettings
from sketchface_models.systems.run_settings import Task
from sketchface_models.systems.schedules import cosine_ramp

Shape = tuple[int, int, int]
"""Channels and side of pictures, and the width of their networks."""
OTHER_FIELDS = ("parsing", "depth", "style")
"""Fields that are no pictures in [-1, 1]."""


@dataclass(frozen=True, kw_only=True)
class CriticSchedule(GANSchedule):
    """How long and how fast generator and critics learn; a step is one update of the critics."""

    critic_steps: Annotated[int, at_least(1)]
    """Updates of the critics for one of the generator; 5 in the paper (section 2.2)."""


@dataclass(frozen=True, kw_only=True)
class CriticLoss:
    """The critic's loss (Lüken-Winkels and Häcker 2020, Eq. 2)."""

    penalty: Annotated[float, at_least(0)]
    """Weight of the gradient penalty; 10 as published."""
    penalty_per: Annotated[str, Among(NORMS)] = "sample"
    """What a gradient's norm is taken over: `sample` in the paper, `pixel` in the released code."""
    drift: Annotated[float, at_least(0)] = 0.0
    """Weight of the distance of the critic's mean from zero; 0 in the published runs, 1 in one."""


@dataclass(frozen=True, kw_only=True)
class VAELoss(CriticLoss):
    """Both losses of autoencoders with critics (Lüken-Winkels and Häcker 2020, Eq. 1 to 5)."""

    reconstruction: Annotated[float, at_least(0)]
    """Weight of L1 between a picture and its reconstruction; 5000 as published."""
    kl: Annotated[float, at_least(0)]
    """Weight of the codes' mean divergence from N(0, 1); 5000 as published."""
    kl_delay: Annotated[float, between(0, 1)]
    """Part of the steps before the divergence counts; 0.1 of the published 100,000."""
    kl_slope: Annotated[float, between(0, 1)]
    """Part of the steps in which its weight then rises; 0.02 or 0.05 as published."""

    def kl_weight(self, clock: Clock) -> float:
        """Return the weight of the divergence at this step."""
        delay, slope = (round(part * clock.steps) for part in (self.kl_delay, self.kl_slope))
        return self.kl * cosine_ramp(clock.step, delay, slope)


@dataclass(frozen=True, kw_only=True)
class LatentNetwork:
    """Sizes of encoders, decoders and critics, and what bounds a code."""

    width: Annotated[int, at_least(1)]
    """Channels of the first layer; 256 as published, deeper ones have up to four times it."""
    latent: Annotated[int, at_least(1)]
    """Size of a code; 256 as published."""
    free_mean: bool = True
    """Codes' means of any value; as released they end in a ReLU and are never negative."""
    free_deviation: bool = True
    """Deviations of any value; as released their logarithms end in a ReLU: never below one."""
    sampled_at_test: bool = False
    """Sample codes when pictures are generated, as released; otherwise take their means."""


@dataclass(frozen=True, kw_only=True)
class OnePictureSettings(GANSettings):
    """A run whose target is its only input: reconstructed, or what fakes are compared with."""

    schedule: CriticSchedule

    def __post_init__(self) -> None:
        task = self.task
        wrong = refused_pictures(task, (*task.inputs, task.target))
        if task.inputs != (task.target,) or task.unpaired:
            wrong.append(
                f"task.inputs, task.target: {list(task.inputs)}, {task.target!r}; allowed: one "
                "picture as both, paired"
            )
        if wrong:
            raise ValueError("\n".join(wrong))


class CriticSystem(System):
    """Networks that generate, learning against critics: those whose names end in `critic`."""

    source = "C. Lüken-Winkels, R. Häcker: Sketch2face"
    has_codes = True
    betas: tuple[float, float] = (0.5, 0.999)
    """Of the generator's Adam; the critics' are (0.5, 0.999)."""

    @property
    def learners(self) -> Sequence[str]:
        """Names of the networks that the generator's optimizer updates; all but critics."""
        return [name for name in self.networks if not name.endswith("critic")]

    @property
    def cycle(self) -> Sequence[Clock]:
        """Clocks of one cycle of updates, late enough for all losses to count."""
        steps, critic_steps = self.settings.schedule.steps, self.settings.schedule.critic_steps
        cycle = range(steps - steps % critic_steps or critic_steps)[-critic_steps:]
        return [Clock(step, steps, 0) for step in cycle]

    def optimizers(self) -> dict[str, Optimizer]:
        """Return one optimizer, `generator`, for what learns to generate, and one, `critic`."""
        schedule, kind = self.settings.schedule, OPTIMIZERS[self.settings.optimizer]
        critics = [name for name in self.networks if name.endswith("critic")]
        return {
            "generator": kind(
                self._weights(self.learners), lr=schedule.lr_generator, betas=self.betas
            ),
            "critic": kind(
                self._weights(critics), lr=schedule.lr_discriminator, betas=(0.5, 0.999)
            ),
        }

    def _weights(self, names: Iterable[str]) -> list[Tensor]:
        return [weight for name in names for weight in self.networks[name].parameters()]


def shape_of(task: Task, field: str, channels: Mapping[str, int], width: int) -> Shape:
    """Return channels and side of a field's pictures, and the width of networks for them."""
    return channels[field], task.sizes.get(field, task.size), width


def critic_terms(
    critic: nn.Module, real: Tensor, fake: Tensor, loss: CriticLoss
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return a critic's whole loss, (), and terms to log: its margin and the gradient penalty.

    Args:
        critic: gives one value a picture.
        real: (B, C, S, S).
        fake: the same, without a graph.
        loss: weights.
    """
    real_values, fake_values = critic(real), critic(fake)
    distance = critic_loss(real_values, fake_values)
    penalty = gradient_penalty(critic, real, fake, loss.penalty_per)
    total = distance + loss.penalty * penalty
    if loss.drift:
        total = total + loss.drift * drift(real_values, fake_values)
    return total, {"margin": -distance.detach(), "penalty": penalty.detach()}


def updates_generator(clock: Clock, critic_steps: int) -> bool:
    """Return whether the generator is updated at this step, after `critic_steps` of the critics."""
    return clock.step % critic_steps == critic_steps - 1


def sample_codes(code: Tensor, noise: Tensor | None = None) -> Tensor:
    """Return mu + sigma x noise in 32 bits, (B, 2 L) -> (B, L).

    Args:
        code: mu and log variance.
        noise: (B, L); standard normal from torch's global generator if None.
    """
    mean, log_variance = code.float().chunk(2, dim=1)
    noise = torch.randn_like(mean) if noise is None else noise
    return mean + (0.5 * log_variance).exp() * noise


def means(code: Tensor) -> Tensor:
    """Return mu of (B, 2 L) in 32 bits, (B, L)."""
    return code.float().chunk(2, dim=1)[0]


def noise_for(pictures: Tensor, latent: int, generator: Generator | None = None) -> Tensor:
    """Return standard normal noise, (B, latent).

    Args:
        pictures: (B, C, S, S).
        latent: size of a code.
        generator: of the noise, on the pictures' device; if None, each picture's own bytes seed
            its noise: the same picture gets the same in any batch.
    """
    if generator is not None:
        return torch.randn(
            len(pictures), latent, generator=generator, device=pictures.device, dtype=torch.float32
        )
    rows = [_own_noise(picture, latent) for picture in pictures.detach().float().cpu()]
    return torch.stack(rows).to(pictures.device)


def refused_pictures(task: Task, fields: Iterable[str]) -> list[str]:
    """Return lines that refuse fields which are no pictures, and sides that are no powers of 2."""
    wrong = []
    for name in dict.fromkeys(fields):
        if name in OTHER_FIELDS:
            wrong.append(f"task: {name!r}; allowed: pictures, not {', '.join(OTHER_FIELDS)}")
        try:
            halvings_of(task.sizes.get(name, task.size))
        except ValueError as error:
            wrong.append(f"task.size of {name}: {error}")
    return wrong


def _own_noise(picture: Tensor, latent: int) -> Tensor:
    digest = hashlib.sha256(picture.contiguous().numpy().tobytes()).digest()
    own = Generator().manual_seed(int.from_bytes(digest[:7], "big"))
    return torch.randn(latent, generator=own)
