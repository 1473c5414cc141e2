"""The training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from sketchface_models.checkpoint import load_into
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems.base import Clock, System
from sketchface_models.systems.run_settings import Schedule
from sketchface_models.training.batchnorm import convert_batch_norms
from sketchface_models.training.checkpoints import (
    Checkpoints,
    State,
    load_optimizer_tensors,
    optimizer_tensors,
)
from sketchface_models.training.distributed import all_gather, all_reduce_mean_, launch
from sketchface_models.training.ema import EMA
from sketchface_models.training.engine_settings import Engine
from sketchface_models.training.feed import Feed, stream_seed
from sketchface_models.training.guards import SkipNonfinite, StopOnNonfinite
from sketchface_models.training.log import StepLog, Terms
from sketchface_models.training.pack_reader import Pack, normalise
from sketchface_models.training.validation import BestWeights, validation_terms
from sketchface_models.training.validation_sheets import SheetWriter, validation_sheet


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

        # Networks: synchronised, compiled, on the device.
        if world > 1:
            convert_batch_norms(system.networks)
        for name, network in system.networks.items():
            if engine.compile and name in system.compiled:
                network.compile()
            system.networks[name] = self.fabric.setup_module(network)
        for name, network in system.frozen.items():
            system.frozen[name] = self.fabric.setup_module(network)

        # Optimizers and their starting rates, EMA.
        self.optimizers = system.optimizers()
        self.start_rates = {
            name: [group["lr"] for group in optimizer.param_groups]
            for name, optimizer in self.optimizers.items()
        }
        self.ema = {
            name: EMA(system.networks[name], self.schedule)
            for name in system.ema
            if self.schedule.ema_half_life
        }

        # What watches over training.
        self.guard: StopOnNonfinite | SkipNonfinite = StopOnNonfinite(self._batch_ids)
        if engine.on_nonfinite == "skip":
            self.guard = SkipNonfinite(system.networks, self.optimizers)
        self.best = BestWeights((engine.best != "none" and system.measure) or engine.best)
        self.step = 0
        self.gradient_norms: dict[str, Tensor] = {}

    def fit(
        self,
        log: StepLog,
        checkpoints: Checkpoints | None = None,
        sheets: SheetWriter | None = None,
        interrupted: Callable[[int], bool] = lambda step: False,
    ) -> None:
        """Train from the current step to the last, or to the one after which it is interrupted.

        Args:
            log: of every step's terms.
            checkpoints: where they go; none are written without.
            sheets: where validation sheets go; none are written without.
            interrupted: asked after every step, by their number, whether to save and stop.
        """
        self.system.networks.train()
        batches = self.feed.prefetched(self.step, pin=self.fabric.device.type == "cuda")
        with closing(batches):
            for step, raw in islice(batches, self.schedule.steps - self.step):
                # Learn.
                terms = self.learn(step, raw)
                self.step = step + 1
                last = self.step == self.schedule.steps

                # Validate.
                if last or self.step % self.engine.validate_every == 0:
                    terms |= self._validate(sheets)
                log.add(step, terms)

                # Save. The log is checked first: no checkpoint holds what a bad number led to.
                stop = not last and interrupted(self.step)
                if checkpoints and (checkpoints.due(self.step) or last or stop):
                    log.flush()
                    checkpoints.save(self.state_dict())
                if stop:
                    break
        log.flush()

    def learn(self, step: int, raw: dict[str, Tensor]) -> Terms:
        """Take one step on this process's part of a batch, uint8 tensors by field; return terms."""
        # Seed dropout and all other random numbers by seed, step and process alone.
        rank = self.fabric.global_rank
        torch.manual_seed(stream_seed(self.seed, "step", step, *([rank] if rank else [])))

        # Schedule, batch.
        clock = Clock(step, self.schedule.steps, self.feed.epoch(step))
        rates = self._set_rates(clock)
        batch = normalise(raw, self.fabric.device)

        # The system's step, which calls `_update`.
        self.gradient_norms = {}
        self.guard.begin()
        terms = self.system.training_step(batch, clock, self._update)
        skipped = self.guard.end()

        # EMA.
        for name, ema in self.ema.items():
            ema.update(_bare(self.system.networks[name]), step)
        return {**terms, **rates, **self.gradient_norms, **skipped}

    def weights(self) -> dict[str, Tensor]:
        """Return all networks' weights by `NETWORK.NAME`, the EMA where one is kept."""
        weights: dict[str, Tensor] = {}
        for name, network in self.system.networks.items():
            module = self.ema[name].module if name in self.ema else _bare(network)
            weights |= {f"{name}.{key}": value for key, value in module.state_dict().items()}
        return weights

    def state_dict(self) -> State:
        """Return everything an interrupted run needs to resume; to be called in all processes.

        Raises:
            SketchFaceError: if a weight or optimizer state is no longer finite.
        """
        parts: dict[str, dict[str, Tensor]] = {"best": self.best.weights}
        for name, network in self.system.networks.items():
            parts[f"network.{name}"] = _bare(network).state_dict()
        for name, ema in self.ema.items():
            parts[f"ema.{name}"] = ema.module.state_dict()
        for name, optimizer in self.optimizers.items():
            parts[f"optimizer.{name}"] = optimizer_tensors(optimizer)
        tensors = {f"{part}/{key}": t for part, named in parts.items() for key, t in named.items()}
        for name, tensor in tensors.items():
            if tensor.is_floating_point() and not tensor.isfinite().all():
                raise SketchFaceError(
                    f"step {self.step - 1}: {name} is no longer finite; lower the learning rate"
                )
        # A system's tensors may differ between processes, its other values may not.
        state = self.system.state_dict()
        own = {key: value for key, value in state.items() if isinstance(value, Tensor)}
        plain = {key: value for key, value in state.items() if key not in own}
        tensors |= {f"system/{key}": all_gather(self.fabric, t) for key, t in own.items()}
        return tensors, {"step": self.step, "system": plain, "best": self.best.note()}

    def load_state_dict(self, tensors: dict[str, Tensor], note: dict[str, Any], path: Path) -> None:
        """Restore what `state_dict` returned.

        Raises:
            SketchFaceError: if it does not fit, naming `path`.
        """
        if not {"step", "system", "best"} <= note.keys():
            raise SketchFaceError(f"{path}: no checkpoint; remove it to train from the start")

        def part(name: str) -> dict[str, Tensor]:
            prefix = f"{name}/"
            return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}

        for name, network in self.system.networks.items():
            load_into(_bare(network), part(f"network.{name}"), path)
        for name, ema in self.ema.items():
            load_into(ema.module, part(f"ema.{name}"), path)
        for name, optimizer in self.optimizers.items():
            load_optimizer_tensors(optimizer, part(f"optimizer.{name}"))
        own = {key: stack[self.fabric.global_rank] for key, stack in part("system").items()}
        self.system.load_state_dict(note["system"] | own)
        self.best.load_state_dict(part("best"), note["best"])
        self.step = note["step"]
        if self.step > self.schedule.steps:
            raise SketchFaceError(f"{path}: is at step {self.step}, beyond the schedule")

    def _update(self, name: str, loss: Tensor) -> Tensor:
        """Step optimizer `name` down the gradient of `loss`; see `Update`."""
        # Gradients, of this optimizer's parameters alone.
        optimizer = self.optimizers[name]
        parameters = [
            p for group in optimizer.param_groups for p in group["params"] if p.requires_grad
        ]
        optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss, inputs=parameters)

        # Their mean over all processes, bounded.
        gradients = [p.grad for p in parameters if p.grad is not None]
        mean = loss.detach().float().clone()
        all_reduce_mean_(self.fabric, [mean, *gradients])
        norm = nn.utils.get_total_norm(gradients)
        if self.schedule.clip_norm:
            nn.utils.clip_grads_with_norm_(parameters, self.schedule.clip_norm, norm)

        # Step.
        self.guard.step(optimizer, mean.isfinite() & norm.isfinite())
        self.gradient_norms[f"grad_{name}"] = norm
        return mean

    def _set_rates(self, clock: Clock) -> dict[str, float]:
        """Set every optimizer's learning rates of this step; return the first of each, to log."""
        rates = {}
        for name, optimizer in self.optimizers.items():
            factor = self.system.rate(name, clock)
            for group, start in zip(optimizer.param_groups, self.start_rates[name], strict=True):
                group["lr"] = start * factor
            rates[f"lr_{name}"] = optimizer.param_groups[0]["lr"]
        return rates

    def _validate(self, sheets: SheetWriter | None) -> dict[str, Tensor]:
        with self._ema_networks():
            terms = validation_terms(self.system, self.pack, self.fabric.device)
            sheet = validation_sheet(self.system, self.pack, self.fabric.device)
        if sheets and sheet is not None:
            sheets.write(self.step, sheet)
        self.best.update(self.step, terms, self.weights)
        return terms

    @contextmanager
    def _ema_networks(self) -> Iterator[None]:
        """Put networks in eval mode, and EMA modules in the place of those they follow."""
        trained = {name: self.system.networks[name] for name in self.ema}
        for name, ema in self.ema.items():
            self.system.networks[name] = ema.module
        self.system.networks.eval()
        yield
        for name, network in trained.items():
            self.system.networks[name] = network
        self.system.networks.train()

    def _batch_ids(self, step: int) -> list[str]:
        """Ids of the whole batch of a step."""
        feed = Feed(self.pack, self.schedule.batch, self.system.settings.augment, self.seed)
        return [
            domain.ids[row]
            for number, domain in enumerate(self.pack.domains)
            for row in feed.rows(step, number)
        ]


def _bare(network: nn.Module) -> nn.Module:
    """The network inside Fabric's wrapper."""
    return getattr(network, "module", network)
