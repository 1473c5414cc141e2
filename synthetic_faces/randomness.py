"""Random numbers that depend on (seed, id, purpose) alone, and the noise that textures read.

Noise textures are tileable and the same for all faces; a face differs by where it reads them.
"""

from __future__ import annotations

import functools
import hashlib

import cv2
import numpy as np

from sketchface_models.errors import SketchFaceError

NOISE_SIDE = 512
NOISE_KINDS = ("fine", "cloud", "strand", "curl", "pores")


def face_id(id: int | str) -> str:
    """Return the name of a face: 17 (or numpy's 17) is `synthetic-000017`; a text stays as it is.

    Raises:
        SketchFaceError: for anything else, and for numbers below 0.
    """
    if isinstance(id, str):
        return id
    if not isinstance(id, int | np.integer) or isinstance(id, bool) or id < 0:
        raise SketchFaceError(f"face id: {id!r}; allowed: a text, or a whole number, 0 or more")
    return f"synthetic-{id:06d}"


def stream(seed: int, id: int | str, purpose: str) -> np.random.Generator:
    """Return a counter-based generator (Philox) keyed by a hash of seed, id and purpose.

    No other face, no order of calls and no other purpose can shift its numbers.
    """
    digest = hashlib.sha256(f"{seed}/{face_id(id)}/{purpose}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "big")))


@functools.cache
def noise_tile(kind: str) -> np.ndarray:
    """Return (NOISE_SIDE, NOISE_SIDE) float32 of zero mean and unit variance.

    kind: one of NOISE_KINDS.
    """
    rng = np.random.Generator(np.random.Philox(key=NOISE_KINDS.index(kind)))
    white = rng.standard_normal((NOISE_SIDE, NOISE_SIDE)).astype(np.float32)
    fx = np.fft.fftfreq(NOISE_SIDE)[None, :] * NOISE_SIDE
    fy = np.fft.fftfreq(NOISE_SIDE)[:, None] * NOISE_SIDE
    radius = np.hypot(fx, fy) + 1e-6
    spectrum = {
        "fine": radius**-0.6 * (radius > 8),
        "cloud": radius**-1.7 * (radius > 1.5),
        # Long along y, thin along x: strands run down the texture.
        "strand": (6 + np.abs(fx)) ** -0.45 * np.exp(-((fy / 6) ** 2)) * (np.abs(fx) > 4),
        "pores": radius**-0.8 * (radius > 24),
        "curl": np.exp(-(((radius - 22) / 9) ** 2)),
    }[kind]
    field = np.fft.ifft2(np.fft.fft2(white) * spectrum).real.astype(np.float32)
    field = (field - field.mean()) / field.std()
    field.setflags(write=False)
    return field


@functools.cache
def _doubled(kind: str) -> np.ndarray:
    return np.tile(noise_tile(kind), (2, 2))


def noise_patch(kind: str, shape: tuple[int, ...], offset: np.ndarray) -> np.ndarray:
    """Return a view (H, W) of a noise tile, one texel a cell; sides of at most NOISE_SIDE.

    offset: (2,) in [0, 1), where the patch begins.
    """
    top, left = (int(part * NOISE_SIDE) for part in offset)
    return _doubled(kind)[top : top + shape[0], left : left + shape[1]]


def noise_at(kind: str, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return noise at (u, v), float32, of period 1; u and v are arrays of one shape."""
    shape = u.shape
    if u.size == 0:
        return np.zeros(shape, np.float32)
    rows = u.reshape(1, -1) if u.ndim == 1 else u
    cols = v.reshape(1, -1) if v.ndim == 1 else v
    # cv2.remap takes fewer than 32,768 columns, so flat lists travel as a block.
    if rows.shape[1] > 30000:
        width = 4096
        pad = -rows.size % width
        rows, cols = (np.pad(a.ravel(), (0, pad)).reshape(-1, width) for a in (rows, cols))
    x, y = ((part - np.floor(part)) * np.float32(NOISE_SIDE) for part in (rows, cols))
    x, y = (part.astype(np.float32, copy=False) for part in (x, y))
    values = cv2.remap(noise_tile(kind), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return values.ravel()[: int(np.prod(shape))].reshape(shape)
