"""The rebuilt systems, by the name that `systems.RUN.system` gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sketchface_models.config import load
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems.base import System
from sketchface_models.systems.convolutions import Convolutions
from sketchface_models.systems.cyclegan import CycleGAN
from sketchface_models.systems.hida import HIDA
from sketchface_models.systems.isola import Isola
from sketchface_models.systems.noise_gan import NoiseGAN
from sketchface_models.systems.parser import Parser
from sketchface_models.systems.pictures import Pictures
from sketchface_models.systems.pix2pix import Pix2Pix
from sketchface_models.systems.pix2pixhd import Pix2PixHD
from sketchface_models.systems.sketch2face import Sketch2Face
from sketchface_models.systems.spade import SPADEFaces
from sketchface_models.systems.vae_wgan import VAEWGAN

SYSTEMS: dict[str, Any] = {
    "pix2pix": Pix2Pix,
    "convolutions": Convolutions,
    "pix2pixhd": Pix2PixHD,
    "spade": SPADEFaces,
    "cyclegan": CycleGAN,
    "isola": Isola,
    "vae-wgan": VAEWGAN,
    "sketch2face": Sketch2Face,
    "noise-gan": NoiseGAN,
    "parser": Parser,
    "hida": HIDA,
    "pictures": Pictures,
}


def system_class(name: object) -> Any:
    """Return the class registered under `name`.

    Raises:
        SketchFaceError: if there is none, naming those there are.
    """
    if not isinstance(name, str) or name not in SYSTEMS:
        raise SketchFaceError(f"system: {name!r}; allowed: one of {', '.join(SYSTEMS)}")
    return SYSTEMS[name]


def build(config: Mapping[str, Any], channels: dict[str, int]) -> System:
    """Return a system with freshly initialised networks from a `systems.RUN` mapping.

    Raises:
        SketchFaceError: listing every violation of its settings.
    """
    cls = system_class(config.get("system"))
    system: System = cls(load(cls.Settings, config), channels)
    return system
