"""The interface between the engine and a system.

A system owns its networks, its losses and its training step; the engine owns devices, precision,
stepping, averaging, checkpoints, logging, resume and the processes that share a batch.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from torch import Generator, Tensor, nn
from torch.optim import Optimizer

from sketchface_models.systems.run_settings import Schedule
from sketchface_models.systems.schedules import linear_decay

Batch = dict[str, Tensor]
"""Field name -> (B, C, S, S) float32; pictures in [-1, 1], depth in [0, 1].

`style`, where a run has it among its inputs, is no picture but the weights of the K styles: (B, K),
summing to one. While training each face has a single style, with weight one."""


class Update(Protocol):
    """The function by which a training step updates weights, any number of times in any order."""

    def __call__(self, name: str, loss: Tensor) -> Tensor:
        """One step of optimizer `name` down the gradients of `loss`.

        Only that optimizer's parameters with `requires_grad` get gradients: no other network needs
        to be frozen for it.

        Args:
            name: one of the system's optimizers.
            loss: (), a mean over this process's part of the batch.

        Returns:
            The loss, (), without its graph and as a mean over all processes, so that decisions
            based on it are the same in all of them.
        """
        ...


@dataclass(frozen=True)
class Output:
    """One thing that a system generates for each face."""

    field: str
    """The pack's field that it is compared with."""
    kind: Literal["image", "labels"] = "image"
    """image: (B, C, S, S) in [-1, 1]; labels: (B, 1, S, S), encoded as `labels.as_field` does."""


@dataclass(frozen=True)
class Clock:
    """Where training stands."""

    step: int
    steps: int
    epoch: int
    """Whole passes over the training faces done before this step."""


class System(ABC):
    """One of the rebuilt papers, built as `Class(settings, channels)`.

    All that training does must follow from weights, batch, clock and what `state_dict` returns,
    with random numbers from torch's global generators alone, which the engine seeds anew for every
    step: then an interrupted run ends with the same weights.
    """

    description: ClassVar[str] = ""
    """What the system does, for readers of a report who do not know it: Markdown, without links."""
    source: ClassVar[str] = ""
    """Authors and title of the paper it comes from; empty if there is none."""
    trained: ClassVar[bool] = True
    """Whether it learns; pictures that other code made do not, and are read by `files`."""
    Settings: ClassVar[type]
    """A dataclass; holds at least `task`, `augment` and `schedule`."""
    settings: Any
    networks: nn.ModuleDict
    """Everything with weights, under the names that weights are saved by. A network is *called*:
    `forward` runs in the engine's precision, other methods in 32 bits. What is called in two ways
    (encode, decode) is two networks; parts may be shared between networks."""
    ema: tuple[str, ...] = ()
    """Names of the networks whose EMA is used after training."""
    compiled: ClassVar[tuple[str, ...]] = ()
    """Names of the networks that `engine.compile` compiles; none that is differentiated twice."""
    measure: ClassVar[str] = ""
    """The term of `scores` that chooses the best weights, in place of the engine's `best`."""

    @functools.cached_property
    def frozen(self) -> dict[str, nn.Module]:
        """Networks that losses run and nobody trains, by name; read when first asked for.

        The engine moves them to its device and calls them in its precision; they are not saved.
        """
        return {}

    @classmethod
    def outputs_of(cls, settings: Any) -> dict[str, Output]:
        """Return what a system with these settings generates, by name; one image by default.

        Args:
            settings: an instance of `Settings`.
        """
        target = settings.task.target
        return {target: Output(target)}

    @property
    def outputs(self) -> dict[str, Output]:
        """What this system generates, by name; the first is what `generate` returns."""
        return self.outputs_of(self.settings)

    @property
    def cycle(self) -> Sequence[Clock]:
        """Clocks of steps that stand for all steps in equal parts, to count what a step costs.

        One step, unless a system does not do the same at each of them.
        """
        return (Clock(0, self.settings.schedule.steps, 0),)

    @abstractmethod
    def optimizers(self) -> dict[str, Optimizer]:
        """Return new optimizers by name, at their starting rates, over parameters of `networks`."""

    def rate(self, name: str, clock: Clock) -> float:
        """Return the factor on the starting rates of optimizer `name` at this step."""
        schedule: Schedule = self.settings.schedule
        return linear_decay(clock.step, schedule.steps, schedule.decay_from)

    @abstractmethod
    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        """Compute losses, call `update` on them, and return terms to log.

        Args:
            batch: this process's part of the batch.
            clock: where training stands.
            update: see `Update`.

        Returns:
            Terms, () each and without graphs, still on the device: reading them here would wait
            for it.
        """

    @abstractmethod
    def generate(self, batch: Batch) -> Tensor:
        """Return the first of `outputs`, (B, C, S, S) in [-1, 1]; deterministic in eval mode."""

    def generate_all(self, batch: Batch) -> dict[str, Tensor]:
        """Return every output by name, each as `outputs` says; the first is `generate`'s."""
        return {next(iter(self.outputs)): self.generate(batch)}

    @property
    def has_codes(self) -> bool:
        """Whether `sample` and `in_style_of` give pictures: there are style codes."""
        return False

    def files(self, ids: Collection[str]) -> dict[str, Path]:
        """Return the files that hold what a system without training generated: id -> path."""
        return {}

    def sample(self, batch: Batch, generator: Generator) -> dict[str, Tensor]:
        """Return outputs of a batch for random codes, by name; empty if there are no codes.

        Args:
            batch: inputs.
            generator: of all random numbers, on the batch's device; the same seed gives the same
                outputs.
        """
        return {}

    def in_style_of(self, batch: Batch, photos: Tensor) -> Tensor | None:
        """Return the first output in the style of other pictures; None if there are no styles.

        Args:
            batch: inputs.
            photos: of its target's field, (B, C, S, S), one for each face.
        """
        return None

    def features(self, batch: Batch) -> dict[str, Tensor]:
        """Return inner maps of the generator, by layer from the input on; none by default.

        Args:
            batch: inputs.

        Returns:
            Layer -> (B, C, H, W), H and W whole fractions of the pictures' side.
        """
        return {}

    def tally(self, batch: Batch, generated: Tensor) -> Tensor | None:
        """Return what validation adds up, batch by batch, for `scores`.

        None, unless a system overrides it: validation then compares images.
        """
        return None

    def scores(self, total: Tensor) -> dict[str, Tensor]:
        """Return terms `val_...`, () each, from the sum of `tally`; larger is better."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Return what must survive a resume besides weights: tensors, or values that JSON can hold.

        Tensors may differ between the processes that share a batch (a pool of drawings does), in
        values though not in shape; all else must be alike in all of them.
        """
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:  # noqa: B027 - nothing to do without state
        """Restore what `state_dict` returned; its tensors come on the CPU."""


def lay_out(networks: nn.ModuleDict) -> None:
    """Move each network's weights to the memory layout that its class names as `layout`.

    What flows through a network takes the layout of its convolutions' weights. Benchmarks chose
    (docs/results/benchmarks.md, Layouts); results differ by rounding alone.
    """
    for network in networks.values():
        network.to(memory_format=network.layout)  # type: ignore[call-overload]
