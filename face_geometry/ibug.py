"""The 68 iBUG landmarks (300-W): chains, mirror table, and the vertices of MediaPipe's mesh.

"Right" and "left" are the person's own; the person's right is image left.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

COUNT = 68

CHAINS: dict[str, tuple[int, int, bool]] = {
    "jaw": (0, 16, False),
    "right_brow": (17, 21, False),
    "left_brow": (22, 26, False),
    "nose_bridge": (27, 30, False),
    "nose_base": (31, 35, False),
    "right_eye": (36, 41, True),
    "left_eye": (42, 47, True),
    "outer_lip": (48, 59, True),
    "inner_lip": (60, 67, True),
}
"""Name -> first point, last point, whether the last is joined to the first."""


def chain(name: str) -> list[int]:
    """Return the points of a chain in drawing order; a closed chain ends where it began."""
    first, last, closed = CHAINS[name]
    return [*range(first, last + 1), *([first] if closed else [])]


SEGMENTS: tuple[tuple[int, int], ...] = tuple(
    pair for name in CHAINS for pair in pairwise(chain(name))
)
"""The 63 straight lines that join the points chain by chain."""

FLIP = np.array(
    [
        *range(16, -1, -1),
        *range(26, 16, -1),
        *(27, 28, 29, 30),
        *range(35, 30, -1),
        *(45, 44, 43, 42, 47, 46),
        *(39, 38, 37, 36, 41, 40),
        *range(54, 47, -1),
        *range(59, 54, -1),
        *range(64, 59, -1),
        *(67, 66, 65),
    ]
)
"""After mirroring x, point i of the mirrored face is point `FLIP[i]` of the original."""

# One mesh vertex, or the mean of two, per landmark. Pairs are used where no vertex lies on the
# iBUG position: along the jaw the mesh is spaced unevenly, its upper brow row floats above the
# hair of the brow, and three lip and lid points fall between vertices. Points 0/16 and 17/26
# differ from the list that circulates (162/389 and 71/301 sit at brow height and off the brow).
FROM_MESH: tuple[tuple[int, ...], ...] = (
    *((127,), (234,), (93, 132), (132, 58), (58, 172), (136,), (149,), (176, 148), (152,)),
    *((400, 377), (378,), (365,), (288, 397), (361, 288), (323, 361), (454,), (356,)),
    *((70, 46), (63, 53), (105, 52), (66, 65), (107, 55)),
    *((336, 285), (296, 295), (334, 282), (293, 283), (300, 276)),
    *((168,), (197,), (5, 195), (4,)),
    *((75,), (97,), (2,), (326,), (305,)),
    *((33,), (160, 159), (158,), (133,), (153,), (144,)),
    *((362,), (385,), (387, 386), (263,), (373,), (380,)),
    *((61,), (39,), (37,), (0,), (267,), (269,), (291,)),
    *((405, 321), (314,), (17,), (84,), (181, 91)),
    *((78,), (82,), (13,), (312,), (308,)),
    *((317,), (14,), (87,)),
)
"""Mesh vertices whose mean is landmark i."""

_FIRST = np.array([vertices[0] for vertices in FROM_MESH])
_LAST = np.array([vertices[-1] for vertices in FROM_MESH])


def from_mesh(mesh: np.ndarray) -> np.ndarray:
    """Return the 68 landmarks of a face mesh.

    Args:
        mesh: (468 or 478, 2 or 3) float, pixels, x right and y down.

    Returns:
        (68, 2) float32.
    """
    return ((mesh[_FIRST, :2] + mesh[_LAST, :2]) / 2).astype(np.float32)
