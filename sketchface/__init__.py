"""SketchFace for people: the command line (`sketchface`) and a small library.

    import sketchface

    sketches = sketchface.translate("me.jpg", style=2)      # one array a face
    [photo] = sketchface.translate("drawing.png", to="photo")
    scores = sketchface.score("real/", "generated/")        # any two folders of pictures
    sketchface.validate("folder/of/FS2K").faults            # [] where nothing is missing

Importing the package is quick; each function imports what it needs when it is called. Whatever the
caller can mend is raised as `sketchface.SketchFaceError`, whose text is one line.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sketchface_models.errors import SketchFaceError

if TYPE_CHECKING:
    import numpy as np

    from pipeline.translation.recognition import Kind, Target
    from sketchface.data_sets import Validation
    from sketchface.folder_scores import Scores

__version__ = "0.1.0"
__all__ = ["SketchFaceError", "__version__", "score", "translate", "validate"]


def translate(
    picture: str | Path,
    style: int | str | None = None,
    weights: str | Path | None = None,
    size: int | None = None,
    to: Target | None = None,
    kind: Kind | None = None,
) -> list[np.ndarray]:
    """Return a sketch of each face of a photo, from left to right, or a photo of a line drawing.

    Args:
        picture: file of any common format.
        style: a label such as 2, or a weight for each style ("0.5,0.5,0"); None: the first.
        weights: folder of a trained run, or the name of a generator that comes with the package;
            None: the one of the package that draws `to`.
        size: side of a result, pixels; None: of the training photos.
        to: "sketch" or "photo"; None: what the weights draw, without weights a photo of a line
            drawing and a sketch of anything else.
        kind: what the picture is, "photo" or "contour" (a line drawing); None: recognised.

    Returns:
        (size, size) uint8 of each face, or (size, size, 3) where the generator draws in colour.

    Raises:
        SketchFaceError: if the picture cannot be read, shows no face and no drawing, or the style
            is unknown.
    """
    from pipeline.translation.inputs import Preparation
    from pipeline.translation.recognition import usual_target
    from pipeline.translation.trained_generator import open_weights

    path = Path(picture)
    if weights is None and to is None:
        to = usual_target([path], kind)
    generator = open_weights(None if weights is None else Path(weights), to)
    requirements = generator.requirements
    (chosen,) = requirements.select_styles([] if style is None else [str(style)], every=False)
    settings = requirements.depth_settings({})
    faces = Preparation(requirements, settings, "faces", "all", kind)(path)
    jobs = [(face, chosen) for face in faces if not isinstance(face, str)]
    if len(jobs) < len(faces):
        raise SketchFaceError(f"{path}: {next(each for each in faces if isinstance(each, str))}")
    return generator.generate(jobs, size or requirements.aligned)


def score(reference_dir: str | Path, generated_dir: str | Path, size: str | None = None) -> Scores:
    """Score pictures against references of the same name, in grey.

    Args:
        reference_dir: folder of pictures.
        generated_dir: folder of pictures of the same names, endings apart.
        size: "N" or "WxH" in pixels, to which both are resized; None: compared as they are.

    Returns:
        `values`, metric -> one number a pair; `means()`, with 95 % intervals; `missing`, `extra`.

    Raises:
        SketchFaceError: if no names match, a file is damaged, or a pair's sizes differ.
    """
    from sketchface.folder_scores import score_folders
    from sketchface.score_options import Options, parse_size

    options = Options(target=None if size is None else parse_size(size))
    [scores] = score_folders(Path(reference_dir), [Path(generated_dir)], options)
    return scores


def validate(name_or_dir: str | Path, root: str | Path | None = None) -> Validation:
    """Count a data set's files, decode every one, and name what is missing.

    Args:
        name_or_dir: a data set's name, as in conf/data, or its folder.
        root: where the data set of that name lies; None: `data.root` of params.yaml.

    Returns:
        `lines` for people, and the `faults` among them.

    Raises:
        SketchFaceError: if there is no such data set or folder.
    """
    from sketchface.data_sets import validate_data_set

    return validate_data_set(str(name_or_dir), None if root is None else Path(root))
