"""Pictures of several kinds: each kind goes through a generator of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from pipeline.translation.detection import Which
from pipeline.translation.inputs import Preparation, View
from pipeline.translation.paper import Paper
from pipeline.translation.recognition import Kind, Target, usual_direction
from pipeline.translation.style_choice import StyleChoice
from pipeline.translation.trained_generator import Generator, open_weights
from pipeline.translation.translator import Extras, Translator
from sketchface_models.errors import SketchFaceError

Direction = tuple[Kind, Target | None]
"""What pictures are, and what is made of them; None for whatever the weights draw."""


@dataclass(frozen=True)
class Options:
    """What is asked for of all pictures, whatever generator draws them.

    choice: of styles. extras, report, note, paper: as of `Translator`. view, which, kind, folders:
    as of `Preparation`. depth: settings that differ from those of the training photos. size: side
    of the results, pixels; None for that of the training photos.
    """

    choice: StyleChoice
    extras: Extras
    report: Callable[[str], None]
    note: Callable[[str], None]
    paper: Paper
    view: View
    which: Which
    kind: Kind | None
    folders: Mapping[Path, Path]
    depth: Mapping[str, str]
    size: int | None

    def translator(self, generator: Generator) -> Translator:
        """Return what draws pictures as they are asked for with one generator.

        Raises:
            SketchFaceError: if it cannot draw what is asked for.
        """
        requirements = generator.requirements
        depth = requirements.depth_settings(self.depth)
        preparation = Preparation(
            requirements, depth, self.view, self.which, self.kind, self.folders
        )
        styles = self.choice.styles(generator, self.extras.sheet, self.view)
        side = self.size or requirements.aligned
        return Translator(
            generator, preparation, styles, side, self.extras, self.report, self.note, self.paper
        )


def by_direction(
    paths: Sequence[Path],
    kind: Kind | None,
    target: Target | None,
    report: Callable[[str], None],
) -> dict[Direction, list[Path]]:
    """Group pictures by what they are and what is made of them, where no weights decide it.

    Args:
        paths: of the pictures.
        kind: of all pictures; None to recognise each.
        target: what is made of them; None for what is usual of each kind.
        report: called with a line for each picture that cannot be read.
    """
    groups: dict[Direction, list[Path]] = {}
    for path in tqdm(
        paths, desc="recognise", unit="picture", disable=None, leave=False, dynamic_ncols=True
    ):
        try:
            direction = usual_direction(path, kind, target)
        except SketchFaceError as error:
            report(str(error))
        else:
            groups.setdefault(direction, []).append(path)
    return groups


def open_translators(
    groups: Mapping[Direction, Sequence[Path]], weights: Path | None, options: Options
) -> list[tuple[Translator, Sequence[Path]]]:
    """Open the generator of each group; of groups without one each picture is reported.

    Args:
        groups: of pictures.
        weights: as of `open_weights`.
        options: what is asked for.

    Raises:
        SketchFaceError: if there is one group alone, and no generator draws what is asked for.
    """
    opened = []
    for (kind, target), paths in groups.items():
        try:
            translator = options.translator(open_weights(weights, target, kind))
        except SketchFaceError as error:
            if len(groups) == 1:
                raise
            for path in paths:
                options.report(f"{path}: {error}")
        else:
            opened.append((translator, paths))
    return opened
