"""Drawings of one contour in many manners: ink, paper, pen, size, light."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

Ink = tuple[int, int, int]
BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def coloured(contour: np.ndarray, ink: Ink, paper: Ink) -> np.ndarray:
    """A contour (S, S), 255 = paper, in two colours: (S, S, 3) uint8."""
    share = (contour.astype(float) / 255)[..., None]
    return np.rint(share * np.array(paper) + (1 - share) * np.array(ink)).astype(np.uint8)


def thickened(contour: np.ndarray, width: int) -> np.ndarray:
    """The same lines, `width` pixels wider."""
    return cv2.erode(contour, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)))


def photographed(picture: np.ndarray, falloff: float = 0.45) -> np.ndarray:
    """The picture under a lamp from the left, with noise."""
    height, width = picture.shape[:2]
    light = 1 - falloff * np.linspace(0, 1, width) - 0.1 * np.linspace(0, 1, height)[:, None]
    noise = np.random.default_rng(0).normal(0, 5, picture.shape)
    return np.clip(picture * light[..., None] + noise, 0, 255).astype(np.uint8)


def scaled(contour: np.ndarray, side: int) -> np.ndarray:
    small = side < contour.shape[0]
    return cv2.resize(
        contour, (side, side), interpolation=cv2.INTER_AREA if small else cv2.INTER_CUBIC
    )


MANNERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "clean": lambda c: coloured(c, BLACK, WHITE),
    "inverted": lambda c: coloured(c, WHITE, (20, 20, 30)),
    "red on yellow": lambda c: coloured(c, (220, 30, 40), (250, 240, 170)),
    "yellow on white": lambda c: coloured(thickened(c, 5), (255, 230, 0), WHITE),
    "blue on paper as dark": lambda c: coloured(thickened(c, 5), (90, 130, 230), (140, 130, 110)),
    "pencil, photographed": lambda c: photographed(
        coloured(thickened(c, 3), (110, 110, 115), (235, 230, 220))
    ),
    "chalk, photographed": lambda c: photographed(
        coloured(thickened(c, 7), (230, 230, 210), (30, 70, 50)), 0.1
    ),
    "marker": lambda c: coloured(thickened(c, 9), (20, 20, 80), WHITE),
    "96 pixels": lambda c: coloured(scaled(c, 96), BLACK, WHITE),
    "3000 pixels": lambda c: coloured(scaled(c, 3000), BLACK, WHITE),
}
"""Manner -> from a contour (512, 512), 255 = paper, to a square picture (S, S, 3) of the same."""
