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


def progress(items: Iterable[T], total: int, description: str, unit: str = "batch") -> Iterator[T]:
    """Yield the items, and show on stderr how many there have been.

    Args:
        items: any, in any order.
        total: number of them.
        description: of the work.
        unit: what one item is.
    """
    if sys.stderr.isatty():
        yield from tqdm(items, total=total, desc=description, unit=unit, dynamic_ncols=True)
        return
    start = last = time.monotonic()
    for number, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - last >= SECONDS:
            last = now
            done = f"{number} of {total} ({unit}) after {now - start:.0f} s"
            print(f"{description}: {done}", file=sys.stderr, flush=True)
