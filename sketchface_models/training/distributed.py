"""Start one process or many, and exchange tensors between them.

Every process holds the whole networks and takes the same steps on its own part of each batch; the
gradients are averaged by hand in between. DistributedDataParallel would do it in hooks, which
expect each network to run once a step with always the same parameters asking for gradients, and
adversarial training does neither.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import Precision
from lightning_fabric.plugins.environments import SLURMEnvironment, TorchElasticEnvironment
from lightning_fabric.strategies import DDPStrategy
from torch import Tensor, nn

from sketchface_models.errors import SketchFaceError
from sketchface_models.training.engine_settings import Engine, accelerator, precision
from sketchface_models.training.guards import OutOfResources

_LOST_PEER = ("onnection closed by peer", "onnection reset by peer", "Broken pipe", "NCCL error")
"""Parts of the libraries' messages when the other side of an exchange is gone."""


class UnwrappedDDPStrategy(DDPStrategy):
    """DDP's launching and process group, without its wrapper around networks."""

    def setup_module(self, module: nn.Module) -> Any:  # DDPStrategy promises its wrapper
        """Return the network as it is."""
        return module


class Autocast(Precision):
    """bf16 autocast of every network's forward pass, with float32 in and out.

    Fabric's own `MixedPrecision` computes the same, but forbids any backward pass that it did not
    start itself, and with it every loss that differentiates twice (gradient penalties, R1).

    Args:
        device: "cpu" or "cuda".
    """

    precision = "bf16-mixed"

    def __init__(self, device: str) -> None:
        self.device = device

    def forward_context(self) -> AbstractContextManager[Any]:
        """Return the context that a network's forward pass runs in."""
        return torch.autocast(self.device, dtype=torch.bfloat16)

    def convert_input(self, data: Any) -> Any:
        """Convert the floating-point tensors among a network's inputs to bf16."""
        return _converted(data, torch.bfloat16)

    def convert_output(self, data: Any) -> Any:
        """Convert the floating-point tensors among a network's outputs to float32."""
        return _converted(data, torch.float32)


def launch(engine: Engine) -> Fabric:
    """Start this run's other processes, or join them where a launcher started them.

    Raises:
        SketchFaceError: if there are fewer GPUs than `devices` asks for.
    """
    devices, nodes = processes(engine)
    device = accelerator(engine)
    if device == "cuda" and devices > torch.cuda.device_count():
        raise SketchFaceError(
            f"engine.devices: {devices}; this machine has {torch.cuda.device_count()} GPUs"
        )
    fabric = Fabric(
        accelerator=device,
        devices=devices,
        num_nodes=nodes,
        strategy=UnwrappedDDPStrategy() if devices * nodes > 1 else "auto",
        plugins=Autocast(device) if precision(engine) == "bf16-mixed" else Precision(),
    )
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # a banner a process otherwise
    fabric.launch()
    return fabric


def processes(engine: Engine) -> tuple[int, int]:
    """Return the number of processes on this machine, and of machines."""
    environment = os.environ
    if TorchElasticEnvironment.detect():
        local = int(environment["LOCAL_WORLD_SIZE"])
        return local, int(environment["WORLD_SIZE"]) // local
    if SLURMEnvironment.detect():
        machines = int(environment.get("SLURM_NNODES", "1"))
        return int(environment["SLURM_NTASKS"]) // machines, machines
    if engine.devices:
        return engine.devices, 1
    return (torch.cuda.device_count() if accelerator(engine) == "cuda" else 1), 1


@torch.no_grad()
def all_reduce_mean_(fabric: Fabric, tensors: Sequence[Tensor]) -> None:
    """Replace each tensor by its mean over all processes, in one exchange.

    Args:
        fabric: of the run.
        tensors: of one floating type, alike in shape and order in all processes.
    """
    if fabric.world_size == 1 or not tensors:
        return
    mean = fabric.all_reduce(torch.cat([t.reshape(-1) for t in tensors]), reduce_op="mean")
    assert isinstance(mean, Tensor)
    parts = mean.split([tensor.numel() for tensor in tensors])
    for tensor, part in zip(tensors, parts, strict=True):
        tensor.copy_(part.view(tensor.shape))


def all_gather(fabric: Fabric, tensor: Tensor) -> Tensor:
    """Return this tensor of every process, (world, ...); (1, ...) where there is one."""
    if fabric.world_size == 1:
        return tensor[None]
    stack = fabric.all_gather(tensor.to(fabric.device))
    assert isinstance(stack, Tensor)
    return stack.cpu()


def all_equal(fabric: Fabric, number: int) -> bool:
    """Return whether all processes have the same number; the same answer in all of them."""
    first = fabric.broadcast(number)
    different = torch.tensor([float(first != number)], device=fabric.device)
    all_reduce_mean_(fabric, [different])
    return not different.item()


@contextlib.contextmanager
def rank_zero_errors(fabric: Fabric) -> Iterator[None]:
    """Raise errors that all processes share in rank zero alone; the others exit in silence.

    Raises:
        SketchFaceError: in rank zero; also when another process has ended before it.
        OutOfResources: in whichever process it happens.
    """
    try:
        yield
    except OutOfResources:
        raise
    except SketchFaceError:
        if fabric.is_global_zero:
            raise
        sys.exit(0)
    except KeyboardInterrupt:
        if fabric.is_global_zero:
            raise
        sys.exit(0)
    except RuntimeError as error:
        if not any(words in str(error) for words in _LOST_PEER):
            raise
        if fabric.is_global_zero:
            raise SketchFaceError(
                "another process of this run has ended; start again, training goes on from its "
                "last checkpoint"
            ) from None
        sys.exit(0)


def _converted(data: Any, dtype: torch.dtype) -> Any:
    """`data` with all floating-point tensors in tuples, lists and dicts converted."""
    if isinstance(data, Tensor):
        return data.to(dtype) if data.is_floating_point() else data
    if isinstance(data, tuple | list):
        return type(data)(_converted(item, dtype) for item in data)
    if isinstance(data, dict):
        return {key: _converted(value, dtype) for key, value in data.items()}
    return data


class AllReduceSum(torch.autograd.Function):
    """Sum of a tensor over all processes; its gradient is the sum of their gradients.

    That is the gradient of the sum of all processes' losses; averaging the weights' gradients
    turns it into the gradient of their mean.
    """

    @staticmethod
    def forward(context: Any, tensor: Tensor) -> Tensor:
        """Tensor of any shape -> its sum, a new tensor."""
        total = tensor.detach().clone(memory_format=torch.contiguous_format)
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        """Gradient of the sum -> gradient of this process's part; differentiable again."""
        total: Tensor = AllReduceSum.apply(gradient)
        return total
