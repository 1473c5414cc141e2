"""The styles that a user asks for: labels and mixtures, photos, or random ones."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pipeline.translation.inputs import Preparation, View
from pipeline.translation.requirements import Style
from pipeline.translation.trained_generator import Generator
from sketchface_models.errors import SketchFaceError

MOST_RANDOM = 1000
LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True)
class StyleChoice:
    """What a user says of styles; one thing at most.

    texts: labels ("2") or mixtures ("0.5,0.5,0"). photos: whose style is taken, one result for
    each. random: number of random style codes; None for none. seed: of these; None is 0.

    Raises:
        SketchFaceError: if several are given, or a number is not allowed.
    """

    texts: tuple[str, ...] = ()
    photos: tuple[Path, ...] = ()
    random: int | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if (self.texts != ()) + (self.photos != ()) + (self.random is not None) > 1:
            raise SketchFaceError("--style, --style-of, --random: give one of the three")
        if self.seed is not None and self.random is None:
            raise SketchFaceError("--seed: of no use without --random")
        if self.random is not None and not 1 <= self.random <= MOST_RANDOM:
            raise SketchFaceError(f"--random {self.random}: allowed: 1 to {MOST_RANDOM}")
        if self.seed is not None and not 0 <= self.seed <= LARGEST_SEED:
            raise SketchFaceError(f"--seed {self.seed}: allowed: 0 to {LARGEST_SEED}")

    def styles(self, generator: Generator, every: bool, view: View) -> list[Style]:
        """Return the styles to draw, each once.

        Args:
            generator: that draws.
            every: where nothing is said, every trained style instead of the first.
            view: `aligned` if photos are framed like the training ones already.

        Raises:
            SketchFaceError: for a style that the generator does not have, or a photo that shows
                none.
        """
        requirements = generator.requirements
        if not self.photos and self.random is None:
            return requirements.select_styles(self.texts, every)
        if not generator.system.has_codes:
            option = "--style-of" if self.photos else "--random, --samples"
            raise SketchFaceError(
                f"{option}: {requirements.source} has no style codes; leave it out, or name the "
                "weights of a run that has some, such as spade or sketch2face"
            )
        if self.random is not None:
            numbers = range(1, self.random + 1)
            return [Style(f"random {n}", code=(self.seed or 0, n)) for n in numbers]
        unframed = view == "aligned" or requirements.framing is None
        face_view: View = "aligned" if unframed else "faces"
        preparation = Preparation(requirements, None, face_view, "largest", "photo")
        names = _names(self.photos)
        return [Style(name, photo=preparation.style_of(photo)) for name, photo in names.items()]


def _names(photos: tuple[Path, ...]) -> dict[str, Path]:
    """Return each photo once, by its name without ending, the mark of what is drawn in its style.

    Raises:
        SketchFaceError: if two have one name.
    """
    names: dict[str, Path] = {}
    for photo in photos:
        first = names.setdefault(photo.stem, photo)
        if os.path.realpath(first) != os.path.realpath(photo):
            raise SketchFaceError(f"--style-of {photo}: of one name with {first}; rename one")
    return names
