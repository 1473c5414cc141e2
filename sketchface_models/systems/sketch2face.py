"""Doodle <-> photo without pairs, through two variational autoencoders.

Lüken-Winkels and Häcker 2020, section 3.2; docs/papers.md, Sketch2face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from sketchface_models.config import at_least
from sketchface_models.losses.wasserstein import kl_divergence
from sketchface_models.networks.sketch2face import (
    Critic,
    Decoder,
    Encoder,
    LatentBound,
    LatentLayers,
)
from sketchface_models.systems.base import Batch, Clock, Output, Update, lay_out
from sketchface_models.systems.critics import (
    CriticSchedule,
    CriticSystem,
    LatentNetwork,
    VAELoss,
    critic_terms,
    means,
    noise_for,
    refused_pictures,
    sample_codes,
    shape_of,
    updates_generator,
)
from sketchface_models.systems.gan import GANSettings, weighted_sum


@dataclass(frozen=True, kw_only=True)
class Network(LatentNetwork):
    """Sizes of all networks, and what of them learns."""

    latent_layers: Annotated[int, at_least(0)]
    """Linear layers that translate codes; 4 as published, 0 from scratch."""
    learns: Literal["all", "latent"]
    """What the generator's optimizer updates: all of it, or the latent layers alone."""
    latent_beta: float = 0.5
    """First beta of Adam where latent layers alone learn; 0.9 in the published run."""

    def __post_init__(self) -> None:
        if self.learns == "latent" and not self.latent_layers:
            raise ValueError("latent_layers: 0; allowed: 1 or more where they alone learn")


@dataclass(frozen=True, kw_only=True)
class Sketch2FaceSettings(GANSettings):
    """One run of this system."""

    system: Literal["sketch2face"]
    """The name in the registry of systems."""
    network: Network
    loss: VAELoss
    schedule: CriticSchedule

    def __post_init__(self) -> None:
        task = self.task
        wrong = refused_pictures(task, (*task.inputs, task.target))
        if len(task.inputs) != 1:
            wrong.append(f"task.inputs: {list(task.inputs)}; allowed: one picture")
        if not task.unpaired:
            wrong.append("task.unpaired: false; allowed: true, each domain has its own faces")
        if wrong:
            raise ValueError("\n".join(wrong))


class Sketch2Face(CriticSystem):
    """The system.

    Each field has `FIELD_encoder`, `FIELD_decoder` and `FIELD_critic`; `to_FIELD` are the latent
    layers that translate the other field's codes into its own.

    Args:
        settings: of the run.
        channels: field name -> channels in the pack.
    """

    description = (
        "A doodle is shrunk to a short code by the encoder of an autoencoder that learned doodles, "
        "a few layers translate the code, and the decoder of another, which learned photos, paints "
        "a face of it; and the other way round. No doodle belongs to a photo: a picture that is "
        "translated and translated back must come out as it was, and critics tell fakes from true "
        "pictures. Codes are sampled, so that a doodle has many faces."
    )
    Settings = Sketch2FaceSettings

    def __init__(self, settings: Sketch2FaceSettings, channels: dict[str, int]) -> None:
        self.settings = settings
        network, task = settings.network, settings.task
        (source,), target = task.inputs, task.target
        self.sources = {target: source, source: target}
        bound = LatentBound(network.free_mean, network.free_deviation)
        networks: dict[str, nn.Module] = {}
        for field in self.sources:
            shape = shape_of(task, field, channels, network.width)
            networks[f"{field}_encoder"] = Encoder(*shape, network.latent, bound)
            networks[f"{field}_decoder"] = Decoder(*shape, network.latent)
            networks[f"{field}_critic"] = Critic(*shape)
            if network.latent_layers:
                layers = LatentLayers(network.latent, network.latent_layers, bound)
                networks[f"to_{field}"] = layers
        self.networks = nn.ModuleDict(networks)
        lay_out(self.networks)
        self.ema = tuple(name for name in networks if not name.endswith("critic"))
        if network.learns == "latent":
            self.betas = (network.latent_beta, 0.999)

    @classmethod
    def outputs_of(cls, settings: Sketch2FaceSettings) -> dict[str, Output]:
        """Return both pictures, each made of the other; the target first."""
        return {field: Output(field) for field in (settings.task.target, *settings.task.inputs)}

    @property
    def compiled(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of the networks that the compiler may fuse: all but critics."""
        return self.ema

    @property
    def learners(self) -> Sequence[str]:
        """Names of what the generator's optimizer updates: all that translates, or latent layers.

        Encoders and decoders that do not learn are in no optimizer; they stay in training mode, as
        in the released code: their batch norms use each batch's statistics.
        """
        latent = self.settings.network.learns == "latent"
        return [name for name in self.ema if name.startswith("to_") or not latent]

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        """Update both critics, and at every `critic_steps`-th step what translates."""
        loss = self.settings.loss
        generator_step = updates_generator(clock, self.settings.schedule.critic_steps)
        codes, fakes = {}, {}
        with torch.set_grad_enabled(generator_step):
            for field, source in self.sources.items():
                codes[source], fakes[field] = self._translate(batch[source], field)

        # Critics, Eq. 4 and 5, on first-pass fakes alone.
        totals: list[Tensor] = []
        terms: dict[str, Tensor] = {}
        for field, fake in fakes.items():
            critic = self.networks[f"{field}_critic"]
            total, own = critic_terms(critic, batch[field], fake.detach(), loss)
            totals.append(total)
            terms |= {f"{name}_{field}": term for name, term in own.items()}
        terms["critic"] = update("critic", torch.stack(totals).sum())
        if not generator_step:
            return terms

        # What translates, Eq. 3.
        parts, kl_weight = {}, loss.kl_weight(clock)
        weights: dict[str, float] = {}
        for field, source in self.sources.items():
            _, cycled = self._translate(fakes[source], field)
            fake_values = self.networks[f"{field}_critic"](fakes[field])
            parts[f"cycle_{field}"] = F.l1_loss(cycled.float(), batch[field])
            parts[f"adversarial_{field}"] = -fake_values.float().mean()
            parts[f"kl_{field}"] = kl_divergence(codes[field])
            weights |= {
                f"cycle_{field}": loss.reconstruction,
                f"adversarial_{field}": 1.0,
                f"kl_{field}": kl_weight,
            }
        terms["generator"] = update("generator", weighted_sum(parts, weights))
        return terms | {name: part.detach() for name, part in parts.items()}

    def generate(self, batch: Batch) -> Tensor:
        """Return the targets, (B, C, S, S) in [-1, 1]."""
        target = self.settings.task.target
        return self._generated(batch[self.sources[target]], target)

    def generate_all(self, batch: Batch) -> dict[str, Tensor]:
        """Return targets made of inputs, and inputs made of targets, of the fields in the batch."""
        sources = {field: self.sources[field] for field in self.outputs}
        return {
            field: self._generated(batch[source], field)
            for field, source in sources.items()
            if source in batch
        }

    def sample(self, batch: Batch, generator: Generator) -> dict[str, Tensor]:
        """Return pictures of sampled codes, each field's made of the other that the batch has."""
        latent = self.settings.network.latent
        sampled = {}
        for field in self.outputs:
            source = self.sources[field]
            if source in batch:
                noise = noise_for(batch[source], latent, generator)
                sampled[field] = self._decoded(
                    sample_codes(self._code(batch[source], field), noise), field
                )
        return sampled

    def _generated(self, picture: Tensor, field: str) -> Tensor:
        """Return `field` made of the other field's picture: of its code's mean, or of a sample."""
        code, network = self._code(picture, field), self.settings.network
        if network.sampled_at_test:
            return self._decoded(sample_codes(code, noise_for(picture, network.latent)), field)
        return self._decoded(means(code), field)

    def _translate(self, picture: Tensor, field: str) -> tuple[Tensor, Tensor]:
        """Return code (B, 2 L) and `field`, (B, C, S, S), of the other field's pictures."""
        code = self._code(picture, field)
        return code, self._decoded(sample_codes(code), field)

    def _code(self, picture: Tensor, field: str) -> Tensor:
        """Return mean and log variance, (B, 2 L), in the latent space of `field`."""
        code: Tensor = self.networks[f"{self.sources[field]}_encoder"](picture)
        if self.settings.network.latent_layers:
            code = self.networks[f"to_{field}"](code)
        return code

    def _decoded(self, codes: Tensor, field: str) -> Tensor:
        picture: Tensor = self.networks[f"{field}_decoder"](codes)
        return picture
