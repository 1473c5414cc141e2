"""Pencil strokes of hair: long, along the strands, denser in locks and in shadow."""

from __future__ import annotations

import cv2
import numpy as np

from synthetic_faces.drawing.outlines import FACE_LABELS
from synthetic_faces.drawing.pencil import Pencil
from synthetic_faces.drawing.subject import Subject
from synthetic_faces.randomness import noise_at

LOCK_STEPS = 13


def locks(subject: Subject, count: int, pencil: Pencil) -> None:
    """Draw the hair. count: number of strokes if all the canvas were dark hair."""
    p = subject.scene.parameters.hair
    rows, columns = np.nonzero(subject.hair > 0.5)
    stroke_count = int(count * subject.hair.mean())
    if stroke_count == 0 or len(rows) == 0:
        return
    rng = pencil.rng
    pick = rng.integers(0, len(rows), stroke_count)
    rows, columns = rows[pick], columns[pick]
    tone = _tone(subject, rows, columns)
    accepted = rng.random(stroke_count) < 0.12 + 0.95 * tone
    rows, columns, tone = rows[accepted], columns[accepted], tone[accepted]
    seeds = np.stack([columns, rows], axis=1) + rng.uniform(-0.5, 0.5, (len(tone), 2))
    lines, counts = _traced(subject, seeds, p.curl, rng)
    pressure = (0.30 + 0.70 * tone) * rng.uniform(0.75, 1.1, len(tone))
    long = counts > 3
    pencil.tufts(subject.pixels(lines[long]), 3.4, pressure[long], counts[long])


def _tone(subject: Subject, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return how dark the hair is at cells (K,), (K,), in [0, 1]; its own colour counts."""
    p = subject.scene.parameters.hair
    brightness = (1 - p.grey) * sum(p.colour) / 3 / 255 + 0.65 * p.grey
    across = subject.across[rows, columns]
    lock = noise_at("strand", across * 0.11 + 0.17, np.zeros_like(across))
    tone = 0.74 - 0.60 * brightness + (0.20 - 0.12 * p.curl) * lock
    tone += 0.55 * (subject.darkness[rows, columns] - 0.35)
    tone -= 0.38 * (1 - 0.7 * p.curl) * subject.sheen[rows, columns]
    # Strokes crowd where the hair leaves the skin.
    face = np.isin(subject.labels, FACE_LABELS).astype(np.float32)
    tone += 0.5 * cv2.GaussianBlur(face, (0, 0), len(face) / 70)[rows, columns]
    return np.clip(tone, 0.02, 1)


def _traced(
    subject: Subject, seeds: np.ndarray, curl: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Trace paths (K, LOCK_STEPS + 1, 2) on the grid from seeds (K, 2) along the hair.

    Also returns how many points of each (K,) lie in the hair before it is left.
    """
    side, count = len(subject.z), len(seeds)
    stride = side * 0.0085 * rng.uniform(0.45, 1.5, (count, 1)) * (1 - 0.35 * curl)
    phase, pace = rng.uniform(0, 2 * np.pi, count), rng.uniform(0.45, 0.8, count)
    heading = np.zeros((count, 2))
    at, alive, counts = seeds.astype(np.float64), np.ones(count, bool), np.ones(count, int)
    path = [at]
    for number in range(LOCK_STEPS):
        cell = np.clip(np.round(at), 0, side - 1).astype(np.intp)
        ahead = subject.flow[cell[:, 1], cell[:, 0]].astype(np.float64)
        # A direction has no sign: keep going the way one went, at first downward.
        back = (ahead * heading).sum(1) < 0 if number else ahead[:, 1] < 0
        ahead[back] *= -1
        heading = ahead
        swing = 1.5 * curl * np.sin(phase + pace * number)
        c, s = np.cos(swing), np.sin(swing)
        turned = np.stack([c * ahead[:, 0] - s * ahead[:, 1], s * ahead[:, 0] + c * ahead[:, 1]], 1)
        at = at + stride * turned
        cell = np.clip(np.round(at), 0, side - 1).astype(np.intp)
        alive &= subject.hair[cell[:, 1], cell[:, 0]] > 0.35
        counts += alive
        path.append(at)
    return np.stack(path, axis=1), counts
