"""Tiny packs and configurations to train from, made on the spot."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np

SIZE = 64


def write_pack(folder: Path, train: int = 16, val: int = 4, test: int = 4, seed: int = 0) -> Path:
    """Coloured discs on a ground (photo, 3 channels) and their dark shapes (sketch, 1 channel).

    The splits are interleaved, as they are in a real pack, which is sorted by id.
    """
    draw = np.random.default_rng(seed)
    count = train + val + test
    splits = draw.permutation(["train"] * train + ["val"] * val + ["test"] * test).tolist()
    photo = np.empty((count, 3, SIZE, SIZE), np.uint8)
    sketch = np.full((count, 1, SIZE, SIZE), 255, np.uint8)
    y, x = np.mgrid[:SIZE, :SIZE]
    for row in range(count):
        centre, radius = draw.uniform(20, 44, 2), draw.uniform(8, 18)
        distance = np.hypot(x - centre[0], y - centre[1])
        ground, colour = draw.integers(0, 256, (2, 3))
        photo[row] = np.where(distance < radius, colour[:, None, None], ground[:, None, None])
        sketch[row, 0][distance < radius] = 40
    folder.mkdir(parents=True)
    np.save(folder / "photo.npy", photo)
    np.save(folder / "sketch.npy", sketch)
    about = {
        "size": SIZE,
        "fields": {"photo": 3, "sketch": 1},
        "inputs": ["photo"],
        "target": "sketch",
        "ids": [f"face-{row:02d}" for row in range(count)],
        "splits": splits,
        "styles": [None] * count,
        "missing": [],
    }
    (folder / "pack.json").write_text(json.dumps(about), encoding="utf-8")
    return folder


def write_unpaired_pack(folder: Path) -> Path:
    """A pack of two domains: all photos of `write_pack`, and the sketches of two faces of three."""
    write_pack(folder)
    path = folder / "pack.json"
    about = json.loads(path.read_text(encoding="utf-8"))
    rows = [row for row in range(len(about["ids"])) if row % 3]
    np.save(folder / "sketch.npy", np.load(folder / "sketch.npy")[rows])
    columns = {key: [about[key][row] for row in rows] for key in ("ids", "splits", "styles")}
    about["domains"] = [{"fields": ["sketch"], **columns}]
    path.write_text(json.dumps(about), encoding="utf-8")
    return folder


CONFIG: dict[str, Any] = {
    "run": "tiny",
    "seed": 0,
    "model": {
        "system": "pix2pix",
        "task": {"inputs": ["photo"], "target": "sketch", "size": SIZE},
        "network": {"width": 4, "dropout": 0.5, "init_std": 0.0},
        "loss": {"l1": 100.0, "scale": 0.1},
        "conditional": {"timer": 2, "threshold": 0.02},
        "greyscale": True,
        "augment": {"flip": True, "jitter": 0.06},
        "schedule": {
            "steps": 12,
            "batch": 4,
            "lr_generator": 2e-3,
            "lr_discriminator": 1e-3,
            "decay_from": 0.5,
            "ema_half_life": 20.0,
        },
    },
    "engine": {
        "device": "cpu",
        "precision": "32-true",
        "validate_every": 5,
        "checkpoint_every": 3,
    },
}


def make_config(**changes: object) -> dict[str, Any]:
    """`CONFIG` with changes, `__` standing for a dot: `model__schedule__steps=6`."""
    config = copy.deepcopy(CONFIG)
    for key, value in changes.items():
        *path, last = key.split("__")
        section = config
        for name in path:
            section = section[name]
        section[last] = value
    return config
