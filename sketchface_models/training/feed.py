"""Batches, and how their faces are moved: pure functions of (seed, step).

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

from sketchface_models.augmentation.moved_contours import move_contours
from sketchface_models.errors import SketchFaceError
from sketchface_models.labels import MIRRORED, PARSING
from sketchface_models.styles import STYLE
from sketchface_models.systems.run_settings import Augment
from sketchface_models.training.pack_reader import Domain, Pack

PREFETCH = 4
"""Batches read ahead, each by a thread of its own."""
CONTOUR = "contour"
"""The field that may be moved against the others."""


def stream_seed(*names: object) -> int:
    """Return a 63-bit seed that depends on all `names` and nothing else."""
    digest = hashlib.sha256("\0".join(map(str, names)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class Feed:
    """Batches of a pack's training split: `batch` faces of each of its domains.

    Every face of a domain is seen once before any is seen again, in a new order each epoch; a batch
    may straddle two epochs. Domains have orders and augmentations of their own.

    Args:
        pack: to read from.
        batch: faces a step, over all processes together.
        augment: how faces are moved. Random numbers belong to a face's position in the whole
            batch, so the number of processes changes nothing.
        seed: of order and augmentation.
        rank: this process, of `world`; it reads positions rank, rank + world, ... of each batch.
        world: number of processes.

    Raises:
        SketchFaceError: if the processes cannot share a batch evenly, or the contour is to be
            moved and there is none.
    """

    def __init__(
        self, pack: Pack, batch: int, augment: Augment, seed: int, rank: int = 0, world: int = 1
    ) -> None:
        if batch % world:
            raise SketchFaceError(
                f"schedule.batch: {batch} faces do not share out evenly over {world} processes; "
                f"choose a multiple of {world}, such as {(batch // world + 1) * world}"
            )
        if (augment.contour_shift or augment.contour_rotation) and CONTOUR not in pack.channels:
            raise SketchFaceError(
                "augment.contour_shift, augment.contour_rotation: the run has no contour to move; "
                "set both to 0"
            )
        self.pack, self.batch, self.augment, self.seed = pack, batch, augment, seed
        self.own = slice(rank, None, world)
        self.train = [domain.rows("train") for domain in pack.domains]
        # A batch touches one or two epochs; permuting a large pack takes milliseconds.
        self._order = functools.lru_cache(maxsize=8)(self._permutation)

    def epoch(self, step: int) -> int:
        """Return the number of whole passes over the largest domain before `step`."""
        return step * self.batch // max(len(rows) for rows in self.train)

    def rows(self, step: int, domain: int = 0) -> np.ndarray:
        """Return row numbers of this process's part of a batch: (batch / world,) int64.

        Args:
            step: of training.
            domain: number of the pack's domain.
        """
        train = self.train[domain]
        positions = np.arange(step * self.batch, (step + 1) * self.batch)[self.own]
        epochs, within = np.divmod(positions, len(train))
        chosen = np.empty_like(positions)
        for epoch in np.unique(epochs):
            order = self._order(int(epoch), domain)
            chosen[epochs == epoch] = order[within[epochs == epoch]]
        return train[chosen]

    def raw(self, step: int) -> dict[str, Tensor]:
        """Return the batch at `step` as uint8 tensors, moved as `augment` says."""
        batch: dict[str, Tensor] = {}
        for number, domain in enumerate(self.pack.domains):
            batch |= self._domain_batch(step, number, domain)
        if CONTOUR in batch and (self.augment.contour_shift or self.augment.contour_rotation):
            keys = [(step, position) for position in range(self.batch)[self.own]]
            shift, rotation = self.augment.contour_shift, self.augment.contour_rotation
            batch[CONTOUR], *_ = move_contours(batch[CONTOUR], self.seed, keys, shift, rotation)
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

    def _domain_batch(self, step: int, number: int, domain: Domain) -> dict[str, Tensor]:
        """Mirror, zoom, crop and shift a batch of one domain, all of its fields alike."""
        size, rows = self.pack.size, self.rows(step, number)

        # Random numbers of the whole batch; this process takes its own.
        generator = np.random.default_rng(self._stream("augment", step, number))
        mirrored = (generator.random(self.batch) < 0.5)[self.own] & self.augment.flip
        largest = round(self.augment.jitter * size)
        shifts = generator.integers(-largest, largest + 1, size=(self.batch, 2))[self.own]
        zoomed = round(self.augment.zoom * size)
        corners = np.zeros_like(shifts)
        if zoomed > size:
            corners = generator.integers(0, zoomed - size + 1, size=(self.batch, 2))[self.own]
        if not (self.augment.flip or largest or zoomed > size):
            return self.pack.read(rows, domain.fields)

        # The same for every field, in pixels of its own size.
        batch = self.pack.read(rows, [STYLE]) if STYLE in domain.fields else {}
        for name in (each for each in domain.fields if each != STYLE):
            scale = self.pack.sizes[name] / size
            offsets = np.rint((corners - shifts) * scale).astype(np.int64)
            side, crop = round(zoomed * scale), self.pack.sizes[name]
            lines, columns = _source_pixels(crop, side, offsets, mirrored)
            batch[name] = self.pack.sample(name, rows, lines, columns, side)
        if PARSING in batch and mirrored.any():
            swapped = torch.from_numpy(mirrored)
            batch[PARSING][swapped] = _mirrored_labels(batch[PARSING][swapped])
        return batch

    def _permutation(self, epoch: int, domain: int) -> np.ndarray:
        return np.random.default_rng(self._stream("order", epoch, domain)).permutation(
            len(self.train[domain])
        )

    def _stream(self, what: str, number: int, domain: int) -> int:
        """Seed of one kind of random number; the first domain's are those of a paired pack."""
        return stream_seed(self.seed, what, number, *([domain] if domain else []))


def _mirrored_labels(labels: Tensor) -> Tensor:
    """Swap left and right classes of uint8 labels; what is no class stays."""
    table = torch.arange(256, dtype=torch.uint8)
    table[: len(MIRRORED)] = torch.tensor(MIRRORED, dtype=torch.uint8)
    return table[labels.long()]


def _source_pixels(
    crop: int, side: int, offsets: np.ndarray, mirrored: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the line and the column that pixels of moved pictures come from: (B, crop) int64.

    Pictures of `side` pixels are mirrored, then cropped at `offsets`, (B, 2) x and y. Holding the
    indices within the picture repeats its border.
    """
    columns, lines = (
        np.clip(np.arange(crop) + offsets[:, axis, None], 0, side - 1) for axis in (0, 1)
    )
    return lines, np.where(mirrored[:, None], side - 1 - columns, columns)
