"""Switches of the whole process: its memory, its threads, and exact sums instead of fast ones."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from typing import Any

import torch

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # <malloc.h>


def keep_freed_memory() -> None:
    """Make glibc keep freed memory in the process; does nothing where the allocator is another.

    A training step frees and asks for the same sizes each time. glibc gives large blocks back to
    the kernel at once, which then has to clear every page again at the next step; on a busy
    machine that costs more than the arithmetic. MALLOC_MMAP_MAX_=0, MALLOC_TRIM_THRESHOLD_ and
    MALLOC_TOP_PAD_ in the environment do the same.
    """
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_MMAP_MAX, 0)
        libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
        libc.mallopt(_TOP_PAD, 64 * 2**20)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute with a single thread, in threads that start within the block too.

    Sums then do not depend on the machine's number of cores; and threads that each have work of
    their own do not wait for each other.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextlib.contextmanager
def deterministic_mode(enabled: bool) -> Iterator[None]:
    """Set torch's deterministic mode, and restore the settings afterwards.

    Operations without a deterministic form then raise an error in torch's words; networks use
    those of `sketchface_models.deterministic` instead.
    """
    if enabled:
        # cuBLAS reads it when it starts, and is not deterministic without.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch_settings: Any = torch.utils.deterministic
    before = torch.are_deterministic_algorithms_enabled()
    fill, benchmark = torch_settings.fill_uninitialized_memory, torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(enabled)
    torch_settings.fill_uninitialized_memory = False  # finds bugs, changes no result, and is slow
    torch.backends.cudnn.benchmark = not enabled
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
        torch_settings.fill_uninitialized_memory = fill
        torch.backends.cudnn.benchmark = benchmark
