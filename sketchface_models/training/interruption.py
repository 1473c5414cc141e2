"""Ctrl-C while training: the step that runs is finished and saved before training stops."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from lightning_fabric import Fabric

from sketchface_models.training.checkpoints import CLOCK_EVERY


class Interruption:
    """Whether Ctrl-C asked training to stop; a context manager that listens for it.

    The first Ctrl-C is noted, and `due` says so after the step. A second one raises
    KeyboardInterrupt at once, at the price of the steps since the last checkpoint. Where SIGINT is
    ignored or has a handler of the caller's, and outside the main thread, nothing changes.

    Args:
        fabric: of the run.
    """

    def __init__(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.noted = False
        self.listens = False

    def __enter__(self) -> Interruption:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self.listens = True
        return self

    def __exit__(self, *_: object) -> None:
        if self.listens:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def due(self, step: int) -> bool:
        """Return whether to stop after `step` steps; the same in all processes: rank zero's."""
        if self.fabric.world_size == 1:
            return self.noted
        return step % CLOCK_EVERY == 0 and bool(self.fabric.broadcast(self.noted))

    def _note(self, number: int, frame: FrameType | None) -> Any:
        self.noted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
