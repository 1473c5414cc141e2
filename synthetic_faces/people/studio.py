"""Sampling how a portrait is taken: pose and framing, light and backdrop, film."""

from __future__ import annotations

import numpy as np

from synthetic_faces.face_parameters import RGB, Film, Hair, Light, View
from synthetic_faces.geometry.camera import OUTER_EYE_DISTANCE
from synthetic_faces.randomness import stream

FRONTAL = 20.0  # degrees of yaw within which a face counts as frontal
CROWN_HEIGHT = 1.54  # head units from the eyes to the top of the skull
TURNED = 0.25  # how many faces are turned further


def light(rng: np.random.Generator) -> Light:
    """Sample a key light at one side, often a fill opposite, sometimes a rim from behind."""
    side = float(rng.choice([-1, 1]))
    azimuth, elevation = side * rng.uniform(8, 62), rng.uniform(12, 52)
    filled, rimmed = rng.random() < 0.75, rng.random() < 0.4
    fill = rng.uniform(0.1, 0.34) if filled else 0.0
    ambient = rng.uniform(0.2, 0.36)
    # The front of the face is lit about equally in every arrangement.
    frontal = np.cos(np.radians(azimuth)) * np.cos(np.radians(elevation))
    key = (rng.normal(1.12, 0.05) - 0.75 * ambient - 0.7 * fill) / (0.35 + 0.65 * frontal)
    warmth = 0.05 + 0.07 * np.clip(rng.standard_normal(), -2, 2)
    gelled = rng.random() < 0.12
    near, far = _background(rng)
    return Light(
        azimuth=float(azimuth),
        elevation=float(elevation),
        key=float(np.clip(key, 0.4, 1.25)),
        key_colour=_white(warmth),
        softness=float(rng.beta(2.2, 1.4)),
        fill=float(fill),
        fill_azimuth=float(-side * rng.uniform(15, 70)),
        fill_elevation=float(rng.uniform(-10, 30)),
        fill_colour=_gel(rng) if gelled else _white(warmth + rng.normal(0, 0.05)),
        rim=float(rng.uniform(0.3, 1.0)) if rimmed else 0.0,
        rim_azimuth=float(rng.choice([-1, 1]) * rng.uniform(115, 160)),
        rim_elevation=float(rng.uniform(5, 45)),
        rim_colour=_gel(rng) if gelled else _white(rng.normal(0, 0.1)),
        ambient=float(ambient),
        sky=_white(-0.7 * warmth),
        backdrop=str(rng.choice(["plain", "gradient", "shapes"], p=[0.2, 0.45, 0.35])),
        background=near,
        background_far=far,
        backdrop_angle=float(rng.uniform(0, 360)),
    )


def film(rng: np.random.Generator) -> Film:
    """Sample a camera, from an old compact to a good lens."""
    return Film(
        contrast=float(rng.uniform(0.1, 0.65)),
        vignette=float(rng.uniform(0.0, 0.32)),
        blur=float(rng.uniform(0.3, 1.0)),
        grain=float(rng.uniform(0.4, 1.6)),
    )


def _background(rng: np.random.Generator) -> tuple[RGB, RGB]:
    """Sample two colours of one wall; mostly muted."""
    hue = rng.uniform(0, 1, 3)
    saturation = rng.choice([12.0, 45.0, 110.0], p=[0.45, 0.4, 0.15])
    base = rng.uniform(30, 232)
    near = np.clip(base + saturation * (hue - hue.mean()), 8, 245)
    far = np.clip(near * rng.uniform(0.4, 1.1) + rng.normal(0, 8, 3), 5, 248)
    return _rgb(near), _rgb(far)


def _white(warmth: float) -> RGB:
    """Return white light, warmer (above 0) or cooler."""
    return _rgb(255 * np.clip([1 + 0.45 * warmth, 1.0, 1 - 0.9 * warmth], 0.4, 1.25) / 1.25)


def _gel(rng: np.random.Generator) -> RGB:
    """Sample a strongly coloured light."""
    gels = ((255, 150, 70), (90, 150, 255), (255, 110, 160), (110, 230, 220), (190, 120, 255))
    return _rgb(np.array(gels[rng.integers(len(gels))]) * rng.uniform(0.9, 1.0))


def _rgb(colour: np.ndarray) -> RGB:
    red, green, blue = (float(v) for v in colour)
    return red, green, blue


def pose(hair: Hair, seed: int, id: int | str) -> View:
    """Sample the view of a face: a pure function of the arguments.

    Three quarters of the heads are within 20 degrees of yaw; the rest are spread out to 45, fewer
    as they turn further. A head that turns further also tilts and nods more.
    """
    rng = stream(seed, id, "pose")
    side = float(rng.choice([-1, 1]))
    if rng.random() < TURNED:
        yaw = side * (FRONTAL + (45 - FRONTAL) * float(rng.beta(1.1, 1.6)))
    else:
        yaw = side * min(abs(float(rng.normal(0, 9.5))), FRONTAL)
    looser = 1 + abs(yaw) / 45
    pitch = float(np.clip(rng.normal(-1, 4.4 * looser), -20, 20))
    roll = float(np.clip(0.06 * yaw + rng.normal(0, 3.2 * looser), -15, 15))
    distance = float(rng.uniform(0.302, 0.335))
    turn = np.sin(np.radians(yaw))
    # Tall hair needs room above it, and a turned head room behind it.
    height = max(hair.top, 1.5 * hair.bun)
    distance -= 0.05 * max(height - 0.2, 0)
    # A head that looks down shows its crown, which lies behind the eyes.
    crown = CROWN_HEIGHT + 0.8 * height + 1.5 * np.sin(np.radians(-pitch))
    eye_y = 0.03 + distance / OUTER_EYE_DISTANCE * crown + rng.normal(0, 0.006)
    return View(
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        eye_x=float(0.5 + 0.10 * turn + 0.012 * np.clip(rng.normal(), -2, 2)),
        eye_y=float(np.clip(eye_y, 0.38, 0.52)),
        eye_distance=distance,
    )
