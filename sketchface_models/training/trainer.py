"""The training loop."""

from __future__ import annotations

from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from sketchface_models.errors import SketchFaceError
from sketchface_models.systems.base import Clock, Schedule, System
from sketchface_models.training import checkpoint
from sketchface_models.training.ema import Average
from sketchface_models.training.feed import Feed, stream_seed
from sketchface_models.training.log import StepLog
from sketchface_models.training.pack import Pack, normalise
from sketchface_models.training.settings import Engine, accelerator, precision
from sketchface_models.training.validate import validation_terms


class Trainer:
    """Steps a system through its schedule.

    Args:
        system: freshly initialised; its networks are moved to the device.
        pack: to learn from.
        seed: of data order, augmentation and dropout.
        engine: device, precision, intervals.
        state: file of the checkpoint; training goes on from it when it exists.
    """

    def __init__(self, system: System, pack: Pack, seed: int, engine: Engine, state: Path) -> None:
        self.system, self.pack, self.seed = system, pack, seed
        self.engine, self.state = engine, state
        self.schedule: Schedule = system.settings.schedule
        self.feed = Feed(pack, self.schedule.batch, system.settings.augment, seed)
        self.fabric = Fabric(
            accelerator=accelerator(engine), devices=1, precision=precision(engine)
        )
        self.optimizers = {}
        self.rates = {}
        for name, optimizer in system.optimizers().items():
            system.networks[name], self.optimizers[name] = self.fabric.setup(
                system.networks[name], optimizer
            )
            self.rates[name] = optimizer.param_groups[0]["lr"]
        self.averages = {
            name: Average(system.networks[name], self.schedule)
            for name in system.averaged
            if self.schedule.ema_half_life
        }
        self.step = 0
        if state.exists():
            self._resume()

    def fit(self, log: StepLog) -> None:
        """Train to the last step, leaving checkpoints on the way."""
        self.system.networks.train()
        while self.step < self.schedule.steps:
            terms = self._one_step()
            self.step += 1
            last = self.step == self.schedule.steps
            if self.step % self.engine.validate_every == 0 or last:
                terms |= self._validate()
            log.add(self.step - 1, terms)
            if self.step % self.engine.checkpoint_every == 0 or last:
                log.flush()
                self._save()

    def weights(self) -> dict[str, Tensor]:
        """All networks' weights by `NETWORK.NAME`, running averages in place of the last ones."""
        found: dict[str, Tensor] = {}
        for name, network in self.system.networks.items():
            module = self.averages[name].module if name in self.averages else _bare(network)
            found |= {f"{name}.{key}": value for key, value in module.state_dict().items()}
        return found

    def _one_step(self) -> dict[str, Tensor]:
        # Dropout and every other draw on the device depend on (seed, step) alone.
        torch.manual_seed(stream_seed(self.seed, "step", self.step))
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = self.rates[name] * decay(self.step, self.schedule)
        batch = normalise(self.feed.raw(self.step), self.fabric.device)
        clock = Clock(self.step, self.schedule.steps, self.feed.epoch(self.step))
        terms = self.system.training_step(batch, clock, self._update)
        for name, average in self.averages.items():
            average.update(_bare(self.system.networks[name]), self.step)
        return terms

    def _update(self, name: str, loss: Tensor) -> None:
        optimizer = self.optimizers[name]
        optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        optimizer.step()

    def _validate(self) -> dict[str, Tensor]:
        current = {name: self.system.networks[name] for name in self.averages}
        for name, average in self.averages.items():
            self.system.networks[name] = average.module
        self.system.networks.eval()
        terms = validation_terms(self.system, self.pack, self.fabric.device)
        for name, network in current.items():
            self.system.networks[name] = network
        self.system.networks.train()
        return terms

    def _save(self) -> None:
        tensors: dict[str, Tensor] = {}
        for name, network in self.system.networks.items():
            state = _bare(network).state_dict()
            tensors |= {f"network.{name}/{key}": value for key, value in state.items()}
        for name, average in self.averages.items():
            state = average.module.state_dict()
            tensors |= {f"average.{name}/{key}": value for key, value in state.items()}
        for name, optimizer in self.optimizers.items():
            state = checkpoint.pack_optimizer(optimizer)
            tensors |= {f"optimizer.{name}/{key}": value for key, value in state.items()}
        for name, tensor in tensors.items():
            if tensor.is_floating_point() and not tensor.isfinite().all():
                raise SketchFaceError(
                    f"step {self.step - 1}: {name} is no longer finite; lower the learning rate"
                )
        about = {"step": self.step, "system": self.system.state()}
        checkpoint.save_tensors(self.state, tensors, about)

    def _resume(self) -> None:
        tensors, about = checkpoint.load_tensors(self.state)
        if not {"step", "system"} <= about.keys():
            raise SketchFaceError(f"{self.state}: no checkpoint; remove it to train from the start")

        def part(prefix: str) -> dict[str, Tensor]:
            return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}

        for name, network in self.system.networks.items():
            checkpoint.load_into(_bare(network), part(f"network.{name}/"), self.state)
        for name, average in self.averages.items():
            checkpoint.load_into(average.module, part(f"average.{name}/"), self.state)
        for name, optimizer in self.optimizers.items():
            checkpoint.unpack_optimizer(optimizer, part(f"optimizer.{name}/"))
        self.system.load_state(about["system"])
        self.step = about["step"]
        if self.step > self.schedule.steps:
            raise SketchFaceError(f"{self.state}: is at step {self.step}, beyond the schedule")


def decay(step: int, schedule: Schedule) -> float:
    """Factor on the learning rates: 1, then linearly to 0 after `decay_from` of the steps."""
    start = schedule.decay_from * schedule.steps
    if step < start or schedule.decay_from >= 1:
        return 1.0
    return 1 - (step - start) / (schedule.steps - start)


def _bare(network: nn.Module) -> nn.Module:
    """The network inside Fabric's wrapper."""
    return getattr(network, "module", network)
