"""Sampling the parameters of one face from random streams of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from synthetic_faces.face_parameters import (
    RGB,
    Brows,
    Eyes,
    Hair,
    Mole,
    Mouth,
    Nose,
    Parameters,
    Shape,
    Skin,
    Wear,
)
from synthetic_faces.people import studio
from synthetic_faces.people.expression import express
from synthetic_faces.people.proportions import identity
from synthetic_faces.people.studio import pose
from synthetic_faces.people.wardrobe import dress
from synthetic_faces.randomness import stream
from synthetic_faces.ranges import changed, rounded

SKIN_TONES = np.array(
    [
        (231, 200, 184),
        (223, 186, 165),
        (211, 170, 147),
        (188, 147, 124),
        (154, 114, 93),
        (117, 83, 69),
        (86, 59, 49),
    ],
    float,
)
HAIR_COLOURS: dict[str, tuple[RGB, float, float]] = {
    # colour, weight on light skin, weight on dark skin
    "black": ((26, 23, 24), 0.2, 0.75),
    "dark brown": ((52, 36, 28), 0.24, 0.2),
    "brown": ((88, 60, 42), 0.2, 0.03),
    "chestnut": ((108, 70, 48), 0.1, 0.01),
    "auburn": ((122, 62, 40), 0.07, 0.0),
    "dark blond": ((144, 114, 80), 0.1, 0.0),
    "blond": ((186, 155, 112), 0.09, 0.01),
}
IRIS_COLOURS: tuple[tuple[RGB, float, float], ...] = (
    ((72, 46, 30), 0.4, 0.9),
    ((112, 78, 44), 0.15, 0.07),
    ((104, 110, 64), 0.12, 0.01),
    ((92, 130, 158), 0.2, 0.01),
    ((116, 128, 134), 0.13, 0.01),
)
# style: top, side, line, fringe, sweep, length, cover, flare, wave, curl, bun, weight masc., fem.
HAIRCUTS: dict[str, tuple[float, ...]] = {
    "bald": (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0, 0, 0, 0, 0.1, 0.0),
    "buzz": (0.04, 0.02, 0.0, 0.0, 0.0, 0.0, 0, 0, 0, 0.2, 0, 0.13, 0.01),
    "short": (0.17, 0.07, 0.0, 0.05, 0.3, 0.0, 0, 0, 0, 0.1, 0, 0.23, 0.06),
    "side part": (0.22, 0.09, 0.03, 0.16, 1.0, 0.0, 0, 0, 0, 0.0, 0, 0.18, 0.03),
    "swept back": (0.24, 0.07, -0.04, 0.0, 0.0, 0.0, 0, 0, 0, 0.0, 0, 0.13, 0.05),
    "fringe": (0.18, 0.12, 0.0, 0.5, 0.1, 0.0, 0, 0, 0, 0.0, 0, 0.08, 0.07),
    "curly": (0.28, 0.2, 0.0, 0.12, 0.1, 0.0, 0, 0, 0, 1.0, 0, 0.08, 0.09),
    "afro": (0.42, 0.42, 0.0, 0.0, 0.0, 0.0, 0, 0, 0, 1.0, 0, 0.02, 0.05),
    "bob": (0.17, 0.15, 0.0, 0.3, 0.7, 1.25, 62, 0.10, 0.1, 0.0, 0, 0.01, 0.14),
    "bob fringe": (0.18, 0.16, 0.0, 0.56, 0.05, 1.3, 60, 0.08, 0.0, 0.0, 0, 0.0, 0.08),
    "long": (0.15, 0.12, 0.0, 0.12, 0.9, 2.5, 62, 0.05, 0.15, 0.0, 0, 0.04, 0.2),
    "wavy": (0.19, 0.16, 0.0, 0.14, 0.9, 2.3, 60, 0.22, 1.0, 0.25, 0, 0.01, 0.15),
    "bun": (0.1, 0.05, 0.0, 0.0, 0.0, 0.0, 0, 0, 0, 0.0, 0.42, 0.01, 0.08),
}


def sample_person(seed: int, id: int | str) -> Parameters:
    """Sample the parameters of one face: a pure function of seed and id."""
    rng = stream(seed, id, "parameters")
    masculine = float(np.clip(rng.normal(0.72 if rng.random() < 0.5 else 0.22, 0.15), 0, 1))
    age = float(rng.beta(1.6, 2.4))
    darkness = float(rng.uniform(0, 1))
    hair = _hair(rng, masculine, age, darkness)
    proportions = identity(masculine, age, seed, id)
    person = Parameters(
        shape=Shape(**proportions["shape"]),
        eyes=_eyes(rng, masculine, darkness, proportions["eyes"]),
        brows=Brows(**proportions["brows"], raise_inner=0.0, raise_outer=0.0, frown=0.0),
        nose=Nose(**proportions["nose"]),
        mouth=_mouth(rng, masculine, proportions["mouth"]),
        skin=_skin(rng, masculine, age, darkness, stream(seed, id, "complexion")),
        hair=hair,
        wear=_wear(rng, masculine),
        view=pose(hair, seed, id),
        light=studio.light(stream(seed, id, "light")),
        film=studio.film(stream(seed, id, "film")),
    )
    if max(hair.beard, hair.moustache) > 0:  # with paint on top, it would look pasted on
        person = changed(person, {"mouth.lipstick": 0.0, "eyes.shadow": 0.0})
    return rounded(dress(express(person, seed, id), seed, id, masculine))


def _around(rng: np.random.Generator, mean: float, spread: float, reach: float = 2.2) -> float:
    """Sample a normal number within `reach` spreads of its mean."""
    return float(mean + spread * np.clip(rng.standard_normal(), -reach, reach))


def _eyes(
    rng: np.random.Generator, masculine: float, darkness: float, proportions: dict[str, Any]
) -> Eyes:
    weights = np.array(
        [(1 - darkness) * light + darkness * dark for _, light, dark in IRIS_COLOURS]
    )
    iris = IRIS_COLOURS[rng.choice(len(IRIS_COLOURS), p=weights / weights.sum())][0]
    made_up = rng.random() < 0.7 * (1 - masculine)
    return Eyes(
        **proportions,
        iris=_tinted(rng, iris, 9),
        gaze_x=0.0,
        gaze_y=0.0,
        lid_right=1.0,
        lid_left=1.0,
        lashes=float(0.25 + 0.3 * rng.random() + (0.45 if made_up else 0)),
        shadow=float(rng.uniform(0.15, 0.6)) if made_up else 0.0,
    )


def _mouth(rng: np.random.Generator, masculine: float, proportions: dict[str, Any]) -> Mouth:
    painted = rng.random() < 0.65 * (1 - masculine)
    tints = ((176, 46, 62), (152, 40, 54), (196, 92, 100), (150, 70, 86), (186, 84, 70))
    return Mouth(
        **proportions,
        smile=0.0,
        opening=0.0,
        lipstick=float(rng.uniform(0.35, 0.9)) if painted else 0.0,
        tint=_tinted(rng, tints[rng.integers(len(tints))], 10),
    )


def _skin(
    rng: np.random.Generator,
    masculine: float,
    age: float,
    darkness: float,
    complexion: np.random.Generator,
) -> Skin:
    position = darkness * (len(SKIN_TONES) - 1)
    i = min(int(position), len(SKIN_TONES) - 2)
    tone = SKIN_TONES[i] + (position - i) * (SKIN_TONES[i + 1] - SKIN_TONES[i])
    undertone = rng.normal(0, 1) * np.array([1.0, 0.0, -4.0]) + rng.normal(0, 2)
    red, green, blue = np.clip(tone + undertone, 20, 250)
    count = int(rng.choice(4, p=[0.45, 0.3, 0.17, 0.08]))
    moles = tuple(
        Mole(
            float(rng.uniform(-0.75, 0.75)), float(rng.uniform(0.15, 1.4)), rng.uniform(0.01, 0.02)
        )
        for _ in range(count)
    )
    rouged = complexion.random() < 0.5 * (1 - masculine)
    blush = float(complexion.uniform(0.15, 0.65)) if rouged else 0.0
    return Skin(
        tone=(float(red), float(green), float(blue)),
        redness=float(rng.uniform(0.2, 1.0)),
        freckles=float(rng.uniform(0.4, 1)) if rng.random() < 0.3 * (1 - darkness) else 0.0,
        age=age,
        gloss=float(rng.uniform(0.25, 1.0)),
        blush=blush,
        pores=float(np.clip(complexion.normal(0.35 + 0.25 * age, 0.2), 0, 1)),
        moles=moles,
    )


def _hair(rng: np.random.Generator, masculine: float, age: float, darkness: float) -> Hair:
    names = list(HAIRCUTS)
    weights = np.array(
        [masculine * HAIRCUTS[n][-2] + (1 - masculine) * HAIRCUTS[n][-1] for n in names]
    )
    weights[names.index("afro")] *= 0.3 + 2.5 * darkness
    style = names[rng.choice(len(names), p=weights / weights.sum())]
    top, side, line, fringe, sweep, length, cover, flare, wave, curl, bun = HAIRCUTS[style][:11]
    varied: dict[str, Any] = {
        "top": top * _around(rng, 1, 0.15),
        "side": side * _around(rng, 1, 0.15),
        "line": line + _around(rng, 0, 0.045) - 0.06 * age * masculine,
        "recession": float(np.clip(rng.normal(0.12 + 0.5 * age, 0.2), 0, 1)) * masculine * 0.3,
        "peak": float(max(rng.normal(0, 0.05), 0)),
        "sideburn": float(rng.uniform(0.05, 0.35 + 0.2 * masculine)),
        "fringe": fringe * _around(rng, 1, 0.14),
        "part": float(rng.choice([-1, 1]) * rng.uniform(12, 38)) if rng.random() < 0.8 else 0.0,
        "sweep": float(np.clip(sweep * _around(rng, 1, 0.3), 0, 1.3)),
        "length": length * _around(rng, 1, 0.08),
        "cover": cover + _around(rng, 0, 5),
        "flare": flare + _around(rng, 0, 0.04),
        "wave": float(wave * rng.uniform(0.6, 1.3)),
        "curl": float(np.clip(curl * rng.uniform(0.7, 1.2) + 0.1 * darkness, 0, 1)),
        "bun": bun * _around(rng, 1, 0.15),
    }
    whiskers = _whiskers(rng, masculine)
    return Hair(
        style=style,
        colour=_hair_colour(rng, darkness),
        grey=float(np.clip((age - 0.58) * 2.4 + rng.normal(0, 0.25), 0, 1)) if age > 0.52 else 0.0,
        cap=0.0 if style == "bald" else float(rng.uniform(0.7, 0.9)) if style == "buzz" else 1.0,
        **varied,
        **whiskers,
    )


def _whiskers(rng: np.random.Generator, masculine: float) -> dict[str, float]:
    """Sample beard and moustache: mostly none, else stubble, a moustache or a full beard."""
    kind = rng.random()
    if masculine < 0.5 or kind < 0.42:
        return {"beard": 0.0, "beard_length": 0.0, "moustache": 0.0}
    if kind < 0.6:
        shade = float(rng.uniform(0.2, 0.45))
        return {"beard": shade, "beard_length": 0.0, "moustache": shade}
    if kind < 0.7:
        return {"beard": 0.0, "beard_length": 0.0, "moustache": float(rng.uniform(0.75, 1))}
    shade = float(rng.uniform(0.7, 1))
    return {"beard": shade, "beard_length": float(rng.uniform(0.02, 0.16)), "moustache": shade}


def _hair_colour(rng: np.random.Generator, darkness: float) -> RGB:
    names = list(HAIR_COLOURS)
    weights = np.array(
        [(1 - darkness) * HAIR_COLOURS[n][1] + darkness * HAIR_COLOURS[n][2] for n in names]
    )
    return _tinted(
        rng, HAIR_COLOURS[names[rng.choice(len(names), p=weights / weights.sum())]][0], 6
    )


def _wear(rng: np.random.Generator, masculine: float) -> Wear:
    glasses = str(rng.choice(["none", "round", "square", "cat"], p=[0.78, 0.08, 0.1, 0.04]))
    frames = ((28, 26, 28), (92, 54, 32), (150, 122, 74), (132, 134, 140), (110, 26, 36))
    cloths = rng.uniform(20, 225, 3)
    cloth = cloths.mean() + 0.45 * (cloths - cloths.mean())
    return Wear(
        glasses=glasses,
        glasses_colour=_tinted(rng, frames[rng.integers(len(frames))], 6),
        glasses_size=_around(rng, 1.0, 0.07),
        earrings=float(rng.uniform(0.035, 0.075)) if rng.random() < 0.4 * (1 - masculine) else 0.0,
        cloth=(float(cloth[0]), float(cloth[1]), float(cloth[2])),
        neckline=str(rng.choice(["crew", "v", "collar", "scoop"])),
        neckline_depth=float(rng.uniform(0.0, 1.0)),
        shoulders=_around(rng, 2.15 + 0.35 * (masculine - 0.5), 0.1),
    )


def _tinted(rng: np.random.Generator, colour: RGB, spread: float) -> RGB:
    """Sample a colour near `colour`; dark ones vary less."""
    brightness = 0.15 + 0.85 * sum(colour) / 600
    red, green, blue = np.clip(np.asarray(colour) + brightness * rng.normal(0, spread, 3), 8, 250)
    return float(red), float(green), float(blue)
