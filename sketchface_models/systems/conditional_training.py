"""Conditional training: which network learns in an epoch (Zhao et al. 2023, section 3.5.1).

Two rules, by name in `RULES`: the paper's words, and what its authors' code does. Both decide at
the beginning of an epoch, by means of the losses over earlier ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Protocol

import torch
from torch import Tensor

from sketchface_models.config import Among, at_least

GENERATOR, DISCRIMINATOR = "generator", "discriminator"
NETWORKS = (GENERATOR, DISCRIMINATOR)
FIRST_AVERAGE = 1.0
"""What the released code takes for the discriminator's loss before it has learned."""


class Rule(Protocol):
    """Says who learns, from the losses that it is told of; built from a `Conditional`."""

    def learners(self, epoch: int) -> frozenset[str]:
        """Return the networks that learn in this epoch, one at least.

        Args:
            epoch: whole passes done; never less than in the call before.
        """
        ...

    def add(self, name: str, loss: Tensor) -> None:
        """Take down a network's loss in a step in which it learned, ()."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return what must survive a resume, as JSON can hold it."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        ...


class EpochMean:
    """The mean of the losses of an epoch; those that are not finite were not learned from."""

    def __init__(self, total: float = 0.0, count: int = 0) -> None:
        self.total: float | Tensor = total
        self.count: int | Tensor = count

    def add(self, loss: Tensor) -> None:
        """Add the loss of a step, (); it stays on its device."""
        finite = loss.isfinite()
        self.total = self.total + torch.where(finite, loss, 0.0)
        self.count = self.count + finite

    @property
    def value(self) -> float | None:
        """The mean; None if nothing was added."""
        return float(self.total) / int(self.count) if self.count else None

    def state(self) -> tuple[float, int]:
        """Return the arguments that make this mean again."""
        return float(self.total), int(self.count)


class PaperRule:
    """The paper's words.

    Fixed timer: the discriminator learns in every `timer`-th epoch, here called its epochs.
    Condition: it is locked in one of them if the mean of its loss is below `threshold` in the last
    epoch in which it learned, and the mean of the generator's rose over the last of its epochs: it
    is larger there than in the epoch before. That last one counts where the discriminator was
    locked, too; so a lock opens as soon as the generator does not get worse without it.

    The other way round for the generator, which only waits for a discriminator that learns: its
    last mean is below `generator_threshold`, and the discriminator's rose from the last but one to
    the last epoch in which it learned.
    """

    def __init__(self, settings: Conditional) -> None:
        self.settings = settings
        self.epoch = 0
        self.running = {name: EpochMean() for name in NETWORKS}
        self.means: dict[str, list[float]] = {name: [] for name in NETWORKS}
        """Of the last two epochs in which each network learned, the older one first."""
        self.rose = dict.fromkeys(NETWORKS, False)
        """Whether its mean rose over the last epoch that counts; see above."""

    def learners(self, epoch: int) -> frozenset[str]:
        """Return the networks that learn in this epoch; see `Rule`."""
        if epoch != self.epoch:
            self._close(epoch)
        rule = self.settings
        names = set()
        if epoch % rule.timer == 0 and not self._locked(DISCRIMINATOR, GENERATOR, rule.threshold):
            names.add(DISCRIMINATOR)
        if not (names and self._locked(GENERATOR, DISCRIMINATOR, rule.generator_threshold)):
            names.add(GENERATOR)
        return frozenset(names)

    def add(self, name: str, loss: Tensor) -> None:
        """Take down a network's loss; see `Rule`."""
        self.running[name].add(loss)

    def state_dict(self) -> dict[str, Any]:
        """Return epoch, running sums, past means, and which of them rose."""
        running = {name: list(mean.state()) for name, mean in self.running.items()}
        return {"epoch": self.epoch, "running": running, "means": self.means, "rose": self.rose}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.epoch = state["epoch"]
        self.running = {name: EpochMean(*state["running"][name]) for name in NETWORKS}
        self.means = {name: list(state["means"][name]) for name in NETWORKS}
        self.rose = dict(state["rose"])

    def _close(self, epoch: int) -> None:
        on_timer = self.epoch % self.settings.timer == 0
        for name, mean in self.running.items():
            if mean.value is not None:
                self.means[name] = [*self.means[name][-1:], mean.value]
                if on_timer:
                    self.rose[name] = self.means[name][0] < self.means[name][-1]
        self.epoch, self.running = epoch, {name: EpochMean() for name in NETWORKS}

    def _locked(self, name: str, other: str, threshold: float) -> bool:
        own = self.means[name]
        return bool(own) and own[-1] < threshold and self.rose[other]


class ReleasedRule:
    """The authors' code: the discriminator learns in every `timer`-th epoch, while it is weak.

    Weak: its average is above `threshold`. An epoch of the timer in which it was locked counts the
    last loss that it had, the stale one of an earlier epoch, as often as there are steps; so the
    average of the epoch before is replaced by that of its last step. The generator always learns.
    """

    def __init__(self, settings: Conditional) -> None:
        self.settings = settings
        self.epoch = 0
        self.average = FIRST_AVERAGE
        self.running = EpochMean()
        self.latest: float | Tensor | None = None

    def learners(self, epoch: int) -> frozenset[str]:
        """Return the networks that learn in this epoch; see `Rule`."""
        if epoch != self.epoch:
            self._close(epoch)
        learns = epoch % self.settings.timer == 0 and self.average > self.settings.threshold
        return frozenset(NETWORKS if learns else (GENERATOR,))

    def add(self, name: str, loss: Tensor) -> None:
        """Take down the discriminator's loss; see `Rule`."""
        if name == DISCRIMINATOR:
            self.running.add(loss)
            latest = 0.0 if self.latest is None else self.latest
            self.latest = torch.where(loss.isfinite(), loss, latest)

    def state_dict(self) -> dict[str, Any]:
        """Return epoch, averages and the latest loss."""
        return {
            "epoch": self.epoch,
            "average": self.average,
            "running": list(self.running.state()),
            "latest": None if self.latest is None else float(self.latest),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.epoch, self.average = state["epoch"], state["average"]
        self.running, self.latest = EpochMean(*state["running"]), state["latest"]

    def _close(self, epoch: int) -> None:
        if self.running.value is not None:
            self.average = self.running.value
        elif self.epoch % self.settings.timer == 0 and self.latest is not None:
            self.average = float(self.latest)
        self.epoch, self.running = epoch, EpochMean()


RULES: Mapping[str, Callable[[Conditional], Rule]] = MappingProxyType(
    {"paper": PaperRule, "released": ReleasedRule}
)
"""Name, as `systems.RUN.conditional.rule` gives it, -> class."""


@dataclass(frozen=True)
class Conditional:
    """When a network waits; `timer` 1 and thresholds 0: never."""

    timer: Annotated[int, at_least(1)]
    """The discriminator learns in every `timer`-th epoch only; 2 in the code, 1 = in all."""
    threshold: Annotated[float, at_least(0)]
    """It is locked while its last epoch mean is below this (and, by the paper, the generator's
    loss rose over the last of the timer's epochs); 0.02 in the code."""
    generator_threshold: Annotated[float, at_least(0)] = 0.0
    """The mirror condition's, for the generator's whole loss; no rule in the code. 0 = never."""
    rule: Annotated[str, Among(RULES)] = "paper"
    """paper: its words; released: its authors' code, which asks for no rise."""
