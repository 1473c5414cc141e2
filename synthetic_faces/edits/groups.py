"""The edit groups: parameters of a face before and after each edit.

A face and its edit are seen frontally, at rest, without glasses and with short hair, and framed so
that the outer corner of the eye at image left lies on one pixel. Where a parameter moves more than
its own feature (a larger eye has another corner, an open mouth lowers the chin), a second one is
solved for that keeps the rest in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count
from typing import Any

import numpy as np

from sketchface_models.errors import SketchFaceError
from synthetic_faces.drawing.feature_lines import BROWS, EYES
from synthetic_faces.face_parameters import Hair, Parameters
from synthetic_faces.figure.anatomy import Anatomy
from synthetic_faces.ground_truth import points_3d
from synthetic_faces.people.sampling import sample_person
from synthetic_faces.randomness import face_id, stream
from synthetic_faces.ranges import RANGES, changed, rounded
from synthetic_faces.scene import Scene

CORNER = (170.5 / 512, 250.5 / 512)
"""Middle of pixel (170, 250) of 512 (Cheng et al. 2022, section 4.1), in widths."""
EYE_DISTANCE = 172 / 512  # then the face stands in the middle of the picture
OUTER_CORNER = 36  # landmark
LIP_CHAINS = ("outer_lip", "inner_lip")
NOSE_CHAINS = ("nose_bridge", "nose_base")
CROPPED = ("buzz", "short", "swept back")
FRINGE, SWEEP = 0.3, 0.6  # longest fringe and widest parting of added hair
ATTRIBUTES = ("whiskers", "wrinkles", "ears")


@dataclass(frozen=True)
class Group:
    """One of the groups of Cheng et al. 2022.

    title: what changes. count: drawings in the paper. eyes: groups of equal `eyes` have equal eyes.
    chains: chains of landmarks that change. features: features of the sketch that change.
    """

    title: str
    count: int
    eyes: str
    chains: tuple[str, ...] = ()
    features: tuple[str, ...] = ()


# Counts: Cheng et al. 2022, table beside figure 2 (they add up to 200; the text says 198).
GROUPS: dict[str, Group] = {
    "G1": Group("hair", 26, "G1", features=("hair", "crown")),
    "G2": Group("whiskers, wrinkles or ears", 15, "G2"),
    "G3": Group("face shape", 12, "G3", ("jaw",), ("jaw", "ears", "neck")),
    "G4": Group("brows", 17, "G4", BROWS, BROWS),
    "G5": Group("eye shape", 19, "G5", EYES, EYES),
    "G6": Group("eye size", 9, "G6", EYES, EYES),
    "G7": Group("graffiti", 12, "G7"),
    "G8": Group("mouth", 26, "G8", LIP_CHAINS, ("mouth",)),
    "G9": Group("nose", 19, "G9", NOSE_CHAINS, ("nose",)),
    "G10": Group("mouth, with the eyes of G9", 26, "G9", LIP_CHAINS, ("mouth",)),
    "G11": Group("nose, with the eyes of G8", 19, "G8", NOSE_CHAINS, ("nose",)),
}
"""The groups by name."""


@lru_cache(maxsize=64)
def before(group: str, seed: int, id: int | str) -> Parameters:
    """Return the face that a group edits: person (seed, id) with the eyes of the group."""
    person = sample_person(seed, id)
    eyes = sample_person(seed, f"{face_id(id)} eyes of {GROUPS[group].eyes}").eyes
    bald = group == "G1"
    hair = _hair(seed, f"{face_id(id)} hair", ("bald",) if bald else CROPPED)
    hair = replace(hair, colour=person.hair.colour, grey=person.hair.grey, fringe=0.0)
    calm = changed(
        replace(person, hair=hair, eyes=replace(eyes, iris=person.eyes.iris)),
        {
            "hair.beard": 0.0,
            "hair.beard_length": 0.0,
            "hair.moustache": 0.0,
            "brows.raise_inner": 0.0,
            "brows.raise_outer": 0.0,
            "brows.frown": 0.0,
            "eyes.spacing": float(np.clip(eyes.spacing, 0.975, 1.025)),
            "eyes.size": float(np.clip(eyes.size, 0.94, 1.06)),
            "eyes.lid_right": 1.0,
            "eyes.lid_left": 1.0,
            "eyes.gaze_x": 0.0,
            "eyes.gaze_y": 0.0,
            "eyes.shadow": 0.0,
            "mouth.smile": 0.05,
            "mouth.opening": 0.0,
            "skin.age": min(person.skin.age, 0.2),
            "wear.glasses": "none",
            "wear.hat": "none",
        },
    )
    return rounded(_framed(calm))


def after(
    group: str, seed: int, id: int | str, variant: int, parameters: Parameters
) -> tuple[Parameters, str]:
    """Return the edited parameters, and the kind of lines added (one of `extras`, or "")."""
    random = stream(seed, id, f"edit {group} {variant}")
    name = "G8" if group == "G10" else "G9" if group == "G11" else group
    edit = _EDITS.get(name)
    if edit is not None:
        return rounded(edit(parameters, random)), ""
    if name == "G1":
        hair = _hair(seed, f"{face_id(id)} added hair {variant}", (), ("bald", "buzz"))
        # A fringe that hides the eyes would change them.
        added = replace(
            hair,
            colour=parameters.hair.colour,
            grey=parameters.hair.grey,
            fringe=min(hair.fringe, FRINGE),
            sweep=min(hair.sweep, SWEEP),
            beard=0.0,
            beard_length=0.0,
            moustache=0.0,
        )
        return replace(parameters, hair=added), "hair"
    if name == "G7":
        return parameters, "graffiti"
    kind = ATTRIBUTES[variant % len(ATTRIBUTES)]
    return rounded(changed(parameters, _attribute(kind, random))), kind


def known(group: str) -> Group:
    """Return the group of that name.

    Raises:
        SketchFaceError: if there is none.
    """
    if not isinstance(group, str) or group not in GROUPS:
        raise SketchFaceError(f"edit group: {group!r}; allowed: {', '.join(GROUPS)}")
    return GROUPS[group]


def _hair(seed: int, name: str, styles: tuple[str, ...], but: tuple[str, ...] = ()) -> Hair:
    """Return the first sampled hair whose style is in `styles` (if any) and not in `but`."""
    for number in count():
        hair = sample_person(seed, f"{name} {number}").hair
        if hair.style not in but and (not styles or hair.style in styles):
            return hair
    raise AssertionError("unreachable")


def _framed(parameters: Parameters) -> Parameters:
    """Return the face seen frontally, eye corner on `CORNER`, in three steps of correction."""
    view = {"view.yaw": 0.0, "view.pitch": 0.0, "view.roll": 0.0, "view.eye_x": 0.5}
    framed = changed(parameters, {**view, "view.eye_distance": EYE_DISTANCE})
    for _ in range(3):
        scene = Scene(framed)
        corners = scene.camera.project(points_3d(scene))[[OUTER_CORNER, 45]]
        distance = framed.view.eye_distance * EYE_DISTANCE / (corners[1, 0] - corners[0, 0])
        x, y = np.array([framed.view.eye_x, framed.view.eye_y]) + CORNER - corners[0]
        position = {"view.eye_x": float(x), "view.eye_y": float(y)}
        framed = changed(framed, {**position, "view.eye_distance": float(distance)})
    return framed


def _other(
    random: np.random.Generator, name: str, old: float, low: float, high: float, gap: float = 0.3
) -> float:
    """Sample a value in [low, high] that differs from the old one by `gap` of that range."""
    gap = gap * (high - low)
    under, over = max(old - gap - low, 0.0), max(high - old - gap, 0.0)
    at = random.uniform(0, under + over)
    allowed = RANGES[name]
    value = low + at if at < under else old + gap + at - under
    return float(np.clip(value, allowed.low, allowed.high))


def _pick(
    parameters: Parameters,
    random: np.random.Generator,
    spans: Mapping[str, tuple[float, float]],
    least: int,
) -> dict[str, Any]:
    """Sample new values for at least `least` of the named parameters."""
    names = list(spans)
    number = int(random.integers(least, len(names) + 1))
    chosen = random.permutation(len(names))[:number]
    values = {}
    for k in sorted(chosen):
        group, field = names[k].split(".")
        old = float(getattr(getattr(parameters, group), field))
        values[names[k]] = _other(random, names[k], old, *spans[names[k]])
    return values


def _held(
    parameters: Parameters, name: str, measure: Callable[[Anatomy], float], wanted: float
) -> Parameters:
    """Solve for one parameter so that a measure, linear in it, has the wanted value."""
    group, field = name.split(".")
    old = float(getattr(getattr(parameters, group), field))
    allowed = RANGES[name]
    step = 0.02 if old + 0.02 <= allowed.high else -0.02
    current = measure(Anatomy(parameters))
    stepped = measure(Anatomy(changed(parameters, {name: old + step})))
    value = old + step * (wanted - current) / (stepped - current)
    return changed(parameters, {name: float(np.clip(value, allowed.low, allowed.high))})


def _face_shape(p: Parameters, random: np.random.Generator) -> Parameters:
    spans = {
        "shape.jaw": (0.8, 1.2),
        "shape.chin_width": (0.55, 1.45),
        "shape.chin_length": (0.84, 1.16),
        "shape.width": (0.92, 1.08),
        "shape.cheekbones": (-0.04, 0.08),
        "shape.fullness": (-0.08, 0.08),
    }
    return changed(p, _pick(p, random, spans, least=2))


def _brows(p: Parameters, random: np.random.Generator) -> Parameters:
    spans = {
        "brows.height": (-0.02, 0.11),
        "brows.arch": (-0.02, 0.13),
        "brows.slope": (-0.09, 0.09),
        "brows.length": (0.88, 1.12),
        "brows.thickness": (0.025, 0.13),
        "brows.raise_inner": (-0.7, 1.0),
        "brows.raise_outer": (-0.5, 1.0),
    }
    return changed(p, _pick(p, random, spans, least=2))


def _eye_shape(p: Parameters, random: np.random.Generator) -> Parameters:
    opening = _other(random, "eyes.opening", p.eyes.opening, 0.62, 1.5)
    tilt = float(np.clip(p.eyes.tilt + random.uniform(-3, 3), -6, 12))
    return changed(p, {"eyes.opening": opening, "eyes.tilt": tilt})


def _eye_size(p: Parameters, random: np.random.Generator) -> Parameters:
    old = Anatomy(p).eyes[0].outer[0]
    size = _other(random, "eyes.size", p.eyes.size, 0.83, 1.21)
    return _held(
        changed(p, {"eyes.size": size}), "eyes.spacing", lambda a: float(a.eyes[0].outer[0]), old
    )


def _mouth(p: Parameters, random: np.random.Generator) -> Parameters:
    spans = {
        "mouth.width": (0.82, 1.18),
        "mouth.upper": (0.45, 1.5),
        "mouth.lower": (0.55, 1.45),
        "mouth.bow": (0.05, 1.3),
        "mouth.smile": (-0.5, 0.6),
        "mouth.opening": (0.0, 0.16),
    }
    chin = Anatomy(p).y_chin
    fresh = changed(p, _pick(p, random, spans, least=2))
    return _held(fresh, "shape.chin_length", lambda a: float(a.y_chin), chin)


def _nose(p: Parameters, random: np.random.Generator) -> Parameters:
    length = p.shape.middle_length
    spans = {
        "nose.width": (0.68, 1.32),
        "shape.middle_length": (length - 0.06, length + 0.06),
        "nose.tip": (0.6, 1.4),
        "nose.turn": (-0.06, 0.06),
        "nose.bridge": (0.65, 1.35),
    }
    values = _pick(p, random, spans, least=2)
    if "nose.width" not in values:
        values["nose.width"] = _other(
            random, "nose.width", p.nose.width, *spans["nose.width"], gap=0.2
        )
    mouth, chin = Anatomy(p).y_mouth, Anatomy(p).y_chin
    fresh = _held(changed(p, values), "shape.philtrum", lambda a: float(a.y_mouth), mouth)
    return _held(fresh, "shape.chin_length", lambda a: float(a.y_chin), chin)


def _attribute(kind: str, random: np.random.Generator) -> dict[str, Any]:
    """Return parameters that show in the photo what `extras` draws in the lines."""
    if kind == "ears":
        return {
            "shape.ear_size": float(random.uniform(1.1, 1.25)),
            "shape.ear_angle": float(random.uniform(34, 50)),
        }
    if kind == "wrinkles":
        return {"skin.age": float(random.uniform(0.8, 1.0))}
    shade = float(random.uniform(0.75, 1.0))
    if random.random() < 0.4:
        return {"hair.moustache": shade}
    length = float(random.uniform(0.02, 0.1))
    return {"hair.moustache": shade, "hair.beard": shade, "hair.beard_length": length}


_EDITS: dict[str, Callable[[Parameters, np.random.Generator], Parameters]] = {
    "G3": _face_shape,
    "G4": _brows,
    "G5": _eye_shape,
    "G6": _eye_size,
    "G8": _mouth,
    "G9": _nose,
}
