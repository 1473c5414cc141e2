"""Batches, and how their faces are mirrored and shifted: pure functions of (seed, step).

Nothing here has a state, so a resumed run sees exactly what an uninterrupted one would have, and
several processes together see exactly what one would.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections import deque
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from sketchface_models.errors import SketchFaceError
from sketchface_models.labels import MIRRORED, PARSING
from sketchface_models.systems.base import Augment
from sketchface_models.training.pack import Pack

PREFETCH = 4
"""Batches read ahead, each by a thread of its own."""


def stream_seed(*names: object) -> int:
    """Return a 63-bit seed that depends on all `names` and nothing else."""
    digest = hashlib.sha256("\0".join(map(str, names)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class Feed:
    """Batches of a pack's training split.

    Every face is seen once before any is seen again, in a new order each epoch; a batch may
    straddle two epochs.

    Args:
        pack: to read from.
        batch: faces a step, over all processes together.
        augment: how faces are moved. Random numbers belong to a face's position in the whole
            batch, so the number of processes changes nothing.
        seed: of order and augmentation.
        rank: this process, of `world`; it reads positions rank, rank + world, ... of each batch.
        world: number of processes.

    Raises:
        SketchFaceError: if the processes cannot share a batch evenly.
    """

    def __init__(
        self, pack: Pack, batch: int, augment: Augment, seed: int, rank: int = 0, world: int = 1
    ) -> None:
        if batch % world:
            raise SketchFaceError(
                f"schedule.batch: {batch} faces do not share out evenly over {world} processes; "
                f"choose a multiple of {world}, such as {(batch // world + 1) * world}"
            )
        self.pack, self.batch, self.augment, self.seed = pack, batch, augment, seed
        self.own = slice(rank, None, world)
        self.train = pack.rows("train")
        # A batch touches one or two epochs; permuting a large pack takes milliseconds.
        self._order = functools.lru_cache(maxsize=4)(self._permutation)

    def epoch(self, step: int) -> int:
        """Return the number of whole passes over the training faces before `step`."""
        return step * self.batch // len(self.train)

    def rows(self, step: int) -> np.ndarray:
        """Return row numbers of this process's part of a batch: (batch / world,) int64."""
        positions = np.arange(step * self.batch, (step + 1) * self.batch)[self.own]
        epochs, within = np.divmod(positions, len(self.train))
        chosen = np.empty_like(positions)
        for epoch in np.unique(epochs):
            chosen[epochs == epoch] = self._order(int(epoch))[within[epochs == epoch]]
        return self.train[chosen]

    def raw(self, step: int) -> dict[str, Tensor]:
        """Return the batch at `step` as uint8 tensors, mirrored and shifted as `augment` says."""
        generator = np.random.default_rng(stream_seed(self.seed, "augment", step))
        mirrored = (generator.random(self.batch) < 0.5)[self.own]
        largest = round(self.augment.jitter * self.pack.size)
        shifts = generator.integers(-largest, largest + 1, size=(self.batch, 2))[self.own]
        if not self.augment.flip:
            if not largest:
                return self.pack.read(self.rows(step))
            mirrored[:] = False
        lines, columns = _source_pixels(self.pack.size, shifts, mirrored)
        batch = self.pack.sample(self.rows(step), lines, columns)
        if PARSING in batch and mirrored.any():
            rows = torch.from_numpy(mirrored)
            batch[PARSING][rows] = _mirrored_labels(batch[PARSING][rows])
        return batch

    def prefetched(self, start: int, pin: bool = False) -> Generator[tuple[int, dict[str, Tensor]]]:
        """Yield (step, `raw(step)`) for steps `start`, `start` + 1, ..., without end, read ahead.

        Threads read at most `PREFETCH` batches in advance; they end with the iterator (`close()`,
        or when the iterator is let go). An error in reading is raised at the step it belongs to.

        Args:
            start: first step.
            pin: put batches in page-locked memory, from which a GPU copies asynchronously.
        """

        def read(step: int) -> dict[str, Tensor]:
            raw = self.raw(step)
            return {name: tensor.pin_memory() for name, tensor in raw.items()} if pin else raw

        threads = ThreadPoolExecutor(PREFETCH, "feed")
        try:
            waiting = deque(threads.submit(read, step) for step in range(start, start + PREFETCH))
            for step in itertools.count(start):
                raw = waiting.popleft().result()
                waiting.append(threads.submit(read, step + PREFETCH))
                yield step, raw
        finally:
            threads.shutdown(cancel_futures=True)

    def _permutation(self, epoch: int) -> np.ndarray:
        return np.random.default_rng(stream_seed(self.seed, "order", epoch)).permutation(
            len(self.train)
        )


def _mirrored_labels(labels: Tensor) -> Tensor:
    """Swap left and right classes of uint8 labels; what is no class stays."""
    table = torch.arange(256, dtype=torch.uint8)
    table[: len(MIRRORED)] = torch.tensor(MIRRORED, dtype=torch.uint8)
    return table[labels.long()]


def _source_pixels(
    size: int, shifts: np.ndarray, mirrored: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the line and column each pixel of each moved picture comes from: (B, size) int64.

    Pictures are mirrored, then shifted by their (dx, dy). Holding the indices within the picture
    repeats its border.
    """
    columns, lines = (
        np.clip(np.arange(size) - shifts[:, axis, None], 0, size - 1) for axis in (0, 1)
    )
    return lines, np.where(mirrored[:, None], size - 1 - columns, columns)
