"""Progress of long work: a bar on a terminal, elsewhere a line a minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
SECONDS = 60.0
"""Between two lines."""


class ProgressBar:
    """What `update` counts, shown on stderr; a context manager.

    Args:
        total: number of items.
        description: of the work.
        unit: what one item is.
        done: how many items are finished before the work begins.
    """

    def __init__(self, total: int, description: str, unit: str = "batch", done: int = 0) -> None:
        self.total, self.description, self.unit, self.done = total, description, unit, done
        self.bar: tqdm | None = None

    def __enter__(self) -> ProgressBar:
        self.start = self.last = time.monotonic()
        if sys.stderr.isatty():
            self.bar = tqdm(
                total=self.total,
                initial=self.done,
                desc=self.description,
                unit=self.unit,
                dynamic_ncols=True,
            )
        return self

    def update(self, count: int = 1, note: str = "") -> None:
        """Count finished items.

        Args:
            count: of them.
            note: shown beside the number.
        """
        self.done += count
        if self.bar is not None:
            self.bar.set_postfix_str(note, refresh=False)
            self.bar.update(count)
            return
        now = time.monotonic()
        if now - self.last >= SECONDS:
            self.last = now
            line = f"{self.description}: {self.done} of {self.total} ({self.unit}) after "
            line += f"{now - self.start:.0f} s{note and f', {note}'}"
            print(line, file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()


def progress(items: Iterable[T], total: int, description: str, unit: str = "batch") -> Iterator[T]:
    """Yield the items, and show on stderr how many there have been.

    Args:
        items: any, in any order.
        total: number of them.
        description: of the work.
        unit: what one item is.
    """
    with ProgressBar(total, description, unit) as bar:
        for item in items:
            yield item
            bar.update()
