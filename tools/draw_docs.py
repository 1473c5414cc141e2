"""Draw pictures of the documentation anew.

    python -m tools.draw_docs                        all of them
    python -m tools.draw_docs astronaut-understood   those named

Those of the built-in faces (docs/synthetic-faces.md), a photo with all that the stages make of it
(docs/results/understanding-faces.md), what the generator that ships draws of it, the faces that
others make of drawings, parsing maps and doodles, and what trained runs make (README.md).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import skimage.data

import sketchface
from face_geometry.align import PORTRAIT, eyes_and_mouth, similarity, warp
from face_geometry.palette import colourise
from pipeline.common.images import encode_jpeg, encode_png, read_image
from pipeline.common.sheets import sheet
from pipeline.contours.contours import draw_contour
from pipeline.depth.depth import DepthSettings
from pipeline.depth.mesh import mesh_depth
from pipeline.landmarks.face_mesh import FaceMesh
from pipeline.translation.inputs import Preparation
from pipeline.translation.output import Output
from pipeline.translation.recognition import Kind, Target
from pipeline.translation.trained_generator import open_weights
from pipeline.translation.translator import Extras, Translator
from sketchface.sheet_faces import VISIBLE, doodles, edits, face_pictures
from sketchface_models.pretrained.parsers import FaceParser
from synthetic_faces import STYLES, Rendering, render, render_parameters
from synthetic_faces.face_parameters import Parameters
from synthetic_faces.people.sampling import sample_person
from synthetic_faces.ranges import changed
from tools.face_drawings import DOODLES, DRAWINGS, draw
from tools.trained_runs import trained_runs

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
SEED = 0
SIZE = 256
ASTRONAUT_STAGES, ASTRONAUT_DRAWINGS = "astronaut-understood", "astronaut-drawn"
DRAWING, FACES_OF_DRAWINGS = "drawing", "drawings-to-faces"
MAP, FACES_OF_MAPS = "map", "maps-to-faces"
DOODLE, FACES_OF_DOODLES = "doodle", "doodles-to-faces"
EXACT = (
    *(ASTRONAUT_STAGES, ASTRONAUT_DRAWINGS, DRAWING, FACES_OF_DRAWINGS),
    *(MAP, FACES_OF_MAPS, DOODLE),
)
"""Pictures that are kept without loss."""
STYLE_CHOICES = ("1", "2", "3", "0.5,0.5,0")
"""Styles that the photo is translated to."""
UNSEEN = 1
"""Seed of faces that no generator learned from."""
MAP_FACES, STYLE_FACE = (2, 7, 12), 15
"""Those whose maps are drawn, the first as `MAP`, and whose style is taken."""
SHOWN_SIDE = 160
GROUND_TRUTH_FACES = (0, 3, 5, 9)
"""Faces shown with all their ground truth."""
PARAMETER_FACE = 12
"""The face whose parameters are varied one at a time."""
PARAMETER_ROWS = (
    ("view.yaw", (-45, -30, -15, 0, 15, 30, 45)),
    ("view.pitch", (-20, -13, -7, 0, 7, 13, 20)),
    ("mouth.smile", (-0.6, -0.3, 0, 0.25, 0.5, 0.75, 1)),
    ("mouth.opening", (0, 0.05, 0.1, 0.15, 0.2, 0.27, 0.34)),
    ("brows.raise_inner", (-1, -0.7, -0.3, 0, 0.3, 0.7, 1)),
    ("eyes.lid_left", (0, 0.2, 0.4, 0.7, 1, 1.15, 1.3)),
    ("shape.jaw", (0.85, 0.9, 0.95, 1, 1.05, 1.1, 1.15)),
    ("nose.width", (0.65, 0.8, 0.9, 1, 1.1, 1.2, 1.35)),
    ("light.azimuth", (-80, -50, -25, 0, 25, 50, 80)),
)


def main() -> None:
    """Write the pictures named on the command line, else every one."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    makers: dict[str, Callable[[], np.ndarray]] = {
        "synthetic-sheet": faces_and_drawings,
        "synthetic-truth": ground_truth,
        "synthetic-turns": parameter_rows,
        "synthetic-styles": three_styles,
        "synthetic-edits": edit_pairs,
        "synthetic-doodles": doodle_sheet,
        ASTRONAUT_STAGES: astronaut_stages,
        ASTRONAUT_DRAWINGS: astronaut_drawings,
        DRAWING: lambda: draw(DRAWINGS["smiling"]),
        FACES_OF_DRAWINGS: faces_of_drawings,
        MAP: lambda: colourise(render(UNSEEN, MAP_FACES[0], SIZE).labels),
        FACES_OF_MAPS: faces_of_maps,
        DOODLE: lambda: draw(DOODLES["curly"])[::3, ::3],
        FACES_OF_DOODLES: faces_of_doodles,
        "default-run": lambda: trained_runs(Path.cwd()),
        "pix2pix-photo": lambda: trained_runs(Path.cwd(), ["pix2pix-photo"]),
    }
    unknown = set(sys.argv[1:]) - set(makers)
    if unknown:
        sys.exit(f"{sorted(unknown)}: no such picture; allowed: {', '.join(makers)}")
    for name in sys.argv[1:] or makers:
        ending, encode = ("png", encode_png) if name in EXACT else ("jpg", encode_jpeg)
        path = PICTURES / f"{name}.{ending}"
        path.write_bytes(encode(makers[name]()))
        print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")


def faces_and_drawings() -> np.ndarray:
    """Return 64 faces, each beside its drawing, in the three styles by turns."""
    faces = (render(SEED, number, SIZE) for number in range(64))
    pairs = [[face.photo, face.sketch(STYLES[n % len(STYLES)])] for n, face in enumerate(faces)]
    return sheet(pairs, side=112, columns=8)


def ground_truth() -> np.ndarray:
    """Return a few faces with all their ground truth."""
    shown = [face_pictures(render(SEED, number, SIZE)) for number in GROUND_TRUTH_FACES]
    return sheet([list(p.values()) for p in shown], [], list(shown[0]), side=128)


def parameter_rows() -> np.ndarray:
    """Return one face, with one parameter varied in each row."""
    rows = []
    for name, values in PARAMETER_ROWS:
        plain = {"view.yaw": 0.0, "view.pitch": 0.0, "view.roll": 0.0, "mouth.opening": 0.0}
        start = changed(sample_person(SEED, PARAMETER_FACE), plain)
        rows.append([_photo(changed(start, {name: value})) for value in values])
    return sheet(rows, [f"{name}: {list(values)}" for name, values in PARAMETER_ROWS], side=144)


def three_styles() -> np.ndarray:
    """Return two large faces in the three styles."""
    return sheet([[f.photo, *_drawings(f)] for f in _large((1, 4))], side=288)


def edit_pairs() -> np.ndarray:
    """Return a pair of each edit group."""
    shown = list(islice(edits(), 11))
    return sheet(
        [list(p.values()) for _, p in shown], [t for t, _ in shown], list(shown[0][1]), side=144
    )


def doodle_sheet() -> np.ndarray:
    """Return 64 doodles."""
    return sheet([list(p.values()) for _, p in islice(doodles(), 64)], side=56, columns=16)


def astronaut_stages() -> np.ndarray:
    """Return a public photo, aligned, with its landmarks, contour, labels and depth."""
    detector = FaceMesh()
    picture = skimage.data.astronaut()
    whole = detector.detect(picture)
    assert whole is not None
    move = similarity(eyes_and_mouth(whole.landmarks), PORTRAIT.target(SIZE))
    photo = warp(picture, move, SIZE)
    detection = detector.detect(photo)
    assert detection is not None
    assert detection.mesh is not None
    marked = photo.copy()
    for x, y in detection.landmarks:
        cv2.circle(marked, (int(x), int(y)), 2, VISIBLE, cv2.FILLED, cv2.LINE_AA)
    depth = mesh_depth(detection.mesh, SIZE, DepthSettings.surround)
    shown = {
        "photo, aligned": photo,
        "68 landmarks": marked,
        "contour": draw_contour(detection.landmarks, SIZE),
        "parsing map": colourise(FaceParser("32-true").labels([photo])[0]),
        "depth": np.round(255 * depth).astype(np.uint8),
    }
    return sheet([list(shown.values())], [], list(shown), side=192)


def astronaut_drawings() -> np.ndarray:
    """Return a public photo, its depth, and its translations in several styles."""
    generator = open_weights(None)
    requirements = generator.requirements
    preparation = Preparation(requirements, requirements.depth_settings({}), "faces", "largest")
    styles = requirements.select_styles(list(STYLE_CHOICES), every=True)
    with tempfile.TemporaryDirectory() as name:
        photo, out = Path(name, "astronaut.png"), Path(name, "out")
        photo.write_bytes(encode_png(skimage.data.astronaut()))
        target = Output(out, [photo])
        target.make()
        extras = Extras(sheet=True)
        Translator(generator, preparation, styles, SHOWN_SIDE, extras, sys.exit, print)(
            [photo], target
        )
        return read_image(out / "astronaut-sheet.png")


def faces_of_drawings() -> np.ndarray:
    """Return drawings, what the generator reads in them, and the faces that it makes."""
    generator = open_weights(None, "photo")
    requirements = generator.requirements
    preparation = Preparation(requirements, None, "faces", "largest")
    styles, extras = requirements.select_styles([], every=False), Extras(inputs=True)
    with tempfile.TemporaryDirectory() as folder:
        pages = [Path(folder, f"{name}.png") for name in DRAWINGS]
        for page, drawing in zip(pages, DRAWINGS.values(), strict=True):
            page.write_bytes(encode_png(draw(drawing)))
        target = Output(Path(folder, "out"), pages)
        target.make()
        Translator(generator, preparation, styles, SIZE, extras, sys.exit, print)(pages, target)
        rows = [
            pages,
            [target.path(page, ["input"]) for page in pages],
            [target.path(page, []) for page in pages],
        ]
        return sheet([[read_image(path) for path in row] for row in rows], side=SIZE)


def faces_of_maps() -> np.ndarray:
    """Return maps, and faces made of them: plainly, in random styles, in the style of a photo."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        page, photo = Path(folder, "map.png"), Path(folder, "style.png")
        style = render(UNSEEN, STYLE_FACE, SIZE).photo
        photo.write_bytes(encode_png(style))
        for number in MAP_FACES:
            colours = colourise(render(UNSEEN, number, SIZE).labels)
            page.write_bytes(encode_png(colours))
            rows.append(
                [
                    colours,
                    *sketchface.translate(page),
                    *sketchface.translate(page, random=3),
                    style,
                    *sketchface.translate(page, style_of=photo),
                ]
            )
    titles = [
        "map",
        "of the map alone",
        *(f"random {n}" for n in (1, 2, 3)),
        "a photo",
        "its style",
    ]
    return sheet(rows, [], titles, side=SHOWN_SIDE)


def faces_of_doodles() -> np.ndarray:
    """Return doodles and faces made of them, and a public photo with doodles made of it."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.png")
        asked: list[tuple[np.ndarray, Target, Kind]] = [
            *((draw(doodle), "photo", "doodle") for doodle in DOODLES.values()),
            (skimage.data.astronaut(), "drawing", "photo"),
        ]
        for picture, to, kind in asked:
            page.write_bytes(encode_png(picture))
            plain = sketchface.translate(page, to=to, kind=kind)
            samples = sketchface.translate(page, to=to, kind=kind, random=4)
            rows.append([picture, *plain, *samples])
    titles = ["doodle or photo", "by its mean code", *(f"sample {n}" for n in (1, 2, 3, 4))]
    return sheet(rows, [], titles, side=SHOWN_SIDE)


def _photo(parameters: Parameters) -> np.ndarray:
    return render_parameters(parameters, SEED, PARAMETER_FACE, SIZE).photo


def _large(numbers: tuple[int, ...]) -> Iterator[Rendering]:
    return (render(SEED, number, 512) for number in numbers)


def _drawings(face: Rendering) -> list[np.ndarray]:
    return [face.sketch(style) for style in STYLES]


if __name__ == "__main__":
    main()
