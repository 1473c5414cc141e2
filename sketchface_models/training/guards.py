"""What can go wrong while training: reported in one line, or kept out of the weights."""

from __future__ import annotations

import errno
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sketchface_models.errors import SketchFaceError
from sketchface_models.training.log import Lines


class OutOfResources(SketchFaceError):
    """Memory or disk space ran out, which may happen to one process of several."""


SKIPPED = "skipped"
"""Term that counts the updates that were left out at a step; absent where there were none."""
MOST_SKIPPED_STEPS = 20
"""Steps in a row without any finite update that end the run all the same."""


class StopOnNonfinite:
    """`on_nonfinite: stop`: every update is made; the first bad number that arrives ends the run.

    Numbers arrive with the log, some steps late, so that no step waits for the device; no
    checkpoint is written before those up to it have arrived.

    Args:
        faces: step -> ids of its batch.
    """

    def __init__(self, faces: Callable[[int], list[str]]) -> None:
        self.faces = faces

    def begin(self) -> None:
        """Before a step: nothing to do."""

    def step(self, optimizer: Optimizer, finite: Tensor) -> None:
        """Make an update."""
        optimizer.step()

    def end(self) -> dict[str, Tensor]:
        """After a step: no terms to log."""
        return {}

    def check(self, lines: Lines) -> Lines:
        """The lines as they are.

        Raises:
            SketchFaceError: naming the first step and term that are not finite, and the faces.
        """
        for step, terms in lines:
            for name, value in terms.items():
                if not math.isfinite(value):
                    raise SketchFaceError(
                        f"step {step}: {name} is {value}; lower the learning rate, or look at the "
                        f"faces of this step: {', '.join(self.faces(step))}"
                    )
        return lines


class SkipNonfinite:
    """`on_nonfinite: skip`: an update that is not finite is left out.

    With it goes what the forward passes of its step left in buffers, such as the statistics of
    batch norms. Decided on the device, by the switch that fused optimizers have for gradient
    scalers.

    Raises:
        SketchFaceError: for an optimizer that has no such switch.
    """

    def __init__(self, networks: nn.Module, optimizers: Mapping[str, Optimizer]) -> None:
        for name, optimizer in optimizers.items():
            if not getattr(optimizer, "_step_supports_amp_scaling", False):
                raise SketchFaceError(
                    f"engine.on_nonfinite: skip needs optimizers with fused=True; {name} is "
                    f"{type(optimizer).__name__} without; say stop"
                )
        self.buffers = [b for b in networks.buffers() if b.is_floating_point()]
        self.before: list[Tensor] = []
        self.left_out: list[Tensor] = []
        self.in_a_row = 0

    def begin(self) -> None:
        """Before a step: keep the buffers."""
        self.before = [buffer.clone() for buffer in self.buffers]
        self.left_out = []

    def step(self, optimizer: Optimizer, finite: Tensor) -> None:
        """Make an update if `finite`, (), says so."""
        bad = (~finite).float()
        optimizer.grad_scale, optimizer.found_inf = None, bad  # type: ignore[attr-defined]
        optimizer.step()
        self.left_out.append(bad)

    def end(self) -> dict[str, Tensor]:
        """After a step: put the buffers back if an update was left out; how many were."""
        if not self.left_out:
            return {}
        count = torch.stack(self.left_out).sum()
        for buffer, before in zip(self.buffers, self.before, strict=True):
            buffer.copy_(torch.where(count > 0, before, buffer))
        return {SKIPPED: count}

    def check(self, lines: Lines) -> Lines:
        """The lines without numbers that are not finite, and with counts only where there is one.

        Raises:
            SketchFaceError: when nothing was learned for many steps in a row.
        """
        cleaned = []
        for step, terms in lines:
            self.in_a_row = self.in_a_row + 1 if terms.get(SKIPPED) else 0
            if self.in_a_row == MOST_SKIPPED_STEPS:
                raise SketchFaceError(
                    f"step {step}: updates of the last {MOST_SKIPPED_STEPS} steps were not finite; "
                    "lower the learning rate"
                )
            kept = {n: v for n, v in terms.items() if math.isfinite(v) and (n != SKIPPED or v)}
            cleaned.append((step, kept))
        return cleaned


@contextmanager
def one_line_resource_errors(batch: int, size: int) -> Iterator[None]:
    """Turn the failures of a machine that is too small into errors of one line.

    Args:
        batch: faces that a step holds at once.
        size: side of the pictures in pixels.

    Raises:
        OutOfResources: when memory or disk space runs out.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not _is_out_of_memory(error):
            raise
        raise OutOfResources(
            f"out of memory with batches of {batch} at {size} pixels; lower schedule.batch or "
            "task.size"
        ) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise OutOfResources(
            f"{error.filename or 'disk'}: {error.strerror}; free some space and start again, "
            "training goes on from its last checkpoint"
        ) from None


def _is_out_of_memory(error: Exception) -> bool:
    # The CPU's allocator has no exception of its own.
    words = ("can't allocate memory", "not enough memory")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(
        word in str(error) for word in words
    )
