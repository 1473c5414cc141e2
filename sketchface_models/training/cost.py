"""Measure what training costs: parameters, arithmetic, memory, and the processor's best rate."""

from __future__ import annotations

import contextlib
import copy
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from sketchface_models.systems.base import System
from sketchface_models.training.pack_reader import normalise

MIN_SECONDS = 4e-3
"""Seconds a matrix product must last for its rate to be believed."""
REPEATS = 6
LARGEST = 16384


def measure(system: System, raw: dict[str, Tensor]) -> dict[str, Any]:
    """Count a system's parameters and the arithmetic of a training step.

    The steps of a whole cycle of updates (`System.cycle`) are carried out once, on a copy of the
    system and without learning, so that weights, buffers, gradients, what the system remembers,
    and the random state stay as they are.

    Args:
        system: not yet made ready for several processes; one of them suffices to measure it.
        raw: a batch as the feed gives it, uint8 (B, C, S, S) by field.

    Returns:
        parameters: numbers by network. flops_per_sample: floating-point operations of forward and
        backward passes of convolutions and matrix products, a multiplication and an addition
        being two, as a mean over the cycle; all else (norms, activations, the optimizer) is not
        counted.
    """
    device = next(system.networks.parameters()).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        trial = copy.deepcopy(system)
        trial.networks.train()
        for network in trial.frozen.values():
            network.to(device)
        learners = {
            name: [p for group in optimizer.param_groups for p in group["params"]]
            for name, optimizer in trial.optimizers().items()
        }

        def differentiate(name: str, loss: Tensor) -> Tensor:
            for parameter in learners[name]:
                parameter.grad = None
            loss.backward(inputs=[p for p in learners[name] if p.requires_grad])
            return loss.detach()

        cycle = trial.cycle
        with _Total() as counter:
            for clock in cycle:
                trial.training_step(normalise(raw, device), clock, differentiate)
    samples = len(cycle) * len(next(iter(raw.values())))
    return {
        "parameters": {
            name: sum(p.numel() for p in network.parameters())
            for name, network in system.networks.items()
        },
        "flops_per_sample": round(counter.get_total_flops() / samples),
    }


def matmul_rate(device: torch.device, precision: str) -> float:
    """FLOP/s of square matrix products: what the arithmetic of training is held against.

    Takes tens of milliseconds; the matrices are as large as it takes to keep the device busy.

    Args:
        device: to measure.
        precision: "bf16-mixed" or "32-true"; on CUDA the latter as
            `torch.backends.cuda.matmul.allow_tf32` says.
    """
    dtype = torch.bfloat16 if precision == "bf16-mixed" else torch.float32
    side = 512
    while True:
        matrix = torch.ones(side, side, dtype=dtype, device=device)
        out = torch.empty_like(matrix)
        _product_seconds(matrix, out)
        seconds = _product_seconds(matrix, out)
        if seconds >= MIN_SECONDS or side >= LARGEST:
            break
        side *= 2
    best = min(seconds, *(_product_seconds(matrix, out) for _ in range(REPEATS)))
    return 2 * side**3 / best


def peak_memory() -> int:
    """Bytes held at most so far: on the GPU where CUDA is in use, else by this process."""
    if torch.cuda.is_initialized():
        return torch.cuda.max_memory_allocated()
    with contextlib.suppress(OSError):  # Linux; getrusage there would count the parent process too
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # KiB elsewhere


class _Total(FlopCounterMode):
    """Counts without telling modules apart, whose hooks break where a step calls autograd.grad."""

    def __init__(self) -> None:
        super().__init__(display=False)
        self.mod_tracker = _OneModule()  # type: ignore[assignment]


class _OneModule(contextlib.nullcontext):
    parents = ("Global",)


def _product_seconds(matrix: Tensor, out: Tensor) -> float:
    _finish(matrix.device)
    start = time.perf_counter()
    torch.mm(matrix, matrix, out=out)
    _finish(matrix.device)
    return time.perf_counter() - start


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
