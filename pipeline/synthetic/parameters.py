"""What makes a face: a named, immutable vector of numbers.

Lengths are in head units: the half-width of an average face is 1 (about 7 cm). The face plane has
its origin between the eyes, x to the image's right and y down; z points to the viewer, 0 at the
ears. Angles are degrees. Colours are sRGB, 0 to 255.
"""

from __future__ import annotations

from dataclasses import dataclass

RGB = tuple[float, float, float]


@dataclass(frozen=True)
class Shape:
    """Proportions of the skull and the soft parts; 1 or 0 is average."""

    width: float
    jaw: float
    chin_width: float
    chin_length: float
    chin_depth: float
    middle_length: float
    philtrum: float
    forehead: float
    cheekbones: float
    fullness: float
    ear_size: float
    ear_angle: float
    neck: float


@dataclass(frozen=True)
class Eyes:
    """The two eyes and their lids."""

    spacing: float
    size: float
    opening: float
    tilt: float
    crease: float
    depth: float
    bags: float
    iris: RGB
    gaze: tuple[float, float]
    lashes: float
    shadow: float


@dataclass(frozen=True)
class Brows:
    """The eyebrows."""

    height: float
    arch: float
    slope: float
    length: float
    thickness: float
    density: float


@dataclass(frozen=True)
class Nose:
    """The nose."""

    width: float
    height: float
    bridge: float
    tip: float
    bump: float
    turn: float


@dataclass(frozen=True)
class Mouth:
    """The lips and the expression."""

    width: float
    upper: float
    lower: float
    bow: float
    smile: float
    opening: float
    lipstick: float
    tint: RGB


@dataclass(frozen=True)
class Skin:
    """Colour and surface of the skin."""

    tone: RGB
    redness: float
    freckles: float
    age: float
    gloss: float
    moles: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Hair:
    """Hair of the head and of the face."""

    style: str
    colour: RGB
    grey: float
    top: float
    side: float
    line: float
    recession: float
    peak: float
    sideburn: float
    fringe: float
    part: float
    sweep: float
    length: float
    """y at which long hair ends; 0 where there is none."""
    cover: float
    flare: float
    wave: float
    curl: float
    bun: float
    cap: float
    """Opacity of the hair on the skull; 0 is bald."""
    beard: float
    beard_length: float
    moustache: float


@dataclass(frozen=True)
class Wear:
    """Glasses, earrings and clothes."""

    glasses: str
    glasses_colour: RGB
    glasses_size: float
    earrings: float
    cloth: RGB
    neckline: str
    neckline_depth: float
    shoulders: float


@dataclass(frozen=True)
class View:
    """Pose of the head and framing of the picture."""

    yaw: float
    pitch: float
    roll: float
    eye_x: float
    """Where the middle of the eyes lies, as parts of the picture's width and height."""
    eye_y: float
    eye_distance: float
    """Outer-eye distance of the same head seen frontally, as a part of the width."""


@dataclass(frozen=True)
class Light:
    """One key light, a sky and a background."""

    azimuth: float
    elevation: float
    key: float
    ambient: float
    warmth: float
    background: RGB
    background_far: RGB
    backdrop: float


@dataclass(frozen=True)
class Parameters:
    """Everything a picture of one face is a function of, beside its size."""

    shape: Shape
    eyes: Eyes
    brows: Brows
    nose: Nose
    mouth: Mouth
    skin: Skin
    hair: Hair
    wear: Wear
    view: View
    light: Light
