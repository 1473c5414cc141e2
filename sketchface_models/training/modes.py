"""Torch's switches between exact and fast."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import torch

from sketchface_models.training.settings import Engine


@contextlib.contextmanager
def torch_modes(engine: Engine) -> Iterator[None]:
    """Set them as `engine.deterministic` says, and put them back afterwards.

    Operations without a deterministic form then raise an error in torch's words; networks take
    those of `sketchface_models.deterministic` instead.
    """
    if engine.deterministic:
        # cuBLAS reads it when it starts, and is not deterministic without.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    filling: Any = torch.utils.deterministic
    before = torch.are_deterministic_algorithms_enabled()
    fill, benchmark = filling.fill_uninitialized_memory, torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(engine.deterministic)
    filling.fill_uninitialized_memory = False  # it finds bugs, changes no result, and is slow
    torch.backends.cudnn.benchmark = not engine.deterministic
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
        filling.fill_uninitialized_memory = fill
        torch.backends.cudnn.benchmark = benchmark
