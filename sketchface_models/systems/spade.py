"""Parsing map -> photo (docs/papers.md, SPADE for faces): Zhang et al. 2019, Park et al. 2019."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from sketchface_models.config import Among, at_least, between
from sketchface_models.losses.adversarial import ADVERSARIAL
from sketchface_models.losses.multi_scale import (
    discriminator_loss,
    feature_matching,
    generator_loss,
)
from sketchface_models.losses.perceptual import PERCEPTUAL, perceptual_network
from sketchface_models.networks.pix2pixhd import MultiScaleDiscriminator
from sketchface_models.networks.spade import (
    CODE,
    DOUBLINGS,
    SPADEEncoder,
    SPADEGenerator,
)
from sketchface_models.systems.base import Batch, Clock, Update, lay_out
from sketchface_models.systems.coarse_steps import NEVER, Coarse, shrunken
from sketchface_models.systems.gan import (
    GAN,
    RGB,
    AdversarialName,
    GANSettings,
    as_rgb,
    condition_channels,
    condition_of,
    pair,
    refused_size,
    refused_styles,
    weighted_sum,
)

MULTIPLE = 2**DOUBLINGS
"""Sides are multiples of it."""
MIN_SIZE = 64
"""Side of the smallest pictures: the third scale's instance norms need more than one pixel."""
INIT_GAIN = 0.02
"""Weights start as Xavier's with this gain, biases at 0 (Park et al. 2019, released code)."""


@dataclass(frozen=True)
class Network:
    """Sizes and parts of the networks."""

    width: Annotated[int, at_least(1)]
    """Channels of the generator's last block and of the encoder's first layer; 64 as published."""
    discriminator_width: Annotated[int, at_least(1)]
    """Channels of the discriminator's first layer; 64 as published."""
    scales: Annotated[int, between(1, 3)]
    """Of the discriminator; 3 in Zhang et al. 2019, section 2.4.2, 2 in what they ran."""
    encoder: bool
    """Start from a style code, an encoder's in training (Zhang et al. 2019, section 2.4.3), or
    from the shrunken map (what they ran)."""
    noise: bool = False
    """Add noise of learned strength in every block; planned by Zhang et al. 2019."""
    mixing: bool = False
    """Read a coarse and a fine style code; likewise planned. Needs the encoder."""

    def __post_init__(self) -> None:
        if self.mixing and not self.encoder:
            raise ValueError("mixing: true; allowed: false without encoder, as there are no codes")


@dataclass(frozen=True)
class Loss:
    """The terms of the generator's loss and their weights (Park et al. 2019, appendix A)."""

    feature_matching: Annotated[float, at_least(0)]
    """Weight of the discriminator's maps; 10 as published."""
    perceptual: Annotated[str, Among(PERCEPTUAL)]
    """Network of the perceptual loss: vgg19 as published, parser, none."""
    perceptual_weight: Annotated[float, at_least(0)]
    """Its weight; 10 as published."""
    divergence: Annotated[float, at_least(0)]
    """Weight of the codes' mean divergence from the normal distribution; published: 0.05 of the sum
    over a GPU's faces (5 in Zhang et al. 2019)."""
    adversarial: AdversarialName = "hinge"
    """Hinge as published."""


@dataclass(frozen=True, kw_only=True)
class SPADESettings(GANSettings):
    """One run of this system."""

    system: Literal["spade"]
    """The name in the registry of systems."""
    network: Network
    loss: Loss
    coarse: Coarse = NEVER
    """Training at a fraction of the side first; not published."""

    def __post_init__(self) -> None:
        divisor = self.coarse.divisor
        wrong = refused_size(self.task, MULTIPLE * divisor, MIN_SIZE * divisor)
        wrong += refused_styles(self.task)
        if wrong:
            raise ValueError("\n".join(wrong))


class SPADEFaces(GAN):
    """The system.

    Args:
        settings: of the run.
        channels: field name -> channels in the pack.
    """

    description = (
        "A convolutional network grows a photo from a style code, or from the shrunken map, in "
        "seven blocks. *SPADE* normalises each block's features and then scales and shifts them, "
        "pixel by pixel, by what a small network reads in the parsing map: the map is never "
        "washed away by normalisation. In training an encoder gives the style code of the true "
        "photo. Discriminators see map and photo side by side, at several sizes."
    )
    source = (
        "T. Park and others: Semantic Image Synthesis with Spatially-Adaptive Normalization, as "
        "Zhang and others use it for faces"
    )
    Settings = SPADESettings
    betas: ClassVar[tuple[float, float]] = (0.0, 0.9)

    def __init__(self, settings: SPADESettings, channels: dict[str, int]) -> None:
        self.settings = settings
        self.target_channels = channels[settings.task.target]
        network, size = settings.network, settings.task.size
        maps = condition_channels(settings.task.inputs)
        networks: dict[str, nn.Module] = {
            "generator": SPADEGenerator(
                maps, RGB, network.width, size, network.encoder, network.noise, network.mixing
            ),
            "discriminator": MultiScaleDiscriminator(
                maps + RGB, network.discriminator_width, network.scales, spectral=True
            ),
        }
        if network.encoder:
            networks["encoder"] = SPADEEncoder(network.width, size)
            self.with_generator = ("encoder",)
            self.ema = ("generator", "encoder")  # styles of photos are read after training, too
        self.networks = nn.ModuleDict(networks)
        self.networks.apply(_init_xavier)
        lay_out(self.networks)

    @functools.cached_property
    def frozen(self) -> dict[str, nn.Module]:
        """The perceptual network, if there is one."""
        return perceptual_network(self.settings.loss.perceptual)

    @property
    def has_codes(self) -> bool:
        """Whether pictures depend on a style code."""
        return self.settings.network.encoder

    @property
    def cycle(self) -> Sequence[Clock]:
        """Clocks that stand for all steps."""
        return self.settings.coarse.cycle(self.settings.schedule.steps)

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        """Update the generator, then the discriminator, on the same fakes.

        The released code draws a second fake for the discriminator, after the generator's step.
        """
        generator, discriminator = self.networks["generator"], self.networks["discriminator"]
        task, loss = self.settings.task, self.settings.loss
        adversarial, scales = ADVERSARIAL[loss.adversarial], self.settings.network.scales
        codes: Sequence[Tensor] = ()
        terms: dict[str, Tensor] = {}
        weights = {"adversarial": 1.0, "feature_matching": loss.feature_matching}
        if self.has_codes:
            mean, log_variance = self.networks["encoder"](as_rgb(batch[task.target]))
            codes = self._codes_around(mean, log_variance)
            terms["divergence"] = divergence(mean, log_variance)
            weights["divergence"] = loss.divergence
        batch = shrunken(batch, self.settings.coarse.side(task.size, clock))
        segmentation, real = condition_of(batch, task.inputs), as_rgb(batch[task.target])
        fake = generator(segmentation, codes)

        # Generator and encoder.
        real_maps = discriminator(pair(segmentation, real))
        fake_maps = discriminator(pair(segmentation, fake))
        terms["adversarial"] = generator_loss(adversarial, fake_maps) / scales
        terms["feature_matching"] = feature_matching(real_maps, fake_maps)
        if "perceptual" in self.frozen:
            terms["perceptual"] = self.frozen["perceptual"](fake, real)
            weights["perceptual"] = loss.perceptual_weight
        updates = {"generator": update("generator", weighted_sum(terms, weights))}

        # Discriminator; its weights are still those that gave `real_maps`.
        fake_maps = discriminator(pair(segmentation, fake.detach()))
        total = discriminator_loss(adversarial, real_maps, fake_maps) / scales
        updates["discriminator"] = update("discriminator", total)
        return updates | {name: term.detach() for name, term in terms.items()}

    def generate(self, batch: Batch) -> Tensor:
        """Return the photos for the code 0, (B, C of the target, S, S) in [-1, 1]."""
        segmentation = self._segmentation(batch)
        zero = torch.zeros(len(segmentation), CODE, device=segmentation.device)
        return self.from_codes(batch, [zero] * self._count)

    def sample(self, batch: Batch, generator: Generator) -> dict[str, Tensor]:
        """Return photos for random codes, if there are codes."""
        if not self.has_codes:
            return {}
        segmentation = self._segmentation(batch)
        shape = (self._count, len(segmentation), CODE)
        codes = torch.randn(shape, generator=generator, device=segmentation.device)
        return {self.settings.task.target: self.from_codes(batch, [*codes])}

    def in_style_of(self, batch: Batch, photos: Tensor) -> Tensor | None:
        """Return photos with the codes that the encoder gives others, if there are codes."""
        if not self.has_codes:
            return None
        return self.from_codes(batch, [self.style_of(as_rgb(photos))] * self._count)

    def from_codes(self, batch: Batch, codes: Sequence[Tensor]) -> Tensor:
        """Return the photos for given codes, (B, C of the target, S, S) in [-1, 1].

        Args:
            batch: holds the inputs.
            codes: one (B, 256), or two with `mixing`: coarse and fine; unused without encoder.
        """
        generated: Tensor = self.networks["generator"](self._segmentation(batch), codes)
        return generated[:, : self.target_channels]

    def style_of(self, photos: Tensor) -> Tensor:
        """Return the codes that the encoder gives photos, (B, 3, S, S) -> (B, 256): their means."""
        mean: Tensor = self.networks["encoder"](photos)[0]
        return mean

    @property
    def _count(self) -> int:
        """Codes that the generator reads."""
        return 1 + self.settings.network.mixing

    def _segmentation(self, batch: Batch) -> Tensor:
        return condition_of(batch, self.settings.task.inputs)

    def _codes_around(self, mean: Tensor, log_variance: Tensor) -> list[Tensor]:
        """Draw the codes of each face, independently, from its photo's distribution."""
        deviation = (0.5 * log_variance.float()).exp()
        return [mean.float() + deviation * torch.randn_like(deviation) for _ in range(self._count)]


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return how far codes are from the normal distribution (Kingma and Welling 2014, appendix B).

    Summed over a code's numbers and averaged over faces; the released code sums over the faces of
    a GPU too, so that its weight grows with the batch.

    Args:
        mean: of each face's codes, (B, 256).
        log_variance: likewise.

    Returns:
        (), 0 or more.
    """
    mean, log_variance = mean.float(), log_variance.float()
    terms = 1 + log_variance - mean.square() - log_variance.exp()
    return -0.5 * terms.sum(dim=1).mean()


def _init_xavier(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d | nn.Linear):
        module: Any = layer
        weight = module.parametrizations.weight.original if is_parametrized(layer) else layer.weight
        nn.init.xavier_normal_(weight, gain=INIT_GAIN)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
