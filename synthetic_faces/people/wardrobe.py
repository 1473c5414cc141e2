"""Sampling what a person wears: hats, jewellery, sunglasses and cloth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from synthetic_faces.face_parameters import RGB, Parameters
from synthetic_faces.randomness import stream

HATS = ("none", "beanie", "cap", "brim")
METAL_COLOURS: tuple[RGB, ...] = ((226, 203, 149), (205, 206, 210), (186, 122, 86))
BEAD_COLOURS: tuple[RGB, ...] = ((240, 234, 222), (52, 48, 54), (48, 112, 136), (150, 42, 48))
FELT_COLOURS: tuple[RGB, ...] = (
    *((44, 46, 54), (96, 72, 52), (150, 142, 126), (34, 52, 84), (128, 38, 42)),
    *((62, 78, 58), (190, 170, 134), (205, 200, 192), (188, 120, 40), (104, 108, 116)),
)


def dress(person: Parameters, seed: int, id: int | str, masculine: float) -> Parameters:
    """Return the person, dressed. masculine: in [0, 1], 1 for what men more often wear."""
    rng = stream(seed, id, "wardrobe")
    wear = replace(person.wear, **_hat(rng), **_jewellery(rng, masculine), **_cloth(rng))
    shades, aviator = rng.random() < 0.1, rng.random() < 0.15
    tint = float(rng.uniform(0.65, 0.95)) if shades else float(max(rng.normal(-0.1, 0.2), 0) * 0.5)
    if wear.glasses != "none":
        wear = replace(wear, tint=tint, glasses="aviator" if aviator else wear.glasses)
    return replace(person, wear=wear, view=_with_room(person, wear.hat, wear.hat_size))


def _hat(rng: np.random.Generator) -> dict[str, Any]:
    felt, band = rng.choice(len(FELT_COLOURS), 2, replace=False)
    return {
        "hat": str(rng.choice(HATS, p=[0.88, 0.05, 0.04, 0.03])),
        "hat_colour": _near(rng, FELT_COLOURS[felt], 10),
        "hat_band": _near(rng, FELT_COLOURS[band], 10),
        "hat_low": float(np.clip(rng.normal(0, 0.04), -0.12, 0.08)),
        "hat_size": float(np.clip(rng.normal(1, 0.12), 0.7, 1.3)),
        "hat_tilt": float(np.clip(rng.normal(0, 3.5), -10, 10)),
    }


def _jewellery(rng: np.random.Generator, masculine: float) -> dict[str, Any]:
    share = 0.04 + 0.16 * (1 - masculine)
    kinds = ("none", "beads", "chain", "pendant")
    kind = str(rng.choice(kinds, p=[1 - share, 0.4 * share, 0.25 * share, 0.35 * share]))
    metal = METAL_COLOURS[rng.integers(len(METAL_COLOURS))]
    bead = BEAD_COLOURS[rng.integers(len(BEAD_COLOURS))]
    return {
        "earring_kind": str(rng.choice(["stud", "hoop", "drop"], p=[0.45, 0.25, 0.3])),
        "necklace": kind,
        "necklace_drop": float(rng.uniform(0, 1)),
        "necklace_size": float(np.clip(rng.normal(1, 0.2), 0.6, 1.45)),
        "metal": _near(rng, bead if kind == "beads" else metal, 6),
    }


def _cloth(rng: np.random.Generator) -> dict[str, Any]:
    necklines = ("crew", "v", "collar", "scoop", "turtle")
    return {
        "neckline": str(rng.choice(necklines, p=[0.28, 0.18, 0.24, 0.2, 0.1])),
        "pattern": str(rng.choice(["plain", "stripes", "checks"], p=[0.78, 0.13, 0.09])),
        "trim": _near(rng, FELT_COLOURS[rng.integers(len(FELT_COLOURS))], 14),
    }


def _near(rng: np.random.Generator, colour: RGB, spread: float) -> RGB:
    red, green, blue = np.clip(np.asarray(colour) + rng.normal(0, spread, 3), 8, 250)
    return float(red), float(green), float(blue)


def _with_room(person: Parameters, hat: str, size: float) -> Any:
    """Return the view, moved back and down as far as the hat needs."""
    if hat == "none":
        return person.view
    tall, wide = {"beanie": (0.025, 0.97), "cap": (0.01, 0.98), "brim": (0.04, 0.88)}[hat]
    room = max(tall * size - 0.1 * person.hair.top, 0.0)
    view = person.view
    return replace(
        view,
        eye_y=float(np.clip(view.eye_y + room, 0.3, 0.6)),
        eye_distance=view.eye_distance * wide,
    )
