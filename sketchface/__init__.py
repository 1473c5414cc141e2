"""SketchFace for people: the command line (`sketchface`) and a small library.

    import sketchface

    sketches = sketchface.translate("me.jpg", style=2)      # one array a face
    [photo] = sketchface.translate("drawing.png", to="photo")
    sketches = sketchface.translate(pixels)                 # (H, W, 3) uint8 RGB
    photos = sketchface.translate("map.png", weights="data/train/spade/0", random=4)
    scores = sketchface.score("real/", "generated/")        # any two folders of pictures
    sketchface.validate("folder/of/FS2K").faults            # [] where nothing is missing

Importing the package is quick; each function imports what it needs when it is called. Whatever the
caller can mend is raised as `sketchface.SketchFaceError`, whose text is one line.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from sketchface_models.errors import SketchFaceError

if TYPE_CHECKING:
    import numpy as np

    from pipeline.translation.paper import Paper
    from pipeline.translation.recognition import Kind, Target
    from sketchface.data_sets import Validation
    from sketchface.folder_scores import Scores
    from sketchface.picture_arrays import Picture

__version__ = "0.1.0"
__all__ = ["SketchFaceError", "__version__", "score", "translate", "validate"]


def translate(
    picture: Picture,
    style: int | str | None = None,
    weights: str | Path | None = None,
    size: int | None = None,
    to: Target | None = None,
    kind: Kind | None = None,
    style_of: Picture | Sequence[Picture] = (),
    random: int | None = None,
    seed: int | None = None,
    paper: Paper = "white",
) -> list[np.ndarray]:
    """Return a sketch of each face of a photo, or a photo of a line drawing or parsing map.

    What was not clear in a map is said as a `UserWarning`.

    Args:
        picture: file of any common format, or its pixels as uint8: (H, W) grey or labels,
            (H, W, 3) RGB, (H, W, 4) RGBA.
        style: a label such as 2, or a weight for each style ("0.5,0.5,0"); None: the first.
        weights: folder of a trained run, a file of its weights, or the name of a generator that
            comes with the package; None: the one of the package that draws `to`.
        size: side of a result, 16 to 4,096 pixels, which adds no detail; None: that of the training
            photos.
        to: "sketch", "photo" or "drawing" (a doodle); None: what the weights draw, without weights
            a sketch of a photo and a photo of anything else.
        kind: what the picture is, "photo", "contour" (a line drawing), "map" (a parsing map),
            "doodle" or "sketch" (a shaded drawing); None: recognised.
        style_of: a photo whose style is taken, or several, as files or pixels, where the weights
            know style codes.
        random: number of random styles, where the weights know style codes; None: none.
        seed: of these; None: 0.
        paper: of sketches, "white", or "as-drawn": as grey as that of the training sketches.

    Returns:
        (size, size) uint8 of each face, from left to right, or (size, size, 3) where the generator
        draws in colour; of several styles, each face in all of them, one face after another.

    Raises:
        SketchFaceError: if the picture cannot be read, shows no face, drawing or map, or what is
            asked for is not among what is allowed.
    """
    import numpy as np

    from pipeline.translation.inputs import Preparation
    from pipeline.translation.paper import Paper, on_white
    from pipeline.translation.recognition import Kind, Target, usual_direction
    from pipeline.translation.style_choice import StyleChoice
    from pipeline.translation.trained_generator import open_weights
    from sketchface.generator_options import check_size
    from sketchface.picture_arrays import picture_files

    for name, value, allowed in (
        ("to", to, get_args(Target)),
        ("kind", kind, get_args(Kind)),
        ("paper", paper, get_args(Paper)),
    ):
        if value is not None and value not in allowed:
            raise SketchFaceError(f"{name}={value!r}; allowed: {', '.join(allowed)}")
    check_size(size, f"size={size}")
    if not isinstance(picture, np.ndarray) and Path(picture).is_dir():
        raise SketchFaceError(f"{picture or Path(picture)}: a folder; give the file of one picture")
    photos = [style_of] if isinstance(style_of, str | Path | np.ndarray) else style_of
    named: list[tuple[str, Picture]] = [
        ("picture", picture),
        *((f"style {n}", p) for n, p in enumerate(photos)),
    ]
    with picture_files(named) as (path, *style_paths):
        texts = () if style is None else (str(style),)
        choice = StyleChoice(texts, tuple(style_paths), random, seed)
        first: Kind = "photo"
        if weights is None:
            first, to = usual_direction(path, kind, to)
        generator = open_weights(None if weights is None else Path(weights), to, first)
        requirements = generator.requirements
        settings = requirements.depth_settings({})
        prepared = Preparation(requirements, settings, "faces", "all", kind)(path)
        faces = [face for face in prepared if not isinstance(face, str)]
        if len(faces) < len(prepared):
            reason = next(each for each in prepared if isinstance(each, str))
            raise SketchFaceError(f"{path}: {reason}")
        called = "picture" if isinstance(picture, np.ndarray) else picture
        for note in (face.note for face in faces if face.note):
            warnings.warn(f"{called}: {note}", stacklevel=2)
        styles = choice.styles(generator, False, "faces")
    jobs = [(face, each) for face in faces for each in styles]
    results = generator.generate(jobs, size or requirements.aligned)
    whitens = paper == "white" and requirements.target == "sketch"
    return [on_white(sketch) for sketch in results] if whitens else results


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
