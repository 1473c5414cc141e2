"""Fair times on a machine that others use too: contenders take turns, medians are compared."""

from __future__ import annotations

import contextlib
import multiprocessing
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch

from sketchface_models.training.cost import peak_memory

WARM_UP = 2
REST = 0.02
"""Seconds between two turns: threads of the one before go on spinning for a while."""


class Seconds(NamedTuple):
    """By the clock on the wall, and of this process on all its cores."""

    wall: float
    processor: float


Turn = Callable[[], Seconds]
"""Works once, timed."""


def timed(work: Callable[[], Any], device: torch.device, times: int = 1) -> Seconds:
    """What one of `times` calls takes."""
    wait(device)
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(times):
        work()
    wait(device)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return Seconds(wall / times, processor / times)


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def in_turn(turns: Mapping[str, Turn], rounds: int) -> dict[str, list[Seconds]]:
    """Times of every round by name, rounds going forward and backward in turn."""
    times: dict[str, list[Seconds]] = {name: [] for name in turns}
    for number in range(rounds + WARM_UP):
        for name in list(turns) if number % 2 else reversed(turns):
            time.sleep(REST)
            seconds = turns[name]()
            if number >= WARM_UP:
                times[name].append(seconds)
    return times


def median_ms(times: list[Seconds]) -> float:
    return 1e3 * statistics.median(seconds.wall for seconds in times)


def ratios(slow: list[Seconds], fast: list[Seconds]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile of the paired ratios of wall times.

    Of one pair all three are its ratio.
    """
    paired = [one.wall / other.wall for one, other in zip(slow, fast, strict=True)]
    if len(paired) == 1:
        return paired[0], paired[0], paired[0]
    low, middle, high = statistics.quantiles(paired, n=4, method="inclusive")
    return low, middle, high


def processor_ratio(slow: list[Seconds], fast: list[Seconds]) -> float:
    """Median of the paired ratios of processor times."""
    pairs = zip(slow, fast, strict=True)
    return statistics.median(one.processor / other.processor for one, other in pairs)


class Remote:
    """A contender in a process of its own, so that neither memory nor threads are shared.

    Args:
        make: called there with `arguments`; a context that gives the work of one step and its
            device.
        steps: worked in one turn.
    """

    def __init__(self, make: Callable[..., Any], *arguments: Any, steps: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, far = context.Pipe()
        self.process = context.Process(target=_serve, args=(far, make, arguments, steps))
        self.process.daemon = True
        self.process.start()
        far.close()

    def wait_until_ready(self) -> None:
        """Until `make` is through."""
        self._receive()

    def turn(self) -> Seconds:
        """What one of `steps` steps takes."""
        self.pipe.send("turn")
        seconds: Seconds = self._receive()
        return seconds

    def peak_memory(self) -> int:
        """Bytes that it held at most so far."""
        self.pipe.send("memory")
        return int(self._receive())

    def close(self) -> None:
        """End the process."""
        self.pipe.close()
        self.process.join()

    def _receive(self) -> Any:
        try:
            return self.pipe.recv()
        except EOFError:
            raise SystemExit("a contender failed; its error stands above") from None


def _serve(pipe: Any, make: Callable[..., Any], arguments: tuple[Any, ...], steps: int) -> None:
    with make(*arguments) as (work, device):
        pipe.send("ready")
        with contextlib.suppress(EOFError):
            while order := pipe.recv():
                pipe.send(peak_memory() if order == "memory" else timed(work, device, steps))
