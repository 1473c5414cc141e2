"""The parts of a doodled face, each as the strokes of a `Hand`.

Units: the face's outline is about one unit high and wide about (0, 0). How often each way of
drawing a part occurs was set by counting the labelled strokes of real QuickDraw faces.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from synthetic_faces.doodles.hand import Hand, Stroke

EYE_KINDS = ("dots", "lines", "circles", "pupils", "almonds", "dashes", "arcs")
NOSE_KINDS = ("none", "dot", "line", "angle", "hook", "triangle", "nostrils")


def outline(hand: Hand, aspect: float, taper: float, square: float, gap: bool) -> list[Stroke]:
    """Draw the outline of the face in one stroke that starts near the top.

    aspect: width over height. taper: how much narrower the chin is than the brow. square: 0
    round, 1 a box. gap: leave the top open, where hair will be.
    """
    random = hand.random
    start = random.normal(-np.pi / 2, 0.35)
    way = 1 if random.random() < 0.2 else -1
    whole = 2 * np.pi + random.normal(-0.04, 0.2)
    if gap:
        start, whole = -np.pi / 2 + way * 0.75, 2 * np.pi - 1.5
    angle = start + way * np.linspace(0, whole, 56)
    power = 2.0 + 3.5 * square
    c, s = np.cos(angle), np.sin(angle)
    radius = 0.5 / (np.abs(c) ** power + np.abs(s) ** power) ** (1 / power)
    for harmonic in (2, 3, 4, 5):
        height = random.normal(0, 0.085 * hand.sloppiness / harmonic)
        radius = radius * (1 + height * np.cos(harmonic * angle + random.uniform(0, 2 * np.pi)))
    x, y = radius * c, radius * s
    x = x * (1 - taper * (y + 0.1))
    points = np.stack([x * min(aspect, 1.0), y / max(aspect, 1.0)], axis=1)
    # The stroke does not end exactly where it began.
    points += np.linspace(0, 1, len(points))[:, None] ** 3 * random.normal(0, 0.055, 2)
    return [hand.trace(points, care=1.2)]


def eye(hand: Hand, kind: str, at: tuple[float, float], size: float) -> list[Stroke]:
    """Draw one eye. kind: one of `EYE_KINDS`."""
    random, (x, y) = hand.random, at
    if kind == "dots":
        return [hand.dot(at, 0.15 * size * random.uniform(0.6, 1.5))]
    if kind == "lines":
        lean = random.normal(0, 0.10 * size)
        return [hand.trace(np.linspace((x, y - 0.7 * size), (x + lean, y + 0.7 * size), 8))]
    if kind == "dashes":
        lift = random.normal(0, 0.12 * size)
        return [hand.trace(np.linspace((x - 0.75 * size, y + lift), (x + 0.75 * size, y), 8))]
    if kind == "arcs":
        return [hand.arc((x, y + 0.3 * size), (0.7 * size, 0.7 * size), (-np.pi, 0))]
    if kind == "almonds":
        lid = [(x - 0.9 * size, y), (x, y - 0.45 * size), (x + 0.9 * size, y)]
        low = [(x, y + 0.42 * size), (x - 0.9 * size, y)]
        loop = hand.curve(lid + low, 30)
        return [loop, hand.dot((x + random.normal(0, 0.1 * size), y), 0.18 * size)]
    round_ = (0.55 * size * random.uniform(0.8, 1.15), 0.55 * size * random.uniform(0.85, 1.25))
    circle = hand.ring(at, round_)
    if kind == "circles":
        return [circle]
    look = random.normal(0, 0.12 * size, 2)
    return [circle, hand.dot((x + look[0], y + look[1]), 0.15 * size)]


def brow(hand: Hand, at: tuple[float, float], size: float, side: int, slant: float) -> Stroke:
    """Draw an eyebrow. slant: > 0 the inner end is low (anger), < 0 high (sorrow)."""
    x, y = at
    inner, outer = (x - side * 0.6 * size, y + slant * size), (x + side * 0.7 * size, y)
    middle = (x, y - (0.22 - 0.4 * abs(slant)) * size + 0.5 * slant * size)
    return hand.curve([inner, middle, outer], 10)


def nose(hand: Hand, kind: str, at: tuple[float, float], size: float) -> list[Stroke]:
    """Draw the nose. kind: one of `NOSE_KINDS`."""
    random, (x, y) = hand.random, at
    way = random.choice([-1.0, 1.0], p=[0.35, 0.65])
    wide = 0.55 * size * random.uniform(0.7, 1.3) * way
    if kind == "none":
        return []
    if kind == "dot":
        return [hand.dot(at, 0.2 * size)]
    if kind == "line":
        return [hand.trace(np.linspace((x, y - 0.55 * size), (x, y + 0.55 * size), 8))]
    if kind == "angle":
        corner = (x - 0.35 * wide, y + 0.5 * size)
        down = np.linspace((x, y - 0.6 * size), corner, 8)
        back = np.linspace(corner, (x + 0.65 * wide, y + 0.45 * size), 6)
        return [hand.trace(np.concatenate([down, back[1:]]))]
    if kind == "hook":
        path = [(x, y - 0.6 * size), (x + 0.1 * wide, y), (x + 0.75 * wide, y + 0.35 * size)]
        return [hand.curve([*path, (x, y + 0.6 * size)], 16)]
    if kind == "triangle":
        corners = [(x, y - 0.55 * size), (x - 0.5 * wide, y + 0.4 * size)]
        corners += [(x + 0.5 * wide, y + 0.4 * size), (x, y - 0.5 * size)]
        sides = [np.linspace(a, b, 6, endpoint=False) for a, b in itertools.pairwise(corners)]
        return [hand.trace(np.concatenate([*sides, [corners[-1]]]))]
    gap = 0.3 * size
    return [hand.dot((x + way * k * gap, y), 0.13 * size) for k in (-1, 1)]


def mouth(
    hand: Hand, kind: str, at: tuple[float, float], width: float, depth: float
) -> list[Stroke]:
    """Draw the mouth. kind: smile, flat, frown or open.

    width: its span. depth: how far it bends or opens, above 0.
    """
    random, (x, y) = hand.random, at
    half = 0.5 * width
    tilt = random.normal(0, 0.09 * width * hand.sloppiness)
    left, right = (x - half, y - tilt), (x + half, y + tilt)
    if kind == "flat":
        return [hand.trace(np.linspace(left, right, 14))]
    if kind in ("smile", "frown"):
        way = 1 if kind == "smile" else -1
        ends = np.array([left, right]) - [0, 0.5 * way * depth]
        s = np.linspace(-1, 1, 24)
        power = random.uniform(1.7, 2.8)
        off_centre = random.normal(0, 0.15 * hand.sloppiness)
        bow = (1 - np.abs(s) ** power) * (1 + off_centre * s)
        line = ends[0] + (s[:, None] + 1) / 2 * (ends[1] - ends[0])
        lines = [hand.trace(line + np.outer(way * depth * bow, [0, 1]))]
        if kind == "smile" and random.random() < 0.05:
            low = line + np.outer(1.45 * depth * bow, [0, 1])
            lines.append(hand.trace(low[::-1]))
        return lines
    return _open(hand, at, half, depth)


def _open(hand: Hand, at: tuple[float, float], half: float, depth: float) -> list[Stroke]:
    """Draw a round O where narrow, else a laugh: a straight upper lip and a deep lower one."""
    random, (x, y) = hand.random, at
    if half < depth:
        return [hand.ring(at, (half, depth))]
    top = y - 0.4 * depth
    s = np.linspace(1, -1, 22)
    low = np.stack([x + half * s, top + 1.2 * depth * (1 - np.abs(s) ** 2.2)], axis=1)
    upper = np.linspace((x - half, top), (x + half, top), 10)
    strokes = [hand.trace(np.concatenate([upper, low[1:]]))]
    if random.random() < 0.3:
        level = top + random.uniform(0.35, 0.6) * depth
        strokes.append(hand.trace(np.linspace((x - 0.7 * half, level), (x + 0.7 * half, level), 8)))
    return strokes


def glasses(hand: Hand, eyes: Sequence[tuple[float, float]], size: float) -> list[Stroke]:
    """Draw two rims round the eyes, the bridge, and mostly the temples."""
    rim = (1.15 * size, 1.05 * size)
    strokes = [hand.ring(at, rim) for at in eyes]
    (lx, ly), (rx, ry) = eyes
    strokes.append(hand.trace(np.linspace((lx + rim[0], ly), (rx - rim[0], ry), 6)))
    if hand.random.random() < 0.6:
        for (x, y), side in zip(eyes, (-1, 1), strict=True):
            end = (x + side * (rim[0] + 0.13), y - 0.03)
            strokes.append(hand.trace(np.linspace((x + side * rim[0], y), end, 6)))
    return strokes


def ears(hand: Hand, half: float, y: float, size: float, both: bool) -> list[Stroke]:
    """Draw loops at the sides of a face of half-width `half`."""
    sides = (-1, 1) if both else (int(hand.random.choice([-1, 1])),)
    strokes = []
    for side in sides:
        at = (side * (half + 0.15 * size), y + hand.random.normal(0, 0.15 * size))
        bow = (np.pi * 0.6, np.pi * 1.4) if side < 0 else (np.pi * 0.4, -np.pi * 0.4)
        strokes.append(hand.arc(at, (0.75 * size, size), (bow[0], bow[1])))
    return strokes


def short_hair(hand: Hand, half: float, top: float) -> list[Stroke]:
    """Draw spikes, a scribble, curls, single hairs or a fringe on a head of height `top`."""
    random = hand.random
    kind = random.choice(5, p=[0.28, 0.22, 0.16, 0.22, 0.12])
    span = np.pi / 2 * random.uniform(0.45, 0.85)
    if kind == 4:
        level = -top * random.uniform(0.45, 0.65)
        reach = half * np.sqrt(max(1 - (level / top) ** 2, 0.1))
        return [hand.curve([(-reach, level), (0.1 * reach, level - 0.06), (reach, level)])]
    if kind == 3:
        angles = np.linspace(-span, span, int(random.integers(3, 9)))
        angles = -np.pi / 2 + angles + random.normal(0, 0.06, len(angles))
        return [_hair(hand, angle, half, top) for angle in angles]
    count = int(random.integers(5, 14) * (1.6 if kind == 1 else 1))
    angle = -np.pi / 2 + np.linspace(-span, span, count)
    ring = np.stack([half * np.cos(angle), top * np.sin(angle)], axis=1)
    tall = random.uniform(0.12, 0.28, (count, 1))
    if kind == 2:
        loops = np.linspace(0, 2 * np.pi * count * 0.8, 14 * count)
        walk = -np.pi / 2 + np.linspace(-span, span, len(loops))
        size = random.uniform(0.05, 0.09)
        path = np.stack([half * np.cos(walk), top * np.sin(walk)], axis=1) * 1.04
        path += size * np.stack([np.cos(loops), np.sin(loops)], axis=1)
        return [hand.trace(path)]
    if kind == 1:
        return [hand.zigzag(ring * (1 + 0.6 * tall), ring * (1 - tall))]
    return [hand.zigzag(ring * (1 + tall), ring * random.uniform(0.9, 1.02))]


def _hair(hand: Hand, angle: float, half: float, top: float) -> Stroke:
    root = np.array([half * np.cos(angle), top * np.sin(angle)])
    lean = root * (1 + hand.random.uniform(0.2, 0.45)) + hand.random.normal(0, 0.05, 2)
    bend = 0.5 * (root + lean) + hand.random.normal(0, 0.025, 2)
    return hand.curve([tuple(root), tuple(bend), tuple(lean)], 8)


def long_hair(hand: Hand, half: float, top: float) -> list[Stroke]:
    """Draw hair that falls beside the face: one arch, or bundles of lines at both sides."""
    random = hand.random
    low = random.uniform(0.25, 0.62)
    out = half * random.uniform(1.08, 1.35)
    if random.random() < 0.45:
        flare = random.uniform(0.95, 1.25)
        path = [(-out * flare, low), (-out, -0.1), (-0.6 * out, -1.0 * top), (0.0, -1.15 * top)]
        path += [(0.6 * out, -1.0 * top), (out, -0.1), (out * flare, low + random.normal(0, 0.08))]
        strokes = [hand.curve(path, 40)]
        if random.random() < 0.5:
            inner = [(0.94 * x, y + 0.02) for x, y in path]
            strokes.append(hand.curve(inner[::-1], 40))
        return strokes
    strokes = []
    for side in (-1, 1):
        count = int(random.integers(1, 5))
        scribble = random.random() < 0.4
        lines = []
        for spread in np.linspace(0.0, 0.3, count):
            wide = side * (half * (1.0 + 0.8 * spread) + random.normal(0, 0.02))
            path = [(0.15 * side * half, -1.0 * top), (0.75 * wide, -0.8 * top), (wide, -0.1)]
            end = low + random.normal(0, 0.06)
            lines.append(hand.curve([*path, (wide * random.uniform(0.95, 1.2), end)], 20))
        if scribble:
            lines = [np.concatenate([p if k % 2 else p[::-1] for k, p in enumerate(lines)])]
        strokes += lines
    return strokes
