"""What a person puts on: hats, jewellery, sunglasses and cloth, from a random stream of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from synthetic_faces.parameters import RGB, Parameters
from synthetic_faces.randomness import stream

HATS = ("none", "beanie", "cap", "brim")
METALS: tuple[RGB, ...] = ((226, 203, 149), (205, 206, 210), (186, 122, 86))
BEADS: tuple[RGB, ...] = ((240, 234, 222), (52, 48, 54), (48, 112, 136), (150, 42, 48))
FELTS: tuple[RGB, ...] = (
    *((44, 46, 54), (96, 72, 52), (150, 142, 126), (34, 52, 84), (128, 38, 42)),
    *((62, 78, 58), (190, 170, 134), (205, 200, 192), (188, 120, 40), (104, 108, 116)),
)


def dress(person: Parameters, seed: int, id: int | str, masculine: float) -> Parameters:
    """The same person, dressed. masculine: in [0, 1], how likely is what men more often wear."""
    rng = stream(seed, id, "wardrobe")
    wear = replace(person.wear, **_hat(rng), **_jewellery(rng, masculine), **_cloth(rng))
    shades, aviator = rng.random() < 0.1, rng.random() < 0.15
    tint = float(rng.uniform(0.65, 0.95)) if shades else float(max(rng.normal(-0.1, 0.2), 0) * 0.5)
    if wear.glasses != "none":
        wear = replace(wear, tint=tint, glasses="aviator" if aviator else wear.glasses)
    return replace(person, wear=wear, view=_with_room(person, wear.hat, wear.hat_size))


def _hat(rng: np.random.Generator) -> dict[str, Any]:
    felt, band = rng.choice(len(FELTS), 2, replace=False)
    return {
        "hat": str(rng.choice(HATS, p=[0.88, 0.05, 0.04, 0.03])),
        "hat_colour": _near(rng, FELTS[felt], 10),
        "hat_band": _near(rng, FELTS[band], 10),
        "hat_low": float(np.clip(rng.normal(0, 0.04), -0.12, 0.08)),
        "hat_size": float(np.clip(rng.normal(1, 0.12), 0.7, 1.3)),
        "hat_tilt": float(np.clip(rng.normal(0, 3.5), -10, 10)),
    }


def _jewellery(rng: np.random.Generator, masculine: float) -> dict[str, Any]:
    share = 0.04 + 0.16 * (1 - masculine)
    kinds = ("none", "beads", "chain", "pendant")
    kind = str(rng.choice(kinds, p=[1 - share, 0.4 * share, 0.25 * share, 0.35 * share]))
    metal = METALS[rng.integers(len(METALS))]
    bead = BEADS[rng.integers(len(BEADS))]
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
        "trim": _near(rng, FELTS[rng.integers(len(FELTS))], 14),
    }


def _near(rng: np.random.Generator, colour: RGB, spread: float) -> RGB:
    red, green, blue = np.clip(np.asarray(colour) + rng.normal(0, spread, 3), 8, 250)
    return float(red), float(green), float(blue)


def _with_room(person: Parameters, hat: str, size: float) -> Any:
    """The view, moved back and down as far as the hat needs."""
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
