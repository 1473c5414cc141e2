"""Doodles: faces as players of "Quick, Draw!" draw them in twenty seconds.

    drawing = doodle(seed=0, id=17)
    drawing.bitmap, drawing.strokes, drawing.traits

A doodle shows a face's traits and no likeness. `traits_of` reads them off a parametric face;
without a face they are sampled as often as players draw them. The strokes have the data set's
simplified form (0 to 255, straight pieces within 2 units of the hand's path), the bitmap its
polarity, line width and margins.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import cv2
import numpy as np

from face_geometry.polylines import PAPER, REFERENCE_SIZE, draw_lines
from sketchface_models.errors import SketchFaceError
from synthetic_faces.doodles import parts
from synthetic_faces.doodles.hand import Hand, Stroke
from synthetic_faces.face_parameters import Parameters
from synthetic_faces.randomness import face_id, stream

BITMAP_SIDE = 28
FRAME = 255
# The data set's maintainers draw lines 16 units wide in a frame of 256, 16 units of padding and
# half a line's width around it (issue 19 of the data set's repository).
LINE, PADDING = 16, 16
_UNITS = 256 + 2 * PADDING + LINE
_TOLERANCE = 2.0
_FINER = 4  # pixels are means of 4 x 4: lines are hardly wider than a pixel

HAIR_KINDS = ("none", "short", "long")
MOUTH_KINDS = ("none", "smile", "flat", "frown", "open")
DOODLE_EXPRESSIONS = ("happy", "neutral", "sad", "surprised", "angry")
_MOUTHS = {  # which mouths an expression can have, and how often
    "happy": {"smile": 0.87, "open": 0.13},
    "neutral": {"flat": 0.72, "none": 0.28},
    "sad": {"frown": 1.0},
    "surprised": {"open": 1.0},
    "angry": {"flat": 0.5, "frown": 0.5},
}


@dataclass(frozen=True)
class Traits:
    """What a doodle shows of a face.

    hair: one of `HAIR_KINDS`. mouth: one of `MOUTH_KINDS`. expression: one of `DOODLE_EXPRESSIONS`.
    """

    hair: str
    glasses: bool
    mouth: str
    expression: str
    ears: bool

    def __post_init__(self) -> None:
        for name, allowed in (
            ("hair", HAIR_KINDS),
            ("expression", DOODLE_EXPRESSIONS),
            ("mouth", MOUTH_KINDS),
        ):
            if getattr(self, name) not in allowed:
                raise SketchFaceError(
                    f"doodle: {name} {getattr(self, name)!r}; allowed: {', '.join(allowed)}"
                )
        if self.mouth not in _MOUTHS[self.expression]:
            raise SketchFaceError(
                f"doodle: mouth {self.mouth!r} does not show expression {self.expression!r}; "
                f"use {' or '.join(_MOUTHS[self.expression])}"
            )


@dataclass(frozen=True)
class Doodle:
    """A doodle as QuickDraw stores one.

    bitmap: (28, 28) uint8, white strokes (255) on black.

    strokes: each ([x, ...], [y, ...]), whole numbers 0 to 255, y down, the drawing's box at the
    frame's top left corner.
    """

    seed: int
    id: str
    traits: Traits
    bitmap: np.ndarray
    strokes: list[tuple[list[int], list[int]]]

    def ndjson(self) -> str:
        """Return one line of the data set's simplified form, with the traits beside it."""
        drawing = [[xs, ys] for xs, ys in self.strokes]
        record = {"word": "face", "key_id": self.id, "recognized": True, "drawing": drawing}
        return json.dumps({**record, "shown": asdict(self.traits)})


def doodle(seed: int, id: int | str, traits: Traits | None = None) -> Doodle:
    """Draw one doodle: a pure function of its arguments.

    id: a whole number n stands for `synthetic-00000n`. traits: sampled as
    frequent as real players' by default.
    """
    if traits is None:
        traits = _random_traits(stream(seed, id, "doodle traits"))
    random = stream(seed, id, "doodle")
    hand = Hand(random, sloppiness=float(random.gamma(5.0, 0.2)))
    strokes = simplified(_face(hand, traits))
    return Doodle(seed, face_id(id), traits, bitmap(strokes), strokes)


def traits_of(parameters: Parameters) -> Traits:
    """Return the traits that a doodle of a parametric face shows."""
    hair, lips = parameters.hair, parameters.mouth
    smiles, frowns = lips.smile > 0.28, lips.smile < -0.1
    if lips.opening > 0.03:
        mouth, expression = "open", "happy" if smiles else "surprised"
    elif smiles:
        mouth, expression = "smile", "happy"
    else:
        mouth = "frown" if frowns else "flat"
        cross = parameters.brows.frown > 0.45 and lips.smile < 0
        expression = "angry" if cross else "sad" if frowns else "neutral"
    long = hair.length > 0
    return Traits(
        hair="long" if long else "none" if hair.top < 0.1 else "short",
        glasses=parameters.wear.glasses != "none",
        mouth=mouth,
        expression=expression,
        ears=not long and parameters.shape.ear_angle > 34,
    )


def bitmap(strokes: list[tuple[list[int], list[int]]]) -> np.ndarray:
    """Draw simplified strokes, centred, as (28, 28) uint8, white on black."""
    far = [max(max(stroke[axis]) for stroke in strokes) for axis in (0, 1)]
    shift = (256 - np.array(far)) / 2 + PADDING + LINE / 2
    width = LINE / _UNITS * REFERENCE_SIZE  # `draw_lines` states widths at its reference size
    left = np.ones((BITMAP_SIDE, BITMAP_SIDE))
    for stroke in strokes:
        points = (np.array(stroke, float).T + shift) * (BITMAP_SIDE * _FINER / _UNITS)
        # Strokes are laid over one another as translucent ink, each in one go.
        fine = draw_lines([points], BITMAP_SIDE * _FINER, width) / PAPER
        left *= fine.reshape(BITMAP_SIDE, _FINER, BITMAP_SIDE, _FINER).mean(axis=(1, 3))
    return np.round(PAPER * (1 - left)).astype(np.uint8)


def simplified(strokes: list[Stroke]) -> list[tuple[list[int], list[int]]]:
    """Scale strokes to the frame, move them to its corner and thin them as QuickDraw does."""
    low = np.min([stroke.min(axis=0) for stroke in strokes], axis=0)
    high = np.max([stroke.max(axis=0) for stroke in strokes], axis=0)
    scale = FRAME / (high - low).max()
    simplified_strokes = []
    for stroke in strokes:
        path = ((stroke - low) * scale).astype(np.float32)
        thinned = cv2.approxPolyDP(path[:, None], _TOLERANCE, False)[:, 0]
        if len(thinned) < 2:
            thinned = path[[0, -1]]
        x, y = np.clip(np.round(thinned), 0, FRAME).astype(int).T
        simplified_strokes.append((x.tolist(), y.tolist()))
    return simplified_strokes


def _random_traits(random: np.random.Generator) -> Traits:
    """Sample traits as frequent as in real doodles (hair and ears by label, the rest by eye)."""
    expression = str(random.choice(DOODLE_EXPRESSIONS, p=[0.8, 0.13, 0.03, 0.025, 0.015]))
    mouths = _MOUTHS[expression]
    return Traits(
        hair=str(random.choice(HAIR_KINDS, p=[0.79, 0.13, 0.08])),
        glasses=bool(random.random() < 0.03),
        mouth=str(random.choice(list(mouths), p=list(mouths.values()))),
        expression=expression,
        ears=bool(random.random() < 0.085),
    )


def _face(hand: Hand, traits: Traits) -> list[Stroke]:
    """Return all strokes of a face, in the order of drawing."""
    random = hand.random
    aspect = float(np.exp(random.normal(-0.06, 0.19)))
    half, top = 0.5 * min(aspect, 1.0), 0.5 / max(aspect, 1.0)
    square = float(random.uniform(0.3, 1.0)) if random.random() < 0.22 else 0.0
    taper = float(random.normal(0.05, 0.16))
    gap = traits.hair == "short" and random.random() < 0.12
    strokes = parts.outline(hand, aspect, taper, square, gap)
    strokes += _features(hand, traits, half, top)
    if traits.ears:
        size = random.uniform(0.09, 0.17)
        strokes += parts.ears(hand, half, random.normal(-0.05, 0.05), size, random.random() < 0.75)
    if traits.hair != "none":
        hair = parts.short_hair if traits.hair == "short" else parts.long_hair
        strokes += hair(hand, half, top)
    angle, shear = random.normal(0, 0.10), random.normal(0, 0.09)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return [stroke @ (turn @ [[1, shear], [0, 1]]).T for stroke in strokes]


def _features(hand: Hand, traits: Traits, half: float, top: float) -> list[Stroke]:
    """Return the strokes of eyes, brows, glasses, nose and mouth."""
    random = hand.random
    middle = random.normal(-0.01, 0.11 * half)
    apart = half * 2 * np.clip(random.normal(0.188, 0.05), 0.09, 0.3)
    level = 2 * top * np.clip(random.normal(-0.185, 0.072), -0.35, -0.02)
    kind = str(random.choice(parts.EYE_KINDS, p=[0.25, 0.14, 0.27, 0.18, 0.05, 0.07, 0.04]))
    size = float(2 * half * np.clip(random.gamma(9.0, 0.0185), 0.08, 0.28))
    eyes = [
        (middle + side * apart + random.normal(0, 0.025), level + random.normal(0, 0.027))
        for side in (-1, 1)
    ]
    strokes = []
    for at in eyes:
        strokes += parts.eye(hand, kind, at, size * random.uniform(0.8, 1.2))
    slant = {"angry": 0.55, "sad": -0.35}.get(traits.expression, 0.0)
    if slant or random.random() < 0.12:
        for (x, y), side in zip(eyes, (-1, 1), strict=True):
            strokes.append(parts.brow(hand, (x, y - 0.95 * size), size, side, slant))
    if traits.glasses:
        strokes += parts.glasses(hand, eyes, max(0.8 * size, 0.11))
    nose = str(random.choice(parts.NOSE_KINDS, p=[0.41, 0.10, 0.11, 0.19, 0.13, 0.05, 0.01]))
    at = (middle + random.normal(0.0, 0.03), level + 2 * top * random.normal(0.215, 0.04))
    strokes += parts.nose(hand, nose, at, 2 * top * random.uniform(0.08, 0.27))
    return strokes + _mouth(hand, traits, middle, half, top)


def _mouth(hand: Hand, traits: Traits, middle: float, half: float, top: float) -> list[Stroke]:
    if traits.mouth == "none":
        return []
    random = hand.random
    at = (middle + random.normal(0, 0.13 * half), 2 * top * random.normal(0.235, 0.06))
    width = 2 * half * np.clip(random.normal(0.48, 0.15), 0.15, 0.78)
    depth = 2 * top * np.clip(random.normal(0.16, 0.075), 0.03, 0.34)
    if traits.expression == "surprised":
        width = 2 * half * random.uniform(0.12, 0.24)
        depth = 0.5 * width * random.uniform(1.01, 1.5)
    else:
        depth = min(depth, 0.7 * width)
    return parts.mouth(hand, traits.mouth, at, width, depth)
