"""The 19 classes of CelebAMask-HQ: names, colours, mirror table.

`l_` is the person's left, image right, but for `l_lip`, the lower lip. CelebAMask-HQ gives
`r_brow` two colours: 51, 255, 255 where its parsing network is trained and 255, 204, 204 in its
mask-colouring script. The former is used, with the rest of that colour map.
"""

from __future__ import annotations

import numpy as np

CLASSES = (
    *("background", "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow"),
    *("l_ear", "r_ear", "mouth", "u_lip", "l_lip", "hair", "hat", "ear_r", "neck_l"),
    *("neck", "cloth"),
)
"""Class names; the index is the label value. eye_g glasses, ear_r earring, neck_l necklace."""

INDEX = {name: label for label, name in enumerate(CLASSES)}

COLOURS = np.array(
    [
        *((0, 0, 0), (204, 0, 0), (76, 153, 0), (204, 204, 0), (51, 51, 255), (204, 0, 204)),
        *((0, 255, 255), (51, 255, 255), (102, 51, 0), (255, 0, 0), (102, 204, 0)),
        *((255, 255, 0), (0, 0, 153), (0, 0, 204), (255, 51, 153), (0, 204, 204)),
        *((0, 51, 0), (255, 153, 51), (0, 204, 0)),
    ],
    np.uint8,
)
"""(19, 3) RGB."""


def _mirrored(name: str) -> str:
    for left, right in (("l_eye", "r_eye"), ("l_brow", "r_brow"), ("l_ear", "r_ear")):
        if name in (left, right):
            return left if name == right else right
    return name


FLIP = np.array([INDEX[_mirrored(name)] for name in CLASSES], np.uint8)
"""Label of each class after mirroring: left and right eye, brow and ear change places."""


def colourise(labels: np.ndarray) -> np.ndarray:
    """Labels (H, W) as an RGB picture (H, W, 3) uint8.

    Raises:
        ValueError: if a label is not one of the 19.
    """
    _check(labels)
    return COLOURS[labels]


def flip_labels(labels: np.ndarray) -> np.ndarray:
    """Labels (..., H, W) of the mirrored face.

    Raises:
        ValueError: if a label is not one of the 19.
    """
    _check(labels)
    return FLIP[labels[..., ::-1]]


def _check(labels: np.ndarray) -> None:
    if labels.size and not 0 <= labels.min() <= labels.max() < len(CLASSES):
        raise ValueError(f"labels from {labels.min()} to {labels.max()}; allowed: 0 to 18")
