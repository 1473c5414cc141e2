"""What a generator and a discriminator of several scales minimise (Wang et al. 2018, Section 3.2).

The discriminator gives, for each scale, its maps: those behind its activations, then the logits.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from sketchface_models.losses.adversarial import Adversarial

Maps = Sequence[Sequence[Tensor]]
"""For each scale, the maps of one batch, logits last."""


def discriminator_loss(adversarial: Adversarial, real: Maps, fake: Maps) -> Tensor:
    """Return the discriminator's loss, (), summed over the scales."""
    pairs = zip(real, fake, strict=True)
    return torch.stack([adversarial.discriminator(r[-1], f[-1]) for r, f in pairs]).sum()


def generator_loss(adversarial: Adversarial, fake: Maps) -> Tensor:
    """Return the generator's loss, (), summed over the scales (Wang et al. 2018, Eq. 3)."""
    return torch.stack([adversarial.generator(maps[-1]) for maps in fake]).sum()


def feature_matching(real: Maps, fake: Maps) -> Tensor:
    """Return the distance of the discriminator's maps of real and fake (Wang et al. 2018, Eq. 4).

    The mean absolute difference of each map but the logits, summed over a scale's maps and averaged
    over the scales, as in the released code. Gradients go to `fake` alone.

    Args:
        real: maps of real pictures.
        fake: maps of fake ones, of the same shapes.

    Returns:
        (), 0 or more.
    """
    scales = [
        torch.stack([F.l1_loss(f, r.detach()) for r, f in zip(rs[:-1], fs[:-1], strict=True)]).sum()
        for rs, fs in zip(real, fake, strict=True)
    ]
    return torch.stack(scales).mean()
