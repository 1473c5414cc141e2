"""Losses of critics and of variational autoencoders (docs/papers.md, Sketch2face, Choices)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Return the mean of fakes less that of real pictures, () (Lüken-Winkels and Häcker, Eq. 2).

    Args:
        real: values of real pictures, any shape.
        fake: values of generated ones.
    """
    return fake.float().mean() - real.float().mean()


def drift(real: Tensor, fake: Tensor) -> Tensor:
    """Return the distance from zero of all values' mean, (): the released `disc mean` term."""
    return (0.5 * (real.float().mean() + fake.float().mean())).abs()


def kl_divergence(code: Tensor) -> Tensor:
    """Return KL(N(mu, sigma) || N(0, 1)) as the *mean* over batch and dimensions, ().

    Args:
        code: (B, 2 L), mu and log variance.
    """
    mean, log_variance = code.float().chunk(2, dim=1)
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).mean()


def gradient_penalty(
    critic: nn.Module, real: Tensor, fake: Tensor, per: str, mix: Tensor | None = None
) -> Tensor:
    """Return the mean of (norm - 1)^2 of the critic's gradients between real and fake pictures, ().

    The norm is taken in 32 bits, whatever the critic computes in.

    Args:
        critic: (B, C, H, W) -> one value a picture.
        real: (B, C, H, W).
        fake: the same, without a graph.
        per: `sample` or `pixel`, see `NORMS`.
        mix: (B, 1, 1, 1) in [0, 1], the part of the real picture; drawn at random if None.
    """
    if mix is None:
        mix = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = (mix * real + (1 - mix) * fake).detach().requires_grad_(True)
    values = critic(between).float().sum()
    (gradient,) = torch.autograd.grad(values, between, create_graph=True)
    return (NORMS[per](gradient.float()) - 1).square().mean()


def _norm(gradient: Tensor, dims: tuple[int, ...]) -> Tensor:
    # The root has no derivative at zero.
    return (gradient.square().sum(dim=dims) + 1e-12).sqrt()


NORMS: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "sample": lambda gradient: _norm(gradient, (1, 2, 3)),
        "pixel": lambda gradient: _norm(gradient, (1,)),
    }
)
"""What a gradient's norm is taken over.

sample: all pixels and channels of a picture (Gulrajani et al. 2017, Eq. 3). pixel: its channels
alone, as the released code has it; a critic with norm 1 there has norm S over a picture of side S.
"""
