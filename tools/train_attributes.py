"""Train the classifier of hair, glasses and mouths: python -m tools.train_attributes [PHOTOS].

PHOTOS (5,000 by default) built-in people are rendered, of whom one in five is held out. It takes
about twenty minutes of one core, most of them for rendering, and writes the weights in half
precision and their card beside the network.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from pipeline.common.progress import progress
from pipeline.evaluate.attributes.attribute_network import (
    ATTRIBUTES,
    CARD,
    SEED,
    SIDE,
    WEIGHTS,
    AttributeNetwork,
    classify,
    shrunk,
)
from pipeline.evaluate.attributes.doodled import indices_of
from sketchface_models.atomic import atomic_file, write_json
from synthetic_faces import render

PHOTOS, HELD_OUT = 5000, 5
RENDERED = 256
"""Side of the photos before they are shrunk: that of a data set."""
EPOCHS, BATCH, RATE = 24, 64, 3e-3


def rendered(number: int) -> tuple[Tensor, dict[str, int]]:
    """Return one person's photo, (3, SIDE, SIDE) uint8, and the index of each attribute's value."""
    face = render(SEED, f"attributes-{number:06d}", RENDERED)
    photo = torch.from_numpy(face.photo).permute(2, 0, 1)
    return shrunk(photo[None])[0].round().to(torch.uint8), indices_of(face.parameters)


def train(photos: Tensor, truth: dict[str, Tensor]) -> AttributeNetwork:
    """Return a network that learned from photos, (N, 3, SIDE, SIDE) uint8, mirrored and moved."""
    torch.manual_seed(0)
    network = AttributeNetwork()
    steps = EPOCHS * (len(photos) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for _ in progress(range(steps), steps, "train", "step"):
        rows = torch.randint(len(photos), (BATCH,))
        logits = network(augmented(photos[rows].float() / 127.5 - 1))
        loss = sum(F.cross_entropy(each, truth[k][rows]) for k, each in logits.items())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[union-attr]
        optimizer.step()
        schedule.step()
    return network.eval()


def augmented(photos: Tensor) -> Tensor:
    """Return photos mirrored, moved by up to 4 pixels, and lighter or softer, each by chance."""
    count = len(photos)
    sign = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    theta = torch.zeros(count, 2, 3)
    zoom = 1 + 0.08 * torch.randn(count).clamp(-2, 2)
    theta[:, 0, 0], theta[:, 1, 1] = sign * zoom, zoom
    theta[:, :, 2] = (torch.rand(count, 2) - 0.5) * (16 / SIDE)
    grid = F.affine_grid(theta, list(photos.shape), align_corners=False)
    moved = F.grid_sample(photos, grid, padding_mode="border", align_corners=False)
    if torch.rand(()) < 0.3:
        moved = F.avg_pool2d(F.pad(moved, (1, 1, 1, 1), "replicate"), 3, 1)
    gain, shift = 1 + 0.15 * torch.randn(count, 1, 1, 1), 0.1 * torch.randn(count, 1, 1, 1)
    return (moved * gain + shift + 0.03 * torch.randn_like(moved)).clamp(-1, 1)


def main(count: int) -> None:
    """Render, train, test, and write weights and card."""
    people = [rendered(number) for number in progress(range(count), count, "render", "face")]
    photos = torch.stack([photo for photo, _ in people])
    truth = {name: torch.tensor([each[name] for _, each in people]) for name in ATTRIBUTES}
    write(photos, truth)


def write(photos: Tensor, truth: dict[str, Tensor]) -> None:
    """Train on four of five photos, write the weights, and their card from the fifth."""
    held = np.arange(len(photos)) % HELD_OUT == 0
    network = train(photos[~held], {k: each[~held] for k, each in truth.items()})
    with atomic_file(WEIGHTS) as path:
        save_file({k: v.half() for k, v in network.state_dict().items()}, path)
    predicted = classify(photos[held])
    hits = {k: (predicted[k] == truth[k][held]).double() for k in ATTRIBUTES}
    rates = {
        k: [float(hits[k][truth[k][held] == v].mean()) for v in range(len(values))]
        for k, values in ATTRIBUTES.items()
    }
    about = {
        "learned_from": int((~held).sum()),
        "held_out": int(held.sum()),
        "accuracy": {k: round(float(each.mean()), 4) for k, each in hits.items()},
        "balanced_accuracy": {k: round(float(np.mean(each)), 4) for k, each in rates.items()},
    }
    write_json(CARD, about)
    print(json.dumps(about))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PHOTOS)
