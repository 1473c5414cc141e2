"""Chains of elementwise operations, compiled into one pass over memory where that pays.

Operation by operation, a chain reads and writes whole maps from and to memory each time, which
costs more than its arithmetic (docs/results/benchmarks.md, Fused activations). `torch.compile` of a
whole network takes minutes and gains little on a CPU; compiling one small function for maps of any
size takes seconds, once for each layout and precision.
"""

from __future__ import annotations

import functools
import shutil
import warnings
from collections.abc import Callable

import torch
from torch import Tensor

FEWEST = 4_000_000
"""Values in the smallest map for which compiled code is used. A training step on smaller maps gains
too little to make up for the time of compiling within a run of minutes."""

Elementwise = Callable[..., Tensor]
"""Function of a map (B, C, H, W) and of tensors that broadcast to it."""


def fused(function: Elementwise) -> Elementwise:
    """Return `function` compiled for training on large maps on a CPU, and as it is for all others.

    Compiled code computes a whole chain in 32 bits and rounds its result alone, so in half
    precision it is nearer to the exact values than `function` is. Without a C++ compiler, and where
    compiling fails, `function` stays as it is. Compiled code cannot be differentiated twice.
    """
    compiled: list[Elementwise] = []  # once it is needed: the compiler takes seconds to import

    @functools.wraps(function)
    def either(x: Tensor, *others: Tensor) -> Tensor:
        if not _pays(x):
            return function(x, *others)
        if not compiled:
            compiled.append(torch.compile(function, dynamic=True))
        try:
            return compiled[0](x, *others)
        except torch._dynamo.exc.TorchDynamoException as error:  # the base of all its errors
            reason = str(error).partition("\n")[0]
            warnings.warn(f"{function.__name__}: not compiled, slower: {reason}", stacklevel=2)
            compiled[0] = function
            return function(x, *others)

    return either


def _pays(x: Tensor) -> bool:
    return (
        x.device.type == "cpu"
        and x.numel() >= FEWEST
        and torch.is_grad_enabled()
        and not torch.compiler.is_compiling()
        and _has_compiler()
    )


@functools.cache
def _has_compiler() -> bool:
    return any(map(shutil.which, ("g++", "clang++")))
