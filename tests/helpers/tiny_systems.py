"""Systems of a few weights, one for each training rule that the engine has to hold.

They are written as a user would write them: nothing in here is for the tests alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.optim import SGD, Adam, Optimizer

from sketchface_models.systems.base import Batch, Clock, System, Update
from sketchface_models.systems.gan import GANSchedule
from sketchface_models.systems.run_settings import Augment, Task
from sketchface_models.systems.schedules import cosine_ramp


@dataclass(frozen=True)
class TinySettings:
    system: str
    task: Task
    augment: Augment
    schedule: GANSchedule
    pretrain: Mapping[str, str] = field(default_factory=dict)


def down(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3, stride=4, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.LeakyReLU(0.2),
        nn.Conv2d(4, out, 3, stride=2, padding=1),
    )


def up(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Upsample(scale_factor=8), nn.Conv2d(channels, 1, 3, padding=1), nn.Tanh()
    )


def scorer(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, 4, 4, stride=4), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 4, stride=4)
    )


class Tiny(System):
    """Generator (encoder, decoder) and critic, trained in turn with hinge losses."""

    Settings = TinySettings
    ema = ("generator",)

    def __init__(self, settings: TinySettings, channels: dict[str, int]) -> None:
        self.settings = settings
        self.networks = nn.ModuleDict(
            {"generator": nn.Sequential(down(3, 4), up(4)), "critic": scorer(1)}
        )

    def optimizers(self) -> dict[str, Optimizer]:
        schedule = self.settings.schedule
        return {
            "generator": self._adam(schedule.lr_generator, self.networks["generator"]),
            "critic": self._adam(schedule.lr_discriminator, self.networks["critic"]),
        }

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        fake = self.networks["generator"](batch["photo"])
        critic = update("critic", self._critic_loss(batch["sketch"], fake.detach()))
        l1 = (fake - batch["sketch"]).abs().mean()
        generator = update("generator", l1 - 0.1 * self.networks["critic"](fake).mean())
        return {"critic": critic, "generator": generator, "l1": l1.detach()}

    def generate(self, batch: Batch) -> Tensor:
        return self.networks["generator"](batch["photo"])

    def _critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        critic = self.networks["critic"]
        return (1 - critic(real)).relu().mean() + (1 + critic(fake)).relu().mean()

    @staticmethod
    def _adam(rate: float, *networks: nn.Module) -> Adam:
        parameters = [p for network in networks for p in network.parameters()]
        return Adam(parameters, lr=rate, betas=(0.5, 0.999), fused=True)


class Critics(Tiny):
    """WGAN-GP; a step is one critic update, every fifth moves the generator too.

    As in docs/papers.md, Sketch2face.
    """

    every = 5

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        critic, real = self.networks["critic"], batch["sketch"]
        fake = self.networks["generator"](batch["photo"])
        mix = torch.rand(len(real), 1, 1, 1, device=real.device)
        between = (mix * real + (1 - mix) * fake).detach().requires_grad_()
        (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        penalty = (slope.flatten(1).norm(dim=1) - 1).square().mean()
        loss = critic(fake.detach()).mean() - critic(real).mean() + 10 * penalty
        terms = {"critic": update("critic", loss), "penalty": penalty.detach()}
        if clock.step % self.every == self.every - 1:
            weight = cosine_ramp(clock.step, 4, 5)
            l1 = weight * (fake - real).abs().mean()
            terms["generator"] = update("generator", l1 - critic(fake).mean())
        return terms


class InnerCritics(Tiny):
    """Three critic updates on one batch within a step."""

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        for _ in range(3):
            fake = self.networks["generator"](batch["photo"]).detach()
            critic = update("critic", self._critic_loss(batch["sketch"], fake))
        fake = self.networks["generator"](batch["photo"])
        return {
            "critic": critic,
            "generator": update("generator", -self.networks["critic"](fake).mean()),
        }


class LazyR1(Tiny):
    """R1 (a penalty on the critic's slope at real pictures) at every fourth step, by itself."""

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        terms = super().training_step(batch, clock, update)
        if clock.step % 4 == 0:
            real = batch["sketch"].clone().requires_grad_()
            logits = self.networks["critic"](real)
            (slope,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
            loss = 4 * 0.5 * slope.square().sum(dim=(1, 2, 3)).mean()
            terms["r1"] = update("critic", loss)
        return terms


class Locks(Tiny):
    """Either network may wait: the critic at odd epochs and while it is too good, the generator
    while its own loss is low. What counts is the loss at the end of the epoch before."""

    def __init__(self, settings: TinySettings, channels: dict[str, int]) -> None:
        super().__init__(settings, channels)
        self.epoch = 0
        self.losses = {"critic": 9.0, "generator": 9.0}
        self.last: dict[str, float | Tensor] = dict(self.losses)

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        if clock.epoch != self.epoch:
            self.losses = {name: float(loss) for name, loss in self.last.items()}
            self.epoch = clock.epoch
        terms = {}
        fake = self.networks["generator"](batch["photo"])
        if clock.epoch % 2 == 0 and self.losses["critic"] > 0.1:
            terms["critic"] = update("critic", self._critic_loss(batch["sketch"], fake.detach()))
        l1 = (fake - batch["sketch"]).abs().mean()
        if self.losses["generator"] > 0.5:
            terms["generator"] = update("generator", l1)
        self.last |= terms
        return {"l1": l1.detach()} | terms

    def state_dict(self) -> dict[str, Any]:
        last = {name: float(loss) for name, loss in self.last.items()}
        return {"epoch": self.epoch, "losses": self.losses, "last": last}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch, self.losses, self.last = state["epoch"], state["losses"], state["last"]


class Phases(Tiny):
    """First the generator by L1 alone; then its encoder is frozen, and the critic joins in.

    Each phase has its own optimizer, and the second its own rates.
    """

    switch = 6

    def __init__(self, settings: TinySettings, channels: dict[str, int]) -> None:
        super().__init__(settings, channels)
        self.networks = nn.ModuleDict(
            {"encoder": down(3, 4), "decoder": up(4), "critic": scorer(1)}
        )

    ema = ("encoder", "decoder")

    def optimizers(self) -> dict[str, Optimizer]:
        encoder, decoder, critic = (self.networks[name] for name in self.networks)
        rate = self.settings.schedule.lr_generator
        return {
            "pretrain": self._adam(rate, encoder, decoder),
            "decoder": SGD(decoder.parameters(), lr=rate, momentum=0.9, fused=True),
            "critic": self._adam(rate, critic),
        }

    def rate(self, name: str, clock: Clock) -> float:
        return 1.0 if name == "pretrain" else 1 / (1 + max(0, clock.step - self.switch))

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        pretraining = clock.step < self.switch
        self.networks["encoder"].requires_grad_(pretraining)
        fake = self._generate(batch)
        l1 = (fake - batch["sketch"]).abs().mean()
        if pretraining:
            return {"l1": update("pretrain", l1)}
        critic = update("critic", self._critic_loss(batch["sketch"], fake.detach()))
        loss = l1 - 0.1 * self.networks["critic"](fake).mean()
        return {"l1": l1.detach(), "critic": critic, "generator": update("decoder", loss)}

    def generate(self, batch: Batch) -> Tensor:
        return self._generate(batch)

    def _generate(self, batch: Batch) -> Tensor:
        return self.networks["decoder"](self.networks["encoder"](batch["photo"]))


class Frozen(Tiny):
    """A fixed network in the loss, which no optimizer has; gradients pass through it."""

    def __init__(self, settings: TinySettings, channels: dict[str, int]) -> None:
        super().__init__(settings, channels)
        self.networks["features"] = scorer(1).requires_grad_(False)

    def optimizers(self) -> dict[str, Optimizer]:
        return {"generator": super().optimizers()["generator"]}

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        features = self.networks["features"]
        fake = self.networks["generator"](batch["photo"])
        loss = (features(fake) - features(batch["sketch"])).abs().mean()
        return {"features": update("generator", loss)}


class Shared(Tiny):
    """Two networks with a common encoder, each with an optimizer that moves all of its parts."""

    ema = ("generator", "inverter")

    def __init__(self, settings: TinySettings, channels: dict[str, int]) -> None:
        super().__init__(settings, channels)
        encoder = down(3, 4)
        self.networks = nn.ModuleDict(
            {
                "generator": nn.Sequential(encoder, up(4)),
                "inverter": nn.Sequential(encoder, up(4)),
            }
        )

    def optimizers(self) -> dict[str, Optimizer]:
        rate = self.settings.schedule.lr_generator
        return {name: self._adam(rate, network) for name, network in self.networks.items()}

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        terms = {}
        for name, sign in (("generator", 1), ("inverter", -1)):
            generated = self.networks[name](batch["photo"])
            terms[name] = update(name, (generated - sign * batch["sketch"]).abs().mean())
        return terms


class Pool(Tiny):
    """The critic sees pictures from a pool of earlier ones, as CycleGAN's does."""

    size = 10

    def __init__(self, settings: TinySettings, channels: dict[str, int]) -> None:
        super().__init__(settings, channels)
        self.pool = torch.zeros(0, 1, settings.task.size, settings.task.size)

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        fake = self.networks["generator"](batch["photo"])
        older = self._exchange(fake.detach())
        critic = update("critic", self._critic_loss(batch["sketch"], older))
        loss = (fake - batch["sketch"]).abs().mean() - self.networks["critic"](fake).mean()
        return {"critic": critic, "generator": update("generator", loss)}

    def state_dict(self) -> dict[str, Any]:
        return {"pool": self.pool}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.pool = state["pool"]

    def _exchange(self, generated: Tensor) -> Tensor:
        """Pictures for the critic: half of the time older ones, which the new ones replace."""
        self.pool = self.pool.to(generated.device)
        if len(self.pool) < self.size:
            self.pool = torch.cat([self.pool, generated])[: self.size]
            return generated
        places = torch.randperm(self.size, device=generated.device)[: len(generated)]
        swap = torch.rand(len(generated), 1, 1, 1, device=generated.device) < 0.5
        older = self.pool[places]
        self.pool = self.pool.index_copy(0, places, torch.where(swap, generated, older))
        return torch.where(swap, older, generated)


class Spectral(Tiny):
    """Photos and sketches of different faces; spectral norm, five critic updates to one."""

    every = 5

    def __init__(self, settings: TinySettings, channels: dict[str, int]) -> None:
        super().__init__(settings, channels)
        for layer in self.networks["critic"]:
            if isinstance(layer, nn.Conv2d):
                spectral_norm(layer)

    @property
    def cycle(self) -> Sequence[Clock]:
        return [Clock(step, self.settings.schedule.steps, 0) for step in range(self.every)]

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        fake = self._fake(batch["photo"])
        critic_loss = self._critic_loss(batch["sketch"], self._seen(fake.detach()))
        terms = {"critic": update("critic", critic_loss)}
        if clock.step % self.every == self.every - 1:
            terms["generator"] = update("generator", -self.networks["critic"](fake).mean())
        return terms

    def _fake(self, photo: Tensor) -> Tensor:
        return self.networks["generator"](photo)

    def _seen(self, fake: Tensor) -> Tensor:
        """What the critic sees of the generator."""
        return fake


class Unpaired(Spectral, Pool):
    """`Spectral` with a pool, and with a random code that the generator adds to its photo.

    `generate` leaves the code out, `sample` does not.
    """

    size = 12

    def sample(self, batch: Batch, generator: Generator) -> dict[str, Tensor]:
        return {"sketch": self._fake(batch["photo"], generator)}

    def _fake(self, photo: Tensor, generator: Generator | None = None) -> Tensor:
        code = torch.randn((len(photo), 3, 1, 1), generator=generator, device=photo.device)
        return self.networks["generator"](photo + 0.1 * code)

    def _seen(self, fake: Tensor) -> Tensor:
        return self._exchange(fake)


class Noisy(Tiny):
    """Adds noise, as dropout does, on whatever the batch lies on."""

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        noise = torch.randn_like(batch["photo"])
        return super().training_step(batch | {"photo": batch["photo"] + noise}, clock, update)


class Poisoned(Tiny):
    """Its generator's loss is not a number at two steps, the second time with the first weights'
    statistics spoilt on the way."""

    bad = (3, 7)

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        if clock.step in self.bad:
            batch = batch | {"photo": batch["photo"] * float("nan")}
        return super().training_step(batch, clock, update)


class Greedy(Tiny):
    """Asks for more memory than any machine has."""

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        if clock.step == 5:
            torch.empty(2**50)
        return super().training_step(batch, clock, update)


SYSTEMS = {
    cls.__name__.lower(): cls
    for cls in (
        *(
            Tiny,
            Critics,
            InnerCritics,
            LazyR1,
            Locks,
            Phases,
            Frozen,
            Shared,
            Pool,
            Spectral,
            Unpaired,
        ),
        *(Noisy, Poisoned, Greedy),
    )
}


def tiny_config(system: str, **engine: object) -> dict[str, Any]:
    """A configuration of 12 steps at batch 8, three epochs of the tests' pack."""
    return {
        "run": system,
        "seed": 0,
        "model": {
            "system": system,
            "task": {
                "inputs": ["photo"],
                "target": "sketch",
                "size": 64,
                "unpaired": system in ("spectral", "unpaired"),
            },
            "augment": {"flip": True, "jitter": 0.05},
            "schedule": {
                "steps": 12,
                "batch": 8,
                "lr_generator": 5e-3,
                "lr_discriminator": 5e-3,
                "decay_from": 0.5,
                "ema_half_life": 30.0,
            },
        },
        "engine": {
            "device": "cpu",
            "precision": "auto",
            "validate_every": 5,
            "checkpoint_every": 4,
            "best": "val_l1",
        }
        | engine,
    }
