"""What a discriminator and its generator learn from logits, by name.

All take logits of any shape, a patch's judgement each, larger for what looks real, and give (), the
mean over all of them. Of the two forms that cross-entropy has for a generator it is the one that
does not fade while the discriminator wins (Goodfellow et al. 2014, section 3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Adversarial:
    """Both sides of one game."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    """Logits of real and of fake pictures -> (), the sum of both means."""
    generator: Callable[[Tensor], Tensor]
    """Logits of fake pictures -> ()."""


def _cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    # -log D(real) - log(1 - D(fake)) with D = sigmoid, in a form that cannot overflow.
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def _hinge(real: Tensor, fake: Tensor) -> Tensor:
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def _least_squares(real: Tensor, fake: Tensor) -> Tensor:
    return (real - 1).square().mean() + fake.square().mean()


ADVERSARIAL: Mapping[str, Adversarial] = MappingProxyType(
    {
        "cross-entropy": Adversarial(_cross_entropy, lambda fake: F.softplus(-fake).mean()),
        "hinge": Adversarial(_hinge, lambda fake: -fake.mean()),
        "least-squares": Adversarial(_least_squares, lambda fake: (fake - 1).square().mean()),
    }
)
"""HIDA's Eq. 8; its released code's (facts E.8); LSGAN's (Mao et al. 2017, Eq. 9)."""


def fourth_power_penalty(real: Tensor, fake: Tensor) -> Tensor:
    """Keep a discriminator's two mean judgements together (HIDA's released code, facts E.8).

    Args:
        real: logits of real pictures.
        fake: logits of fake ones.

    Returns:
        (), 0.5 (mean D(fake) - mean D(real))^4: next to nothing below a distance of 1, steep above.
    """
    return 0.5 * (fake.mean() - real.mean()).pow(4)
