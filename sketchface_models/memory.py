"""Keep freed memory in the process: a training step frees and asks for the same sizes each time.

glibc gives large blocks back to the kernel at once, which then has to clear every page again at
the next step; on a busy machine that costs more than the arithmetic. The same is reached from
outside with MALLOC_MMAP_MAX_=0, MALLOC_TRIM_THRESHOLD_ and MALLOC_TOP_PAD_.
"""

from __future__ import annotations

import contextlib
import ctypes

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # <malloc.h>


def keep_freed_memory() -> None:
    """Tell the allocator so; does nothing where it is not glibc."""
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_MMAP_MAX, 0)
        libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
        libc.mallopt(_TOP_PAD, 64 * 2**20)
