"""The parameters of a face: named, immutable numbers, each with its range.

Lengths are in head units: the half-width of an average face is 1 (about 7 cm). The face plane has
its origin between the eyes, x to the image's right and y down; z points to the viewer, 0 at the
ears. Angles are degrees. Colours are sRGB, 0 to 255. Of a number without a unit, 1 or 0 is average
unless its docstring says otherwise.

Ranges are declared here and used in `ranges`; a new field needs `Annotated[..., between(a, b)]`,
or `one_of(...)` for a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

from sketchface_models.config import between

RGB = tuple[float, float, float]


@dataclass(frozen=True)
class OneOf:
    """The words that a parameter allows."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class UpTo:
    """The largest length of a list."""

    most: int


def one_of(*words: str) -> OneOf:
    """Allow one of these words."""
    return OneOf(words)


def up_to(most: int) -> UpTo:
    """Allow at most this many members."""
    return UpTo(most)


@dataclass(frozen=True)
class Shape:
    """Proportions of the skull and the soft parts."""

    width: Annotated[float, between(0.85, 1.15)]
    jaw: Annotated[float, between(0.75, 1.25)]
    """Width at the angle of the jaw."""
    chin_width: Annotated[float, between(0.45, 1.55)]
    chin_length: Annotated[float, between(0.75, 1.25)]
    """From the mouth to the chin."""
    chin_depth: Annotated[float, between(-0.12, 0.15)]
    """How far the chin stands out; below 0 it recedes."""
    chin_cleft: Annotated[float, between(0, 1)]
    middle_length: Annotated[float, between(0.85, 1.15)]
    """From the eyes to the base of the nose."""
    philtrum: Annotated[float, between(0.7, 1.3)]
    """From the nose to the mouth."""
    forehead: Annotated[float, between(0.9, 1.1)]
    """Height of the forehead."""
    slope: Annotated[float, between(-0.08, 0.16)]
    """How far the forehead leans back at the hairline."""
    temples: Annotated[float, between(-0.06, 0.06)]
    """Added to the half-width at the temples."""
    brow_ridge: Annotated[float, between(0, 2)]
    occiput: Annotated[float, between(0.85, 1.15)]
    """Depth of the back of the head."""
    cheekbones: Annotated[float, between(-0.06, 0.1)]
    fullness: Annotated[float, between(-0.12, 0.12)]
    """Fat of cheeks and jaw; below 0 the cheeks are hollow."""
    ear_size: Annotated[float, between(0.75, 1.25)]
    ear_angle: Annotated[float, between(5, 50)]
    """How far ears stand off the head."""
    neck: Annotated[float, between(0.45, 0.8)]
    """Half-width."""


@dataclass(frozen=True)
class Eyes:
    """The two eyes and their lids. Expression: `gaze_x`, `gaze_y`, `lid_right`, `lid_left`."""

    spacing: Annotated[float, between(0.9, 1.1)]
    size: Annotated[float, between(0.82, 1.22)]
    opening: Annotated[float, between(0.6, 1.5)]
    """Height of the open eye at rest: narrow to round."""
    tilt: Annotated[float, between(-7, 13)]
    """Outer corner above the inner one."""
    crease: Annotated[float, between(0, 1)]
    """0 a single lid, 1 a deep fold."""
    depth: Annotated[float, between(0.3, 1.7)]
    """How deep the eyes lie."""
    bags: Annotated[float, between(0, 1)]
    iris: RGB
    iris_size: Annotated[float, between(0.9, 1.1)]
    gaze_x: Annotated[float, between(-0.45, 0.45)]
    """Where the eyes look, in half-widths of an eye: + to the image's right."""
    gaze_y: Annotated[float, between(-0.25, 0.25)]
    """+ down."""
    lid_right: Annotated[float, between(0, 1.3)]
    """Opening of the subject's right eye (image left): 0 closed, 1 at rest, above 1 wide."""
    lid_left: Annotated[float, between(0, 1.3)]
    lashes: Annotated[float, between(0, 1)]
    shadow: Annotated[float, between(0, 0.7)]
    """Eye shadow."""


@dataclass(frozen=True)
class Brows:
    """The eyebrows. Expression: `raise_inner`, `raise_outer`, `frown`."""

    height: Annotated[float, between(-0.08, 0.12)]
    arch: Annotated[float, between(-0.04, 0.14)]
    slope: Annotated[float, between(-0.1, 0.1)]
    length: Annotated[float, between(0.85, 1.15)]
    thickness: Annotated[float, between(0.015, 0.14)]
    density: Annotated[float, between(0.3, 1)]
    raise_inner: Annotated[float, between(-1, 1)]
    """Inner ends: 1 lifted as in grief or surprise, -1 lowered as in anger."""
    raise_outer: Annotated[float, between(-1, 1)]
    frown: Annotated[float, between(0, 1)]
    """Inner ends drawn together."""


@dataclass(frozen=True)
class Nose:
    """The nose."""

    width: Annotated[float, between(0.65, 1.35)]
    wings: Annotated[float, between(0.7, 1.3)]
    """Roundness of the nostrils' wings."""
    height: Annotated[float, between(0.7, 1.3)]
    """How far it stands out."""
    root: Annotated[float, between(0.5, 1.5)]
    """Height of its root between the eyes."""
    bridge: Annotated[float, between(0.6, 1.4)]
    tip: Annotated[float, between(0.55, 1.45)]
    bump: Annotated[float, between(-0.06, 0.06)]
    turn: Annotated[float, between(-0.07, 0.07)]
    """How far the tip turns up."""


@dataclass(frozen=True)
class Mouth:
    """The lips. Expression: `smile`, `opening`."""

    width: Annotated[float, between(0.8, 1.2)]
    upper: Annotated[float, between(0.4, 1.6)]
    """Height of the upper lip."""
    lower: Annotated[float, between(0.5, 1.5)]
    bow: Annotated[float, between(0, 1.3)]
    """Depth of Cupid's bow; 1 is marked."""
    protrusion: Annotated[float, between(-0.05, 0.08)]
    """How far teeth and lips stand forward."""
    smile: Annotated[float, between(-0.6, 1)]
    """-0.6 sad, 0 at rest, 1 a broad smile."""
    opening: Annotated[float, between(0, 0.34)]
    """Height of the gap between the lips."""
    lipstick: Annotated[float, between(0, 1)]
    tint: RGB
    """Colour of the lipstick."""


class Mole(NamedTuple):
    """A dark spot of the face plane."""

    x: Annotated[float, between(-0.8, 0.8)]
    y: Annotated[float, between(0.0, 1.5)]
    radius: Annotated[float, between(0.0, 0.025)]


@dataclass(frozen=True)
class Skin:
    """Colour and surface of the skin."""

    tone: RGB
    redness: Annotated[float, between(0, 1)]
    freckles: Annotated[float, between(0, 1)]
    age: Annotated[float, between(0, 1)]
    """0 smooth, 1 with all the lines of age."""
    gloss: Annotated[float, between(0, 1)]
    blush: Annotated[float, between(0, 1)]
    """Rouge on the cheeks."""
    pores: Annotated[float, between(0, 1)]
    moles: Annotated[tuple[Mole, ...], up_to(3)]


@dataclass(frozen=True)
class Hair:
    """Hair of the head and of the face."""

    style: Annotated[
        str,
        one_of(
            *("bald", "buzz", "short", "side part", "swept back", "fringe", "curly", "afro"),
            *("bob", "bob fringe", "long", "wavy", "bun"),
        ),
    ]
    colour: RGB
    grey: Annotated[float, between(0, 1)]
    top: Annotated[float, between(0, 0.65)]
    """Thickness on top of the skull; `side` at its sides."""
    side: Annotated[float, between(0, 0.65)]
    line: Annotated[float, between(-0.2, 0.15)]
    """Height of the hairline at the forehead; + lower."""
    recession: Annotated[float, between(0, 0.32)]
    """How far the hairline recedes at the temples."""
    peak: Annotated[float, between(0, 0.25)]
    sideburn: Annotated[float, between(0, 0.6)]
    fringe: Annotated[float, between(0, 0.8)]
    part: Annotated[float, between(-40, 40)]
    """Azimuth of the parting."""
    sweep: Annotated[float, between(0, 1.3)]
    """How far the hair is combed from the parting to the sides."""
    length: Annotated[float, between(0, 3.2)]
    """y at which long hair ends; 0 where there is none."""
    cover: Annotated[float, between(-15, 80)]
    """Azimuth at which long hair begins at either side."""
    flare: Annotated[float, between(-0.1, 0.35)]
    wave: Annotated[float, between(0, 1.3)]
    curl: Annotated[float, between(0, 1)]
    bun: Annotated[float, between(0, 0.6)]
    cap: Annotated[float, between(0, 1)]
    """Opacity of the hair on the skull; 0 is bald."""
    beard: Annotated[float, between(0, 1)]
    """Opacity: 0 none, up to 0.6 stubble, above it long hair."""
    beard_length: Annotated[float, between(0, 0.2)]
    """How far it lifts chin and jaw."""
    moustache: Annotated[float, between(0, 1)]
    """Opacity, as of the beard."""


@dataclass(frozen=True)
class Wear:
    """Glasses, jewellery, hats and clothes."""

    glasses: Annotated[str, one_of("none", "round", "square", "cat", "aviator")]
    glasses_colour: RGB
    glasses_size: Annotated[float, between(0.8, 1.2)]
    earrings: Annotated[float, between(0, 0.1)]
    """Radius; 0 is none."""
    cloth: RGB
    neckline: Annotated[str, one_of("crew", "v", "collar", "scoop", "turtle")]
    neckline_depth: Annotated[float, between(0, 1)]
    shoulders: Annotated[float, between(1.7, 2.6)]
    """Half-width."""
    pattern: Annotated[str, one_of("plain", "stripes", "checks")] = "plain"
    trim: RGB = (235.0, 232.0, 224.0)
    """Second colour of a patterned cloth."""
    tint: Annotated[float, between(0, 1)] = 0.0
    """Darkness of the lenses: 0 clear, from 0.6 on sunglasses that hide the eyes."""
    earring_kind: Annotated[str, one_of("stud", "hoop", "drop")] = "stud"
    metal: RGB = (226.0, 203.0, 149.0)
    """Colour of earrings and necklace."""
    necklace: Annotated[str, one_of("none", "beads", "chain", "pendant")] = "none"
    necklace_drop: Annotated[float, between(0, 1)] = 0.5
    """0 close round the neck, 1 down on the chest."""
    necklace_size: Annotated[float, between(0.5, 1.5)] = 1.0
    """Thickness."""
    hat: Annotated[str, one_of("none", "beanie", "cap", "brim")] = "none"
    hat_colour: RGB = (60.0, 62.0, 70.0)
    hat_band: RGB = (30.0, 30.0, 34.0)
    hat_low: Annotated[float, between(-0.12, 0.08)] = 0.0
    """How far the front of its rim lies below the usual place."""
    hat_size: Annotated[float, between(0.7, 1.3)] = 1.0
    """Height of its crown and width of its brim or peak."""
    hat_tilt: Annotated[float, between(-10, 10)] = 0.0
    """Sideways, in degrees."""


@dataclass(frozen=True)
class View:
    """Pose of the head and framing of the picture."""

    yaw: Annotated[float, between(-45, 45)]
    """+ turns the face to the image's right."""
    pitch: Annotated[float, between(-20, 20)]
    """+ turns it up."""
    roll: Annotated[float, between(-15, 15)]
    """+ tilts it clockwise."""
    eye_x: Annotated[float, between(0.3, 0.7)]
    """Where the middle of the eyes lies, as parts of the picture's width and height."""
    eye_y: Annotated[float, between(0.3, 0.6)]
    eye_distance: Annotated[float, between(0.15, 0.45)]
    """Outer-eye distance of the same head seen frontally, as a part of the width."""


@dataclass(frozen=True)
class Light:
    """Three lamps (key, fill, rim), a sky, and what stands behind.

    `key`, `fill`, `rim` and `ambient` are strengths; a lamp of strength 0 is off. Azimuth is 0 at
    the viewer, + to the image's right, beyond 90 from behind; elevation is + above.
    """

    azimuth: Annotated[float, between(-80, 80)]
    """Of the key light, as is `elevation`."""
    elevation: Annotated[float, between(-20, 75)]
    key: Annotated[float, between(0, 1.5)]
    key_colour: RGB
    """Hue alone counts: the strongest channel is taken as 1. So with every lamp and the sky."""
    softness: Annotated[float, between(0, 1)]
    """0 a bare bulb, 1 a wide window: how soft the key light's shadows are."""
    fill: Annotated[float, between(0, 0.8)]
    fill_azimuth: Annotated[float, between(-90, 90)]
    fill_elevation: Annotated[float, between(-30, 60)]
    fill_colour: RGB
    rim: Annotated[float, between(0, 1.5)]
    rim_azimuth: Annotated[float, between(-175, 175)]
    rim_elevation: Annotated[float, between(-20, 75)]
    rim_colour: RGB
    ambient: Annotated[float, between(0, 0.8)]
    sky: RGB
    """Colour of the light from everywhere."""
    backdrop: Annotated[str, one_of("plain", "gradient", "shapes")]
    background: RGB
    background_far: RGB
    """What a gradient runs to."""
    backdrop_angle: Annotated[float, between(0, 360)]


@dataclass(frozen=True)
class Film:
    """Camera and film."""

    contrast: Annotated[float, between(0, 1)]
    vignette: Annotated[float, between(0, 0.5)]
    """Light lost in the corners."""
    blur: Annotated[float, between(0, 1.5)]
    """Of what lies out of focus, in hundredths of the picture's width."""
    grain: Annotated[float, between(0, 4)]
    """Standard deviation in grey levels."""


@dataclass(frozen=True)
class Parameters:
    """All parameters of a face; its size and its textures are separate."""

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
    film: Film
