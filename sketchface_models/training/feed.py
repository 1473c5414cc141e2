"""Which faces a step sees and how they are moved: pure functions of (seed, step).

Nothing here has a state, so a resumed run sees exactly what an uninterrupted one would have.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from sketchface_models.systems.base import Augment
from sketchface_models.training.pack import Pack


def stream_seed(*names: object) -> int:
    """A 63-bit seed that depends on all `names` and nothing else."""
    digest = hashlib.sha256("\0".join(map(str, names)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class Feed:
    """Batches of a pack's training split.

    Every face is seen once before any is seen again, in a new order each epoch; a batch may
    straddle two epochs.
    """

    def __init__(self, pack: Pack, batch: int, augment: Augment, seed: int) -> None:
        self.pack, self.batch, self.augment, self.seed = pack, batch, augment, seed
        self.train = pack.rows("train")

    def epoch(self, step: int) -> int:
        """Whole passes over the training faces before `step`."""
        return step * self.batch // len(self.train)

    def rows(self, step: int) -> np.ndarray:
        """Row numbers of the batch at `step`, (B,) int64."""
        positions = np.arange(step * self.batch, (step + 1) * self.batch)
        epochs, within = positions // len(self.train), positions % len(self.train)
        order = {epoch: self._order(int(epoch)) for epoch in np.unique(epochs)}
        return self.train[[order[e][i] for e, i in zip(epochs, within, strict=True)]]

    def raw(self, step: int) -> dict[str, Tensor]:
        """The batch at `step` as uint8 tensors, mirrored and shifted as `augment` says."""
        raw = self.pack.read(self.rows(step))
        draw = np.random.default_rng(stream_seed(self.seed, "augment", step))
        flips = draw.random(self.batch) < 0.5
        reach = round(self.augment.jitter * self.pack.size)
        shifts = draw.integers(-reach, reach + 1, size=(self.batch, 2))
        for name, tensor in raw.items():
            if self.augment.flip:
                tensor[flips] = tensor[flips].flip(-1)
            if reach:
                raw[name] = _shift(tensor, shifts, reach)
        return raw

    def _order(self, epoch: int) -> np.ndarray:
        return np.random.default_rng(stream_seed(self.seed, "order", epoch)).permutation(
            len(self.train)
        )


def _shift(tensor: Tensor, shifts: np.ndarray, reach: int) -> Tensor:
    """Move each picture by its (dx, dy), replicating the border."""
    size = tensor.shape[-1]
    # Replication padding exists for floats only; uint8 values survive the way there and back.
    padded = F.pad(tensor.float(), (reach,) * 4, mode="replicate").to(tensor.dtype)
    moved = tensor.clone()
    for i, (dx, dy) in enumerate(shifts):
        top, left = reach - int(dy), reach - int(dx)
        moved[i] = padded[i, :, top : top + size, left : left + size]
    return moved
