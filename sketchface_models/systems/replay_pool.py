"""Earlier fakes that a discriminator sees again, so that it forgets none of the generator's tricks.

Shrivastava et al. 2017, section 2.3; as CycleGAN has it (Zhu et al. 2017, section 4).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


class ReplayPool:
    """Up to `capacity` fakes; each process that shares a batch has a pool of its own.

    A system returns `stack()` among its state, so that a resumed run sees the same fakes again.

    Args:
        capacity: most fakes that stay; 0 = none, the newest alone are seen.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.pictures: list[Tensor] = []

    def exchange(self, fakes: Tensor) -> Tensor:
        """Return what the discriminator sees in place of the newest fakes, one for each.

        While the pool fills, each new fake goes into it and is seen itself. After that, half of
        the time, it takes the place of one from the pool, which is seen instead.

        Args:
            fakes: (B, C, S, S); the pool gets copies without their graph. Its content moves to
                their device: `fill` may have brought it from another one.

        Returns:
            (B, C, S, S), without a graph.
        """
        self.pictures = [picture.to(fakes.device) for picture in self.pictures]
        return torch.stack([self._exchanged(fake.contiguous()) for fake in fakes.detach()])

    def stack(self) -> Tensor | None:
        """Return the fakes in the pool, (N, C, S, S); None while there are none."""
        return torch.stack(self.pictures) if self.pictures else None

    def fill(self, pictures: Iterable[Tensor]) -> None:
        """Replace the pool's content, each (C, S, S): what `stack` returned, or nothing."""
        self.pictures = [picture.clone() for picture in pictures]

    def _exchanged(self, fake: Tensor) -> Tensor:
        if len(self.pictures) < self.capacity:
            self.pictures.append(fake.clone())
        elif self.capacity and torch.rand(()) < 0.5:
            position = int(torch.randint(self.capacity, ()))
            earlier = self.pictures[position]
            self.pictures[position] = fake.clone()
            return earlier
        return fake
