"""The 19 classes of CelebAMask-HQ (docs/papers.md, Face parsing): names, colours, encodings.

`l_` is the person's left, image right, but for `l_lip`, the lower lip. CelebAMask-HQ gives
`r_brow` two colours: 51, 255, 255 where its parsing network is trained and 255, 204, 204 in its
mask-colouring script. The former is used, with the rest of that colour map.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # so that reading names and colours does not load torch
    from torch import Tensor

PARSING = "parsing"
"""The field of a pack that holds labels."""

CLASSES = (
    *("background", "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow"),
    *("l_ear", "r_ear", "mouth", "u_lip", "l_lip", "hair", "hat", "ear_r", "neck_l"),
    *("neck", "cloth"),
)
"""Class names; the index is the label value. eye_g glasses, ear_r earring, neck_l necklace."""

INDEX = {name: label for label, name in enumerate(CLASSES)}


def _mirrored(name: str) -> str:
    for left, right in (("l_eye", "r_eye"), ("l_brow", "r_brow"), ("l_ear", "r_ear")):
        if name in (left, right):
            return left if name == right else right
    return name


MIRRORED = tuple(INDEX[_mirrored(name)] for name in CLASSES)
"""Label of each class after mirroring: left and right eye, brow and ear are swapped."""

COLOURS = (
    *((0, 0, 0), (204, 0, 0), (76, 153, 0), (204, 204, 0), (51, 51, 255), (204, 0, 204)),
    *((0, 255, 255), (51, 255, 255), (102, 51, 0), (255, 0, 0), (102, 204, 0)),
    *((255, 255, 0), (0, 0, 153), (0, 0, 204), (255, 51, 153), (0, 204, 204)),
    *((0, 51, 0), (255, 153, 51), (0, 204, 0)),
)
"""RGB of each class."""


def as_labels(field: Tensor) -> Tensor:
    """Return the labels of a batch's parsing field: (B, 1, S, S) in [-1, 1] -> (B, S, S) int64."""
    return ((field[:, 0] + 1) * 127.5).round().long()


def as_field(labels: Tensor) -> Tensor:
    """Return labels as a batch holds them, label / 127.5 - 1: (B, S, S) -> (B, 1, S, S) float32."""
    return labels[:, None].float() / 127.5 - 1


def one_hot(labels: Tensor) -> Tensor:
    """Return a plane for each class, 1 where it is and 0 elsewhere.

    Args:
        labels: (B, S, S) int64; a value that is no class is 0 in all planes.

    Returns:
        (B, 19, S, S) float32.
    """
    classes = labels.new_tensor(range(len(CLASSES)))
    return (labels[:, None] == classes[:, None, None]).float()
