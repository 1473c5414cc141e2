"""The loops that the engine is held against: as released trainers write them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from contenders import NEVER, Contender, Job, channels_first, draw_twice, unfuse
from torch import Tensor, nn
from torch.optim import Adam
from torch.utils.data import DataLoader, Dataset

from sketchface_models.networks import fused
from sketchface_models.networks.patchgan import Patch23
from sketchface_models.networks.pix2pix import UNet
from sketchface_models.systems.base import Clock
from sketchface_models.systems.registry import build
from sketchface_models.training.engine_settings import accelerator
from sketchface_models.training.feed import Feed
from sketchface_models.training.pack_reader import Pack, normalise


class Faces(Dataset):
    """A pack read face by face, each made ready by itself."""

    def __init__(self, pack: Pack, flip: bool, jitter: float) -> None:
        self.pack, self.flip, self.reach = pack, flip, round(jitter * pack.size)
        self.draw = np.random.default_rng(0)

    def __len__(self) -> int:
        return len(self.pack.ids)

    def __getitem__(self, row: int) -> dict[str, np.ndarray]:
        mirrored = self.flip and self.draw.random() < 0.5
        left, top = self.draw.integers(0, 2 * self.reach + 1, 2)
        face = {}
        for name, array in self.pack.arrays.items():
            picture = array[row].astype(np.float32) / 127.5 - 1
            if mirrored:
                picture = picture[:, :, ::-1]
            edges = ((0, 0), (self.reach, self.reach), (self.reach, self.reach))
            picture = np.pad(picture, edges, mode="edge")
            size = self.pack.size
            cut = picture[:, top : top + size, left : left + size]
            face[name] = np.ascontiguousarray(np.broadcast_to(cut, (3, size, size)))
        return face


@contextmanager
def textbook_steps(job: Job, second_forward: bool) -> Iterator[Contender]:
    """One step in 32 bits, with Adam as it comes and the losses read every time.

    Real and drawn pictures are judged and differentiated one after the other; the generator's
    backward pass runs through a discriminator that collects gradients nobody uses; faces are read
    one by one. No running average, which the engine does keep.

    Args:
        job: of a pix2pix run.
        second_forward: the discriminator learns from a picture of its own; else from the one the
            generator learns from (this system's authors do that).
    """
    torch.set_num_threads(job.threads)
    torch.manual_seed(0)
    model, device = job.model, torch.device(accelerator(job.settings))
    inputs, target = model["task"]["inputs"], model["task"]["target"]
    width, dropout = model["network"]["width"], model["network"]["dropout"]
    generator = UNet(3 * len(inputs), 3, width, dropout).to(device)
    discriminator = Patch23(3 * len(inputs) + 3, width, dropout).to(device)
    rates = model["schedule"]["lr_generator"], model["schedule"]["lr_discriminator"]
    adam_g = Adam(generator.parameters(), lr=rates[0], betas=(0.5, 0.999))
    adam_d = Adam(discriminator.parameters(), lr=rates[1], betas=(0.5, 0.999))
    faces = Faces(Pack(job.pack), model["augment"]["flip"], model["augment"]["jitter"])
    batches = endless(DataLoader(faces, job.batch, shuffle=True, drop_last=True))
    weights, entropy, losses = model["loss"], nn.BCEWithLogitsLoss(), [0.0, 0.0]

    def judged(fake: Tensor, label: float) -> Tensor:
        logits = discriminator(torch.cat([condition, fake], 1))
        loss: Tensor = entropy(logits, torch.full_like(logits, label))
        return loss

    def step() -> None:
        nonlocal condition
        batch = {name: value.to(device) for name, value in next(batches).items()}
        condition, real = torch.cat([batch[name] for name in inputs], 1), batch[target]
        fake = generator(condition)
        adam_d.zero_grad()
        loss_real = judged(real, 1.0)
        loss_real.backward()
        loss_fake = judged(fake.detach(), 0.0)
        loss_fake.backward()
        adam_d.step()
        losses[0] = loss_real.item() + loss_fake.item()
        if second_forward:
            fake = generator(condition)
        adam_g.zero_grad()
        l1 = F.l1_loss(fake, real)
        loss = weights["scale"] * (judged(fake, 1.0) + weights["l1"] * l1)
        loss.backward()
        adam_g.step()
        losses[1] = loss.item()

    condition = torch.empty(0)
    yield step, device


@contextmanager
def plain_steps(job: Job, second_forward: bool) -> Iterator[Contender]:
    """One step of any system in 32 bits, channels-first, operation by operation.

    The system's own networks and losses, its batch already in memory; Adam as it comes; losses read
    every time; backward passes that collect gradients nobody uses. No running average.

    Args:
        job: of any run.
        second_forward: the discriminator learns from a picture of its own, as in HIDA's released
            code; else from the one the generator learns from, as in pix2pixHD's.
    """
    torch.set_num_threads(job.threads)
    torch.manual_seed(0)
    fused.FEWEST = NEVER
    device, pack = torch.device(accelerator(job.settings)), Pack(job.pack)
    system = build(job.model, pack.channels)
    channels_first(system)
    unfuse(system)
    if second_forward:
        draw_twice(system)
    for network in (*system.networks.values(), *system.frozen.values()):
        network.to(device).train()
    optimizers = system.optimizers()
    batch = normalise(Feed(pack, job.batch, system.settings.augment, 0).raw(0), device)

    def update(name: str, loss: Tensor) -> Tensor:
        system.networks.zero_grad()
        loss.backward()
        optimizers[name].step()
        return torch.tensor(loss.item())

    yield lambda: system.training_step(dict(batch), Clock(0, NEVER, 0), update), device


def endless(loader: DataLoader) -> Iterator[dict[str, Tensor]]:
    while True:
        yield from loader
