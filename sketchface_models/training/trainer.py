"""The training loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from sketchface_models.checkpoint import load_into
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems.base import Clock, Schedule, System
from sketchface_models.training.batchnorm import share_batch_norms
from sketchface_models.training.best import Best
from sketchface_models.training.distributed import average_, gathered, launch
from sketchface_models.training.ema import Average
from sketchface_models.training.feed import Feed, stream_seed
from sketchface_models.training.guards import Skip, Stop
from sketchface_models.training.log import StepLog, Terms
from sketchface_models.training.pack import Pack, normalise
from sketchface_models.training.settings import Engine
from sketchface_models.training.states import pack_optimizer, unpack_optimizer
from sketchface_models.training.validate import validation_sheet, validation_terms

State = tuple[dict[str, Tensor], dict[str, Any]]
"""Tensors by name, and a note that JSON can hold."""


class Keeper(Protocol):
    """Keeps what training leaves on its way."""

    def due(self, step: int) -> bool:
        """Whether a checkpoint is wanted after `step` steps; the same in all processes."""
        ...

    def save(self, state: State) -> None:
        """Keep a checkpoint."""
        ...

    def show(self, step: int, sheet: np.ndarray) -> None:
        """Keep a validation sheet, (H, W, 3) uint8."""
        ...


class Trainer:
    """Steps a system through its schedule.

    Args:
        system: freshly initialised, alike in all processes; its networks are moved to the device.
        pack: to learn from.
        seed: of data order, augmentation and dropout.
        engine: how to run.
        fabric: launched; a new one if None.
    """

    def __init__(
        self, system: System, pack: Pack, seed: int, engine: Engine, fabric: Fabric | None = None
    ) -> None:
        self.system, self.pack, self.seed, self.engine = system, pack, seed, engine
        self.fabric = fabric or launch(engine)
        self.schedule: Schedule = system.settings.schedule
        rank, world = self.fabric.global_rank, self.fabric.world_size
        self.feed = Feed(pack, self.schedule.batch, system.settings.augment, seed, rank, world)
        if world > 1:
            share_batch_norms(system.networks)
        for name, network in system.networks.items():
            if engine.compile and name in system.compiled:
                network.compile()
            system.networks[name] = self.fabric.setup_module(network)
        self.optimizers = system.optimizers()
        self.rates = {
            name: [group["lr"] for group in optimizer.param_groups]
            for name, optimizer in self.optimizers.items()
        }
        self.averages = {
            name: Average(system.networks[name], self.schedule)
            for name in system.averaged
            if self.schedule.ema_half_life
        }
        skip = engine.on_nonfinite == "skip"
        self.guard = Skip(system.networks, self.optimizers) if skip else Stop(self._faces)
        self.best = Best((engine.best != "none" and system.measure) or engine.best)
        self.step = 0
        self.norms: dict[str, Tensor] = {}

    def fit(self, log: StepLog, keeper: Keeper) -> None:
        """Train from where it stands to the last step."""
        self.system.networks.train()
        batches = self.feed.prefetched(self.step, pin=self.fabric.device.type == "cuda")
        with closing(batches):
            for step, raw in islice(batches, self.schedule.steps - self.step):
                terms = self.learn(step, raw)
                self.step = step + 1
                last = self.step == self.schedule.steps
                if last or self.step % self.engine.validate_every == 0:
                    terms |= self._validate(keeper)
                log.add(step, terms)
                if keeper.due(self.step) or last:
                    log.flush()
                    keeper.save(self.state())

    def learn(self, step: int, raw: dict[str, Tensor]) -> Terms:
        """One step on this process's part of a batch, as uint8 tensors by field."""
        # Dropout and every other draw depend on seed, step and process alone.
        rank = self.fabric.global_rank
        torch.manual_seed(stream_seed(self.seed, "step", step, *([rank] if rank else [])))
        clock = Clock(step, self.schedule.steps, self.feed.epoch(step))
        rates = self._set_rates(clock)
        batch = normalise(raw, self.fabric.device)
        self.norms = {}
        self.guard.begin()
        terms = self.system.training_step(batch, clock, self._update)
        skipped = self.guard.end()
        for name, average in self.averages.items():
            average.update(_bare(self.system.networks[name]), step)
        return {**terms, **rates, **self.norms, **skipped}

    def weights(self) -> dict[str, Tensor]:
        """All networks' weights by `NETWORK.NAME`, running averages in place of the last ones."""
        found: dict[str, Tensor] = {}
        for name, network in self.system.networks.items():
            module = self.averages[name].module if name in self.averages else _bare(network)
            found |= {f"{name}.{key}": value for key, value in module.state_dict().items()}
        return found

    def state(self) -> State:
        """Everything an interrupted run needs to go on; to be asked for in all processes.

        Raises:
            SketchFaceError: if something of it is no longer finite.
        """
        parts: dict[str, dict[str, Tensor]] = {"best": self.best.weights}
        for name, network in self.system.networks.items():
            parts[f"network.{name}"] = _bare(network).state_dict()
        for name, average in self.averages.items():
            parts[f"average.{name}"] = average.module.state_dict()
        for name, optimizer in self.optimizers.items():
            parts[f"optimizer.{name}"] = pack_optimizer(optimizer)
        tensors = {f"{part}/{key}": t for part, found in parts.items() for key, t in found.items()}
        for name, tensor in tensors.items():
            if tensor.is_floating_point() and not tensor.isfinite().all():
                raise SketchFaceError(
                    f"step {self.step - 1}: {name} is no longer finite; lower the learning rate"
                )
        own = self.system.state()
        pools = {key: value for key, value in own.items() if isinstance(value, Tensor)}
        plain = {key: value for key, value in own.items() if key not in pools}
        tensors |= {f"system/{key}": gathered(self.fabric, t) for key, t in pools.items()}
        return tensors, {"step": self.step, "system": plain, "best": self.best.note()}

    def load(self, tensors: dict[str, Tensor], about: dict[str, Any], path: Path) -> None:
        """Go on from what `state` gave.

        Raises:
            SketchFaceError: if it does not fit, naming `path`.
        """
        if not {"step", "system", "best"} <= about.keys():
            raise SketchFaceError(f"{path}: no checkpoint; remove it to train from the start")

        def part(name: str) -> dict[str, Tensor]:
            start = f"{name}/"
            return {k.removeprefix(start): t for k, t in tensors.items() if k.startswith(start)}

        for name, network in self.system.networks.items():
            load_into(_bare(network), part(f"network.{name}"), path)
        for name, average in self.averages.items():
            load_into(average.module, part(f"average.{name}"), path)
        for name, optimizer in self.optimizers.items():
            unpack_optimizer(optimizer, part(f"optimizer.{name}"))
        pools = {key: stack[self.fabric.global_rank] for key, stack in part("system").items()}
        self.system.load_state(about["system"] | pools)
        self.best.load(part("best"), about["best"])
        self.step = about["step"]
        if self.step > self.schedule.steps:
            raise SketchFaceError(f"{path}: is at step {self.step}, beyond the schedule")

    def _update(self, name: str, loss: Tensor) -> Tensor:
        optimizer = self.optimizers[name]
        parameters = [
            p for group in optimizer.param_groups for p in group["params"] if p.requires_grad
        ]
        optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss, inputs=parameters)
        gradients = [p.grad for p in parameters if p.grad is not None]
        mean = loss.detach().float().clone()
        average_(self.fabric, [mean, *gradients])
        norm = nn.utils.get_total_norm(gradients)
        if self.schedule.clip_norm:
            nn.utils.clip_grads_with_norm_(parameters, self.schedule.clip_norm, norm)
        self.guard.step(optimizer, mean.isfinite() & norm.isfinite())
        self.norms[f"grad_{name}"] = norm
        return mean

    def _set_rates(self, clock: Clock) -> dict[str, float]:
        """Give every optimizer its rates of this step; the first of each, to log."""
        found = {}
        for name, optimizer in self.optimizers.items():
            factor = self.system.rate(name, clock)
            for group, start in zip(optimizer.param_groups, self.rates[name], strict=True):
                group["lr"] = start * factor
            found[f"lr_{name}"] = optimizer.param_groups[0]["lr"]
        return found

    def _validate(self, keeper: Keeper) -> dict[str, Tensor]:
        with self._averages_at_work():
            terms = validation_terms(self.system, self.pack, self.fabric.device)
            sheet = validation_sheet(self.system, self.pack, self.fabric.device)
        if sheet is not None:
            keeper.show(self.step, sheet)
        self.best.compare(self.step, terms, self.weights)
        return terms

    @contextmanager
    def _averages_at_work(self) -> Iterator[None]:
        """Networks in eval mode, averages in place of those they are kept of."""
        current = {name: self.system.networks[name] for name in self.averages}
        for name, average in self.averages.items():
            self.system.networks[name] = average.module
        self.system.networks.eval()
        yield
        for name, network in current.items():
            self.system.networks[name] = network
        self.system.networks.train()

    def _faces(self, step: int) -> list[str]:
        """Ids of the whole batch of a step."""
        whole = Feed(self.pack, self.schedule.batch, self.system.settings.augment, self.seed)
        return [self.pack.ids[row] for row in whole.rows(step)]


def _bare(network: nn.Module) -> nn.Module:
    """The network inside Fabric's wrapper."""
    return getattr(network, "module", network)
