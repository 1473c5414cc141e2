"""Batches of photos and sketches that are noise, and an update that changes nothing."""

import torch
from torch import Tensor


def noise_batch(size: int, faces: int = 2, seed: int = 0) -> dict[str, Tensor]:
    """Photos (faces, 3, size, size) and sketches (faces, 1, size, size) in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: 2 * torch.rand(faces, channels, size, size, generator=generator) - 1
        for name, channels in (("photo", 3), ("sketch", 1))
    }


def no_update(name: str, loss: Tensor) -> Tensor:
    """Leaves all weights as they are."""
    return loss.detach()
