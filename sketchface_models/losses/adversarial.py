"""Adversarial losses by name.

All take logits of any shape, one for each patch, larger for what looks real, and return (), the
mean over all of them. Of the two forms that cross-entropy has for a generator it is the one that
does not fade while the discriminator wins (Goodfellow et al. 2014, section 3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Adversarial:
    """What both networks minimise."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    """Logits of real and of fake pictures -> (), the sum of both means."""
    generator: Callable[[Tensor], Tensor]
    """Logits of fake pictures -> ()."""


def _cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    # -log D(real) - log(1 - D(fake)) with D = sigmoid, in a form that cannot overflow.
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def _labelled(logits: Tensor, label: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def _hinge(real: Tensor, fake: Tensor) -> Tensor:
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def _least_squares(real: Tensor, fake: Tensor) -> Tensor:
    return (real - 1).square().mean() + fake.square().mean()


ADVERSARIAL: Mapping[str, Adversarial] = MappingProxyType(
    {
        "cross-entropy": Adversarial(_cross_entropy, lambda fake: F.softplus(-fake).mean()),
        "bce": Adversarial(
            lambda real, fake: _labelled(real, 1.0) + _labelled(fake, 0.0),
            lambda fake: _labelled(fake, 1.0),
        ),
        "hinge": Adversarial(_hinge, lambda fake: -fake.mean()),
        "least-squares": Adversarial(_least_squares, lambda fake: (fake - 1).square().mean()),
    }
)
"""Name, as `systems.RUN.loss.adversarial` gives it, -> both losses.

cross-entropy: Gao et al. 2023, Eq. 8. bce: the same loss by torch's function of labels, which
rounds differently. hinge: HIDA's released code. least-squares: Mao et al. 2017, Eq. 9.
"""
