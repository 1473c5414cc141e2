"""A small CycleGAN for tests."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

PARAMS = yaml.safe_load((Path(__file__).resolve().parents[2] / "params.yaml").read_text("utf-8"))
SIZE = 64


def small_model(**changes: dict[str, object]) -> dict[str, Any]:
    """`systems.cyclegan` of the committed parameters, narrow and short, with changed sections."""
    model: dict[str, Any] = copy.deepcopy(PARAMS["systems"]["cyclegan"])
    small = {
        "task": {"size": SIZE},
        "network": {"width": 2, "blocks": 1, "discriminator_width": 2},
        "loss": {"pool": 3},
        "schedule": {"steps": 12, "batch": 2, "ema_half_life": 8.0},
    }
    for section, values in small.items():
        model[section] |= values
    for section, own in changes.items():
        model[section] |= own
    return model


def small_run(**engine: object) -> dict[str, Any]:
    """A configuration that trains it on the tests' unpaired pack."""
    settings = {"device": "cpu", "precision": "auto", "best": "val_ssim"}
    settings |= {"validate_every": 5, "checkpoint_every": 7}
    return {"run": "cyclegan", "seed": 0, "model": small_model(), "engine": settings | engine}
