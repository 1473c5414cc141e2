"""A small HIDA, pix2pixHD, SPADE and Sketch2face with random weights and cards of finished runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from face_geometry.align import PORTRAIT
from pipeline.datasets.synthetic import FRAMING
from sketchface_models.checkpoint import save_tensors
from sketchface_models.systems.registry import build

SIDE, ALIGNED = 64, 96
CHANNELS = {"photo": 3, "depth": 1, "style": 3, "sketch": 1}


def model(*inputs: str) -> dict[str, Any]:
    """A small HIDA."""
    return {
        "system": "hida",
        "task": {"inputs": list(inputs), "target": "sketch", "size": SIDE},
        "network": {
            "width": 4,
            "modulation": "dyspade",
            "activation": "infoacon",
            "dog": "top2",
            "meta_acon": "pixel",
            "encoder_order": "conv-acon-norm",
            "appearance": "map",
            "gamma": "plain",
            "residual": "before",
            "pyramid": "gaussian",
            "dropout": 0.5,
        },
        "loss": {
            "adversarial": "cross-entropy",
            "fourth_power": 0.0,
            "discriminator_depth": "generated",
            "pixel": 4.0,
            "texture": 1.0,
            "texture_of": "target",
            "operator": "sobel",
            "geometric": 4.0,
            "geometry": "squared",
        },
        "optimizer": "adam",
        "augment": {"flip": True, "jitter": 0.0},
        "schedule": {
            "steps": 2,
            "batch": 2,
            "lr_generator": 1e-4,
            "lr_discriminator": 1e-4,
            "decay_from": 1.0,
            "ema_half_life": 0.0,
        },
    }


def make_weights(folder: Path, *inputs: str, **changes: Any) -> Path:
    """Random weights of a small HIDA, with the card of a finished run."""
    torch.manual_seed(0)
    settings = model(*(inputs or ("photo", "depth", "style")))
    card = {
        "run": "hida",
        "seed": 0,
        "model": settings,
        "channels": CHANNELS,
        "styles": {"1": 3, "2": 4, "3": 0},
        "faces": {"data": "fs2k", "size": ALIGNED, "framing": [list(p) for p in PORTRAIT.points]},
        "pack": "0" * 64,
        "steps": 2,
        "images": 4,
    } | changes
    system = build(settings, CHANNELS)
    save_tensors(folder / "model.safetensors", system.networks.state_dict(), card)
    return folder


CONTOUR_CHANNELS = {"contour": 1, "photo": 3}


def contour_model(**augment: float) -> dict[str, Any]:
    """A small pix2pixHD that moved its contours as published."""
    return {
        "system": "pix2pixhd",
        "task": {"inputs": ["contour"], "target": "photo", "size": SIDE},
        "network": {
            "width": 4,
            "blocks": 1,
            "norms_removed": 2,
            "discriminator_width": 2,
            "scales": 1,
        },
        "loss": {
            "adversarial": "least-squares",
            "feature_matching": 10.0,
            "perceptual": "none",
            "perceptual_weight": 0.0,
        },
        "optimizer": "adam",
        "augment": {
            "flip": True,
            "jitter": 0.0,
            "contour_shift": 25.0,
            "contour_rotation": 7.0,
        }
        | augment,
        "schedule": model()["schedule"],
    }


def make_contour_weights(folder: Path, **changes: Any) -> Path:
    """Random weights of a small pix2pixHD, with the card of a finished run on built-in faces."""
    torch.manual_seed(0)
    settings = contour_model()
    card = {
        "run": "pix2pixhd",
        "seed": 0,
        "model": settings,
        "channels": CONTOUR_CHANNELS,
        "faces": {
            "data": "synthetic",
            "size": ALIGNED,
            "framing": [list(p) for p in FRAMING.points],
        },
        "pack": "0" * 64,
        "steps": 2,
        "images": 4,
    } | changes
    system = build(settings, CONTOUR_CHANNELS)
    save_tensors(folder / "model.safetensors", system.networks.state_dict(), card)
    return folder


MAP_CHANNELS = {"parsing": 1, "photo": 3}


def map_model(encoder: bool = True) -> dict[str, Any]:
    """A small SPADE, with style codes or without."""
    return {
        "system": "spade",
        "task": {"inputs": ["parsing"], "target": "photo", "size": SIDE},
        "network": {"width": 2, "discriminator_width": 2, "scales": 1, "encoder": encoder},
        "loss": {
            "adversarial": "hinge",
            "feature_matching": 10.0,
            "perceptual": "none",
            "perceptual_weight": 0.0,
            "divergence": 0.05,
        },
        "optimizer": "adam",
        "augment": {"flip": True, "jitter": 0.0},
        "schedule": model()["schedule"],
    }


def make_map_weights(folder: Path, encoder: bool = True, **changes: Any) -> Path:
    """Random weights of a small SPADE, with the card of a finished run on built-in faces."""
    torch.manual_seed(0)
    settings = map_model(encoder)
    faces = {"data": "synthetic", "size": ALIGNED}
    faces["framing"] = [list(p) for p in FRAMING.points]
    card = {"run": "spade", "seed": 0, "model": settings, "channels": MAP_CHANNELS, "faces": faces}
    card |= {"pack": "0" * 64, "steps": 2, "images": 4} | changes
    system = build(settings, MAP_CHANNELS)
    save_tensors(folder / "model.safetensors", system.networks.state_dict(), card)
    return folder


DOODLE_SIDE = 32
DOODLE_CHANNELS = {"doodle": 1, "photo": 3}


def doodle_model() -> dict[str, Any]:
    """A small Sketch2face."""
    return {
        "system": "sketch2face",
        "task": {
            "inputs": ["doodle"],
            "target": "photo",
            "size": SIDE,
            "sizes": {"doodle": DOODLE_SIDE},
            "unpaired": True,
        },
        "network": {
            "width": 2,
            "latent": 8,
            "latent_layers": 1,
            "learns": "latent",
            "free_mean": True,
            "free_deviation": True,
        },
        "loss": {
            "reconstruction": 5000.0,
            "kl": 5000.0,
            "kl_delay": 0.0,
            "kl_slope": 0.0,
            "penalty": 10.0,
        },
        "optimizer": "adam",
        "augment": {"flip": True, "jitter": 0.0},
        "schedule": {**model()["schedule"], "critic_steps": 1},
    }


def make_doodle_weights(folder: Path, **changes: Any) -> Path:
    """Random weights of a small Sketch2face, with the card of a finished run on built-in faces."""
    torch.manual_seed(0)
    settings = doodle_model()
    faces = {"data": "synthetic", "size": ALIGNED}
    faces["framing"] = [list(p) for p in FRAMING.points]
    card = {"run": "sketch2face", "seed": 0, "model": settings, "channels": DOODLE_CHANNELS}
    card |= {"faces": faces, "pack": "0" * 64, "steps": 2, "images": 4} | changes
    system = build(settings, DOODLE_CHANNELS)
    save_tensors(folder / "model.safetensors", system.networks.state_dict(), card)
    return folder
