"""The photograph: materials under light, seen through lens and film."""

from __future__ import annotations

import functools

import cv2
import numpy as np

from synthetic_faces.face_parameters import Film, Parameters
from synthetic_faces.geometry.camera import reduce
from synthetic_faces.geometry.meshes import Part
from synthetic_faces.geometry.zbuffer import Geometry
from synthetic_faces.looks.lighting import Illumination, Lamp
from synthetic_faces.looks.materials import Material
from synthetic_faces.randomness import noise_at

# Light travels in skin, red the farthest: it turns past the terminator (WRAP), into the edges of
# shadows (BLEED), and out of hollows, whose walls light each other (BOUNCE).
WRAP = (0.34, 0.16, 0.11)
BLEED = (0.55, 0.12, 0.0)
BOUNCE = (0.5, 0.16, 0.06)
TONE_LEVELS = 4096  # of the tone table
BRIGHTEST = 2.5  # linear light beyond which film shows no difference


def shade(parameters: Parameters, g: Geometry, m: Material, light: Illumination) -> np.ndarray:
    """Return the linear colour (P, 3) of every covered pixel; linear in lamps and sky."""
    hairy = np.flatnonzero(m.hair > 0)
    colour = _surface(g, m, light)
    if len(hairy):
        share = m.hair[hairy]
        for c, channel in enumerate(_tress(parameters, g, m, light, hairy)):
            under = colour[hairy, c]
            colour[hairy, c] = under + share * (channel - under)
    return colour


def _surface(g: Geometry, m: Material, light: Illumination) -> np.ndarray:
    """Shade skin and cloth: wrapped diffuse light, two lobes of gloss, a sheen at the edges."""
    cloth = np.flatnonzero(g.part >= Part.TORSO)
    contact = 0.45 + 0.55 * light.open
    # The sky is brightest above; the wall behind the viewer sends some back from the front.
    dome = 0.86 - 0.3 * g.normal[:, 1]
    grazing = 1 - np.clip(g.normal[:, 2], 0, 1)
    edge = (grazing * grazing) ** 2 * light.open * m.gloss
    deep = light.open * (1 - light.open)
    sky = _as_cloth([dome * (light.open + BOUNCE[c] * deep) for c in range(3)], cloth)
    total = [light.sky[c] * sky[c] for c in range(3)]
    gloss = [0.35 * light.sky[c] * edge for c in range(3)]
    for lamp in light.lamps:
        facing = g.normal @ lamp.direction
        shine = _shine(g, lamp, grazing) * m.gloss
        reach = lamp.lit * contact
        fringe = reach * (1 - lamp.lit)
        diffuse = []
        for c in range(3):
            wrapped = np.maximum((facing + WRAP[c]) * np.float32(1 / (1 + WRAP[c])), 0)
            diffuse.append(wrapped * (reach + BLEED[c] * fringe))
        for c, part in enumerate(_as_cloth(diffuse, cloth)):
            total[c] += lamp.colour[c] * part
            gloss[c] += lamp.colour[c] * shine
    # Channel by channel: numpy is slow over an axis of three.
    colour = np.empty_like(m.colour)
    for c in range(3):
        colour[:, c] = m.colour[:, c] * total[c] + gloss[c]
    return colour


def _as_cloth(channels: list[np.ndarray], cloth: np.ndarray) -> list[np.ndarray]:
    """Remove the colours that light takes on in skin, at the pixels `cloth`."""
    for c in (0, 2):
        channels[c][cloth] = channels[1][cloth]
    return channels


def _shine(g: Geometry, lamp: Lamp, grazing: np.ndarray) -> np.ndarray:
    """Return the gloss of skin (P,): a broad lobe and a narrow one, stronger when grazing."""
    towards = np.clip(g.normal @ lamp.half, 0, 1)
    broad = towards * towards  # to the 2nd, 4th, 8th power
    broad *= broad
    broad *= broad
    narrow = broad * broad
    narrow = narrow * narrow * broad  # to the 40th
    return (0.05 * broad + 0.15 * narrow) * (1 + 1.5 * grazing) * lamp.lit


def _tress(
    parameters: Parameters,
    g: Geometry,
    m: Material,
    light: Illumination,
    pixels: np.ndarray,
) -> list[np.ndarray]:
    """Shade hair as thin cylinders (Kajiya and Kay 1989, eqs. 14 and 16): three channels (K,)."""
    noise = noise_at("strand", g.strand[pixels, 0] * 0.5, g.strand[pixels, 1] * 0.1)
    tilt = 0.14 * noise
    # The tangent, tilted by noise; only its products with two directions are needed.
    tangent, normal = g.tangent[pixels], g.normal[pixels]
    smooth = np.where(g.inner[pixels], np.float32(0), np.float32(1 - 0.8 * parameters.hair.curl))
    albedo = np.ascontiguousarray(m.colour[pixels].T)
    tinted = 0.5 + 0.5 * albedo / np.maximum(albedo.max(0), 1e-3)
    sky = light.open[pixels] * (0.8 - 0.28 * normal[:, 1])
    result = [1.03 * albedo[c] * sky * light.sky[c] for c in range(3)]
    for lamp in light.lamps:
        facing = normal @ lamp.direction
        along = tangent @ lamp.direction + tilt * facing
        half = tangent @ lamp.half + tilt * (normal @ lamp.half)
        wrapped = np.clip((facing + 0.35) / 1.35, 0, 1) * lamp.lit[pixels]
        diffuse = (0.25 + 0.75 * np.sqrt(np.clip(1 - along * along, 0, 1))) * wrapped
        glow = np.clip(1 - half * half, 0, 1)
        glow *= glow
        glow *= glow
        glow = (glow * glow) ** 2 * glow  # to the 20th
        shine = smooth * (0.05 * glow + 0.04 * (glow * glow) ** 2) * wrapped
        for c in range(3):
            result[c] += lamp.colour[c] * (1.05 * albedo[c] * diffuse + shine * tinted[c])
    return result


def focus(geometry: Geometry) -> np.ndarray:
    """Return sharpness (size, size) in [0, 1]: the face is in focus, the shoulders are not.

    The backdrop is soft in itself; about what is sharp, stray hairs cross it and stay sharp.
    """
    z = geometry.lattice.centres(geometry.z)
    sharp = np.clip(z + 0.9, 0, 1)
    reach = 2 * (len(z) // 32) + 1
    around = cv2.blur(cv2.dilate(sharp, np.ones((reach, reach), np.uint8)), (5, 5))
    return np.where(np.isfinite(z), sharp, around)


def develop(
    canvas: np.ndarray, size: int, film: Film, near: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Develop a linear canvas (S, S, 3) into a photo (size, size, 3) uint8.

    near: (size, size) in [0, 1], 0 where the lens is out of focus. Reduced to size; blurred out of
    focus; glow about the lights; vignette; tone curve; grain from `rng`.
    """
    reduced = reduce(canvas, size)
    reduced = _defocus(reduced, near, film.blur * size / 100)
    reduced = _glow(reduced)
    reduced *= _vignette(size, round(film.vignette, 2))
    level = np.sqrt(np.clip(reduced, 0, BRIGHTEST)) * np.float32((TONE_LEVELS - 1) / BRIGHTEST**0.5)
    encoded = _tones(round(film.contrast, 2))[level.astype(np.int16)]
    grain = cv2.merge([_grain(size, film.grain, rng)] * 3)
    return cv2.add(encoded, grain, dtype=cv2.CV_8U)  # rounds, and clips to 0..255


def _defocus(picture: np.ndarray, near: np.ndarray, sigma: float) -> np.ndarray:
    """Blur what is out of focus, without letting what is sharp bleed into it."""
    if sigma < 0.1:
        return picture
    far = 1 - near
    share = cv2.merge([far] * 3)
    blurred: np.ndarray = cv2.GaussianBlur(picture * share, (0, 0), sigma)
    weight = np.maximum(cv2.GaussianBlur(far, (0, 0), sigma), 1e-3)
    blurred *= cv2.merge([1 / weight] * 3)
    blurred -= picture
    blurred *= share
    blurred += picture
    return blurred


def _glow(picture: np.ndarray) -> np.ndarray:
    """Add light scattered in the lens: a small share of a wide blur."""
    size = picture.shape[0]
    small = cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA)
    wide = cv2.GaussianBlur(small, (0, 0), 1.4)
    return cv2.addWeighted(
        picture, 0.95, cv2.resize(wide, (size, size), interpolation=cv2.INTER_LINEAR), 0.05, 0
    )


@functools.lru_cache(maxsize=64)
def _vignette(size: int, amount: float) -> np.ndarray:
    """Return a factor (size, size, 3): 1 in the middle, 1 - `amount` in the corners."""
    x = (np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1
    away = 0.5 * (x[None, :] ** 2 + x[:, None] ** 2)
    return cv2.merge([1 - np.float32(amount) * away**1.5] * 3)


@functools.lru_cache(maxsize=64)
def _tones(contrast: float) -> np.ndarray:
    """Return (TONE_LEVELS,): display value of light BRIGHTEST (i / (TONE_LEVELS - 1))^2.

    Highlights roll off instead of clipping; `contrast` bends shadows down and lights up.
    """
    light = BRIGHTEST * (np.arange(TONE_LEVELS) / (TONE_LEVELS - 1)) ** 2
    rolled = np.where(light < 0.55, light, 0.55 + 0.45 * (1 - np.exp(-(light - 0.55) / 0.45)))
    display = rolled ** (1 / 2.2)
    bent = display + contrast * display * (1 - display) * (display - 0.45)
    return (255 * bent).astype(np.float32)


def _grain(size: int, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Return grain (size, size) in grey levels, of standard deviation `strength`."""
    white = rng.standard_normal((size, size), np.float32)
    # The blur's kernel keeps 0.52 of the deviation.
    return np.float32(strength / 0.52) * cv2.GaussianBlur(white, (3, 3), 0.55)
