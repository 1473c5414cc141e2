"""Where the parts of a mapped face lie: its eyes and mouth, and whether the classes fit them.

Parts of a face lie nearly alike in all faces. So a part that is missing (an eye behind dark
glasses, a mouth behind a hand) is where the others say, and classes that were numbered in another
order show in hair below the mouth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from face_geometry.palette import FLIP, INDEX
from pipeline.translation.map_classes import main_part

USUAL: dict[int, tuple[complex, float]] = {
    INDEX[name]: (complex(x, y), spread)
    for name, x, y, spread in (
        ("skin", 0.0, 0.3, 0.25),
        ("nose", 0.0, 0.39, 0.08),
        ("eye_g", 0.0, 0.07, 0.08),
        ("l_eye", 0.48, 0.0, 0.06),
        ("r_eye", -0.48, 0.0, 0.06),
        ("l_brow", 0.5, -0.27, 0.1),
        ("r_brow", -0.5, -0.27, 0.1),
        ("l_ear", 1.2, 0.34, 0.35),
        ("r_ear", -1.2, 0.34, 0.35),
        ("mouth", 0.0, 1.06, 0.1),
        ("u_lip", 0.0, 0.97, 0.1),
        ("l_lip", 0.0, 1.12, 0.1),
        ("hair", 0.0, -0.42, 0.6),
        ("hat", 0.0, -1.0, 0.5),
        ("neck", 0.0, 1.76, 0.5),
        ("cloth", 0.0, 1.85, 0.5),
    )
}
"""Class -> where its middle usually lies, from the middle between the eyes, in distances from there
to the mouth, x + iy; and how far from that faces are, same unit. Medians of 821 maps of
CelebAMask-HQ and 39 built-in faces; spread of x and y together."""
OTHER_ORDER = (
    *("background", "skin", "l_brow", "r_brow", "l_eye", "r_eye", "eye_g", "l_ear", "r_ear"),
    *("ear_r", "nose", "mouth", "u_lip", "l_lip", "neck", "neck_l", "cloth", "hair", "hat"),
)
"""Classes in the order of github.com/zllrunning/face-parsing.PyTorch, whose maps are common."""
LEAST_PARTS, MOST_MISFIT = 5, 8.0
"""Number of parts that an order of classes is judged by, and misfit of one that is doubted: maps of
CelebAMask-HQ have up to 5 (99 %) and 10 (one of 850), in the other order 15 or more."""
LEAST_HOLD = 25.0
"""How much the parts that are there must say of scale and turn for the missing ones to be placed;
in inverse squares of a spread, so that 25 is a fifth of radian."""
MOUTH_DOWN, MOUTH_ABOUT = 1.04, 1.1
"""How far below the eyes the mouth usually is, and how far from there all of it, in distances
between the eyes."""
_FAR = 4.0  # a part so many spreads from its place is somewhere else: glasses on the hair
_MOST = 6.0  # spreads that a part counts at most
_SIDE = 512  # larger maps are thinned out
_MOUTH = [INDEX[name] for name in ("mouth", "u_lip", "l_lip")]
_EYES = (INDEX["r_eye"], INDEX["l_eye"])


def map_features(labels: np.ndarray) -> np.ndarray | None:
    """Return the eye on the image's left, the other eye, and the mouth, of an upright face.

    (3, 2), pixels, as `face_geometry.align.eyes_and_mouth` gives them of landmarks: the middles of
    the eyes, and the middle between the corners of mouth and lips. None if one of them is missing.
    Where left and right are exchanged, as in a mirrored map, the eyes are taken the other way.
    """
    masks = [np.isin(labels, each) for each in (*_EYES, _MOUTH)]
    if not all(mask.any() for mask in masks):
        return None
    eyes = [main_part(mask).mean(axis=0) for mask in masks[:2]]
    middle = _mouth(masks[2], eyes[0], eyes[1])
    upright = _turn(eyes[0], eyes[1], middle) >= 0
    return np.stack([*(eyes if upright else eyes[::-1]), middle])


def placed_features(labels: np.ndarray) -> tuple[np.ndarray | None, str]:
    """Return eyes and mouth as `map_features`, those that are missing where other parts say.

    None where too little is there. The second is what the user should know; empty if nothing.
    """
    features = map_features(labels)
    if features is not None:
        return features, ""
    names = {"right eye": [_EYES[0]], "left eye": [_EYES[1]], "mouth": _MOUTH}
    missing = [name for name, classes in names.items() if not np.isin(labels, classes).any()]
    without = f"has no {' and no '.join(missing)}"
    fit = _near_fit(_middles(labels))
    if fit is None or fit.misfit > MOST_MISFIT or fit.hold < LEAST_HOLD:
        return None, f"{without}; fitted as a page"
    points = [USUAL[label][0] for label in _EYES] + [complex(0, 1.04)]
    placed = [fit.scale * point + fit.shift for point in points]
    features = np.array([[point.real, point.imag] for point in placed])
    for place, label in enumerate(_EYES[::-1] if fit.exchanged else _EYES):
        if (labels == label).any():
            features[place] = main_part(labels == label).mean(axis=0)
    if "mouth" not in missing:
        features[2] = _mouth(np.isin(labels, _MOUTH), features[0], features[1])
    return features, f"{without}; framed by the other parts of the face"


def in_other_order(labels: np.ndarray) -> bool:
    """Return whether the parts lie as in a face only if the classes are those of `OTHER_ORDER`."""
    middles = _middles(labels)
    renamed = {INDEX[OTHER_ORDER[label]]: middle for label, middle in middles.items()}
    own, other = _fit(middles), _fit(renamed)
    if own is None or other is None or min(own.parts, other.parts) < LEAST_PARTS:
        return False
    return own.misfit > MOST_MISFIT and own.misfit > other.misfit


def is_face(features: np.ndarray | None) -> bool:
    """Return whether eyes and mouth lie as in an upright face, l_eye on the image's right."""
    if features is None:
        return False
    right, left, mouth = features
    apart, down = left[0] - right[0], mouth[1] - (right[1] + left[1]) / 2
    return bool(apart > 0 and 0.5 * apart < down < 2.5 * apart)


@dataclass(frozen=True)
class _Fit:
    """Where the usual face lies in a map: a point p of it, x + iy, at scale * p + shift.

    misfit: mean square of distances of the parts from there, in their spreads. hold: see
    `LEAST_HOLD`. parts: number of these. exchanged: left and right. far: parts far from there.
    """

    scale: complex
    shift: complex
    misfit: float
    hold: float
    parts: int
    exchanged: bool
    far: frozenset[int]


def _middles(labels: np.ndarray) -> dict[int, complex]:
    """Class -> the middle of its main pixels, x + iy, of those that are there."""
    every = -(-max(labels.shape) // _SIDE)
    thin = np.ascontiguousarray(labels[::every, ::every])
    classes = [int(label) for label in np.unique(thin) if label]
    return {label: complex(*main_part(thin == label).mean(axis=0)) * every for label in classes}


def _near_fit(middles: Mapping[int, complex]) -> _Fit | None:
    """Fit the usual face once more without the parts that are far from it."""
    fit = _fit(middles)
    if fit is None or not fit.far:
        return fit
    return _fit({label: middle for label, middle in middles.items() if label not in fit.far})


def _fit(middles: Mapping[int, complex]) -> _Fit | None:
    """Bring the usual face to the parts, in least squares; the better one of face and mirror image.

    None of fewer than two parts.
    """
    labels = [label for label in middles if label in USUAL]
    if len(labels) < 2:
        return None
    here = np.array([middles[label] for label in labels])
    spread = np.array([USUAL[label][1] for label in labels])
    weights = spread**-2
    fits = []
    for exchanged in (False, True):
        names = FLIP[labels] if exchanged else labels
        usual = np.array([USUAL[int(name)][0] for name in names])
        usual_mean, mean = ((weights * each).sum() / weights.sum() for each in (usual, here))
        hold = float((weights * np.abs(usual - usual_mean) ** 2).sum())
        scale = (weights * np.conj(usual - usual_mean) * (here - mean)).sum() / max(hold, 1e-9)
        shift = mean - scale * usual_mean
        off = np.abs(here - scale * usual - shift) / max(abs(scale), 1e-9) / spread
        misfit = float((np.minimum(off, _MOST) ** 2).mean())
        far = frozenset(label for label, each in zip(labels, off, strict=True) if each > _FAR)
        fits.append(_Fit(scale, shift, misfit, hold, len(labels), exchanged, far))
    return min(fits, key=lambda fit: fit.misfit)


def _mouth(mask: np.ndarray, right: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Return the middle between the corners of a mouth, (2,), of a face with these eyes.

    What compression makes of the edges of hair has the colour of a lip: so the mouth is looked for
    where the eyes say it is, below them or, in a face upside down, above, unless it hardly is.
    """
    axis, between = left - right, (left + right) / 2
    rows, columns = np.ogrid[: mask.shape[0], : mask.shape[1]]
    about = np.zeros(mask.shape, bool)
    for side in (MOUTH_DOWN, -MOUTH_DOWN):
        x, y = between + side * np.array([-axis[1], axis[0]])
        about |= (columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2 <= MOUTH_ABOUT**2 * (axis @ axis)
    near = mask & about
    near_part, part = main_part(near), main_part(mask)
    mouth = near_part if 2 * len(near_part) >= len(part) else part
    along = mouth @ axis
    margin = 0.5 * np.hypot(*axis)  # half a pixel
    corners = mouth[along <= along.min() + margin], mouth[along >= along.max() - margin]
    middle: np.ndarray = np.mean([corner.mean(axis=0) for corner in corners], axis=0)
    return middle


def _turn(right: np.ndarray, left: np.ndarray, mouth: np.ndarray) -> float:
    """Return a number above 0 if the mouth lies below the eyes, `right` on the image's left."""
    (x, y), (u, v) = left - right, mouth - right
    return float(x * v - y * u)
