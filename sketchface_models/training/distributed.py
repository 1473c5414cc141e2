"""One process or many: how they start, and what they tell each other.

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
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import SLURMEnvironment, TorchElasticEnvironment
from lightning_fabric.strategies import DDPStrategy
from torch import Tensor, nn

from sketchface_models.errors import SketchFaceError
from sketchface_models.training.guards import OutOfRoom
from sketchface_models.training.settings import Engine, accelerator, precision

_ALONE = ("onnection closed by peer", "onnection reset by peer", "Broken pipe", "NCCL error")
"""What the libraries say when the other side of an exchange is gone."""


class Replicas(DDPStrategy):
    """Fabric's launching and process group, without its wrapper around networks."""

    def setup_module(self, module: nn.Module) -> Any:  # DDPStrategy promises its wrapper
        """The network as it is."""
        return module


def launch(engine: Engine) -> Fabric:
    """Start this run's other processes, or join them where they are started from outside.

    Raises:
        SketchFaceError: if there are fewer GPUs than `devices` asks for.
    """
    devices, nodes = processes(engine)
    kind = accelerator(engine)
    if kind == "cuda" and devices > torch.cuda.device_count():
        raise SketchFaceError(
            f"engine.devices: {devices}; this machine has {torch.cuda.device_count()} GPUs"
        )
    fabric = Fabric(
        accelerator=kind,
        devices=devices,
        num_nodes=nodes,
        strategy=Replicas() if devices * nodes > 1 else "auto",
        precision=precision(engine),
    )
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # a banner a process otherwise
    fabric.launch()
    return fabric


def processes(engine: Engine) -> tuple[int, int]:
    """Processes on this machine, and machines."""
    asked = os.environ
    if TorchElasticEnvironment.detect():
        here = int(asked["LOCAL_WORLD_SIZE"])
        return here, int(asked["WORLD_SIZE"]) // here
    if SLURMEnvironment.detect():
        machines = int(asked.get("SLURM_NNODES", "1"))
        return int(asked["SLURM_NTASKS"]) // machines, machines
    if engine.devices:
        return engine.devices, 1
    return (torch.cuda.device_count() if accelerator(engine) == "cuda" else 1), 1


@torch.no_grad()
def average_(fabric: Fabric, tensors: Sequence[Tensor]) -> None:
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


def gathered(fabric: Fabric, tensor: Tensor) -> Tensor:
    """This tensor of every process, (world, ...); (1, ...) where there is one."""
    if fabric.world_size == 1:
        return tensor[None]
    everybodys = fabric.all_gather(tensor.to(fabric.device))
    assert isinstance(everybodys, Tensor)
    return everybodys.cpu()


def agree(fabric: Fabric, number: int) -> bool:
    """Whether all processes have the same number; the same answer in all of them."""
    first = fabric.broadcast(number)
    others = torch.tensor([float(first != number)], device=fabric.device)
    average_(fabric, [others])
    return not others.item()


@contextlib.contextmanager
def one_voice(fabric: Fabric) -> Iterator[None]:
    """What goes wrong in all processes alike is told by process 0; the others end in silence.

    Raises:
        SketchFaceError: in process 0; also when another process has ended before it.
        OutOfRoom: in whichever process it happens to.
    """
    try:
        yield
    except OutOfRoom:
        raise
    except SketchFaceError:
        if fabric.is_global_zero:
            raise
        sys.exit(0)
    except RuntimeError as error:
        if not any(words in str(error) for words in _ALONE):
            raise
        if fabric.is_global_zero:
            raise SketchFaceError(
                "another process of this run has ended; start again, training goes on from its "
                "last checkpoint"
            ) from None
        sys.exit(0)


class SumOverProcesses(torch.autograd.Function):
    """Sum of a tensor over all processes; its gradient is likewise the sum of theirs.

    That is the gradient of the sum of all processes' losses, of which averaging the weights'
    gradients makes that of the mean.
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
        total: Tensor = SumOverProcesses.apply(gradient)
        return total
