"""The commands of `sketchface`: their arguments, their help, and what they print.

Each imports what it needs when it runs, so that help and errors in arguments come at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import sketchface
from sketchface_models.errors import SketchFaceError, printable

if TYPE_CHECKING:
    from pipeline.translation.translator import Result

app = typer.Typer(
    help="Face sketch <-> photo synthesis: draw photos, look at data, score, check data sets.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Weights = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER|NAME",
        help="Weights of a run, such as data/train/hida/0, or the name of a generator that comes "
        "with the package.",
        show_default="one that comes with the package",
    ),
]
Depth = Annotated[
    Literal["facemesh", "files", "onnx"] | None,
    typer.Option(help="Where depth comes from.", show_default="as in training"),
]
DepthPath = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="files: the folder of depth pictures of the photos, of the same names and sizes. "
        "onnx: the model.",
        show_default=False,
    ),
]
Nearer = Annotated[
    Literal["high", "low"] | None,
    typer.Option(help="files, onnx: which values are near.", show_default="as in training"),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sketchface {sketchface.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Face sketch <-> photo synthesis: draw photos, look at data, score, check data sets."""


@app.command()
def figures(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="A photo with a face.")],
    out: Annotated[Path, typer.Option("-o", help="Folder for the figures.", show_default=False)],
    weights: Weights = None,
    style: Annotated[
        str | None, typer.Option(help="The style that the maps are of.", show_default="the first")
    ] = None,
    layer: Annotated[
        list[int] | None,
        typer.Option(help="A decoder layer, 0 the innermost.", show_default="the outer four"),
    ] = None,
    face: Annotated[
        Literal["largest", "central"], typer.Option(help="Which of several faces.")
    ] = "largest",
    depth: Depth = None,
    depth_path: DepthPath = None,
    nearer: Nearer = None,
) -> None:
    """Draw what happens inside, and one face in all styles.

    OUT/NAME-maps.png holds, for some decoder layers, activations and the parameters theta, gamma
    and beta that adapt them (means over channels); OUT/NAME-styles.png, where the weights know
    several styles, the face in each of them and in mixtures.
    """
    from pipeline.translation.hida_figures import write_figures
    from pipeline.translation.inputs import Preparation
    from pipeline.translation.trained_generator import open_weights

    if out.exists() and not out.is_dir():
        raise SketchFaceError(f"{out}: a file; give -o a folder")
    generator = open_weights(weights)
    depth_settings = generator.requirements.depth_settings(_changes(depth, depth_path, nearer))
    (chosen,) = generator.requirements.select_styles([style] if style else [], every=False)
    preparation = Preparation(generator.requirements, depth_settings, "faces", face)
    for path in write_figures(generator, preparation, photo, chosen, layer or [], out):
        typer.echo(path)


@app.command()
def peek(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="a stage's folder, a pack, a folder of pictures, or one of "
            "synthetic, synthetic/edits, synthetic/doodles",
        ),
    ],
    count: Annotated[int, typer.Option("-n", min=1, max=1000, help="how many to show")] = 16,
    out: Annotated[Path, typer.Option("-o", help="the PNG to write")] = Path("sheet.png"),
) -> None:
    """Draw the pictures of DIR on one sheet.

    DIR is what a stage wrote (data/faces, data/contours, data/evaluate/RUN/SEED ...), a pack, or
    any folder of pictures. Labels are shown in their palette, landmarks as dots on the photo. The
    faces shown come from all over a table or pack, the same ones each time. The names
    synthetic, synthetic/edits and synthetic/doodles show what the built-in faces consist of.
    """
    from sketchface.contact_sheet import write_contact_sheet

    typer.echo(printable(write_contact_sheet(folder, count, out)))


@app.command()
def score(
    reference_dir: Annotated[Path, typer.Argument(help="Folder of the pictures that are right.")],
    generated_dirs: Annotated[
        list[Path],
        typer.Argument(metavar="GENERATED_DIR...", help="Folders of results, one a method."),
    ],
    metrics: Annotated[
        str,
        typer.Option(
            metavar="NAME,...",
            help="Measure these alone: l1, psnr, ssim, scoot, fsim, lpips, rank_1, parser_frechet, "
            "parser_kernel, fid, kid; with --colour fsimc too.",
            show_default="all that can be measured",
        ),
    ] = "",
    match: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="How results are named, * standing for the reference's name without ending, as "
            "in '*_fake_B'; may be given several times.",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="N|WxH", help="Resize all to this size first (bicubic)."),
    ] = None,
    colour: Annotated[bool, typer.Option("--colour", help="Compare in colour.")] = False,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help='Print one JSON object: {"protocol": "score:HASH", "n": pairs, "metrics": '
            '{METRIC: {"mean", "low", "high"}}, "missing": names, "extra": names} and, with '
            '--per-image, "per_image": {NAME: {METRIC: value}}. Of several folders: {"protocol", '
            '"folders": {FOLDER: the rest}, "verdicts": [{"ours", "theirs", "metric", '
            '"verdict"}]}.',
        ),
    ] = False,
    per_image: Annotated[
        bool, typer.Option("--per-image", help="Every pair's values too.")
    ] = False,
) -> None:
    """Score pictures against references of the same name, and folders beside each other.

    Pictures are matched by file name without ending and compared in grey at their own size; a pair
    of unequal sizes is refused unless --size is given. References without a result, and results
    without a reference, are counted and named. Several folders are scored on the names that all of
    them have, and every pair of folders gets a verdict by every metric. Intervals are 95 %, over
    pairs. L1 is in 0..1; the PSNR of identical pictures, which is infinite, counts as 100 dB.
    rank_1 is how often a result's own reference is the most similar one. FID, KID and LPIPS need
    weights in models/judges/.
    """
    from sketchface.folder_scores import score_folders
    from sketchface.score_options import Options, parse_size
    from sketchface.score_tables import as_json, as_table

    options = Options(
        tuple(name.strip() for name in metrics.split(",") if name.strip()),
        None if size is None else parse_size(size),
        colour,
        tuple(match or ()),
    )
    folders = score_folders(reference_dir, generated_dirs, options)
    typer.echo(as_json(folders, per_image) if json else as_table(folders, per_image))


@app.command()
def translate(
    pictures: Annotated[
        list[Path],
        typer.Argument(
            metavar="PICTURE...",
            help="Photos or line drawings, and folders of them.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("-o", help="A folder for NAME.png, or a .png file.", show_default=False),
    ],
    to: Annotated[
        Literal["sketch", "photo"] | None,
        typer.Option(
            help="What is made of them.",
            show_default="what the weights draw; without weights a photo if the first picture is a "
            "line drawing, else a sketch",
        ),
    ] = None,
    kind: Annotated[
        Literal["photo", "contour"] | None,
        typer.Option(
            "--from",
            help="What all pictures are: photos of faces, or line drawings of one face each.",
            show_default="recognised",
        ),
    ] = None,
    style: Annotated[
        list[str] | None,
        typer.Option(
            help="A style (1, 2 ...) or a weight for each (0.5,0.5,0); again for several drawings.",
            show_default="the first; all of them with --sheet",
        ),
    ] = None,
    weights: Weights = None,
    face: Annotated[
        Literal["all", "largest", "central"] | None,
        typer.Option(
            help="Which of several faces of a photo; all are numbered from left to right.",
            show_default="all",
        ),
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Draw the picture as a whole, face or not.")
    ] = False,
    aligned: Annotated[
        bool,
        typer.Option("--aligned", help="Pictures are framed like the training ones already."),
    ] = False,
    depth: Depth = None,
    depth_path: DepthPath = None,
    nearer: Nearer = None,
    size: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Side of the results, pixels.", show_default="of the training photos"
        ),
    ] = None,
    sheet: Annotated[
        bool, typer.Option("--sheet", help="Also NAME-sheet.png: inputs and all results.")
    ] = False,
    show_input: Annotated[
        bool, typer.Option("--show-input", help="Also NAME-input.png: what the network saw.")
    ] = False,
) -> None:
    """Draw sketches of photos, and photos of line drawings.

    Every face is brought to the framing that the weights were trained in, and what is made of it is
    written to OUT/NAME.png; of several faces to NAME-1.png, NAME-2.png ..., in several styles to
    NAME-style1.png ... A drawing may be of any size, in any ink on any paper: its lines are drawn
    anew, as thin as the training ones, and placed like those; what lies like them already stays
    where it is. Photos go to photos through the contours of their landmarks. Files that are there
    are replaced, though never a picture that is read. A picture that cannot be drawn is named with
    the reason; the others are drawn, and the status is 1.
    """
    _check_translate(face, whole, aligned, size)

    from pipeline.translation.inputs import Preparation
    from pipeline.translation.output import Output, list_pictures
    from pipeline.translation.recognition import usual_target
    from pipeline.translation.trained_generator import open_weights
    from pipeline.translation.translator import Extras, Result, Translator
    from sketchface_models.runtime import keep_freed_memory

    paths, faults = list_pictures(pictures)
    target = Output(out, paths)
    if target.file and len(paths) > 1:
        raise SketchFaceError(f"{out}: one file for {len(paths)} pictures; give -o a folder")
    for line in faults:
        _print_fault(line)
    result = Result()
    if paths:
        keep_freed_memory()
        if weights is None and to is None:
            to = usual_target(paths, kind)
        generator = open_weights(weights, to)
        requirements = generator.requirements
        styles = requirements.select_styles(style or [], every=sheet)
        settings = requirements.depth_settings(_changes(depth, depth_path, nearer))
        view: Literal["whole", "aligned", "faces"] = (
            "whole" if whole else "aligned" if aligned else "faces"
        )
        preparation = Preparation(requirements, settings, view, face or "all", kind)
        side, extras = size or requirements.aligned, Extras(sheet, show_input)
        translator = Translator(generator, preparation, styles, side, extras, _print_fault)
        target.make()
        result = translator(paths, target)
        typer.echo(_summary(result, len(paths), out, requirements.target))
    if faults or result.refused:
        raise typer.Exit(1)


def _check_translate(face: str | None, whole: bool, aligned: bool, size: int | None) -> None:
    if whole and aligned:
        raise SketchFaceError("--whole, --aligned: give one of the two")
    if face and (whole or aligned):
        raise SketchFaceError("--face: of no use with --whole or --aligned, which choose no face")
    if size is not None and not 16 <= size <= 4096:
        raise SketchFaceError(f"--size {size}: allowed: 16 to 4096")


def _changes(depth: str | None, path: Path | None, nearer: str | None) -> dict[str, str]:
    """Depth settings that the command line names, by their keys in the `depth` section."""
    changes = {"backend": depth, "path": path, "nearer": nearer}
    return {key: str(value) for key, value in changes.items() if value is not None}


def _print_fault(line: str) -> None:
    from tqdm import tqdm

    with tqdm.external_write_mode():
        typer.echo(f"error: {line}", err=True)


def _summary(result: Result, pictures: int, out: Path, target: str) -> str:
    rate = result.faces / max(result.seconds, 1e-9)
    line = f"{out}: {_counted(result.generated, target, 'es' if target == 'sketch' else 's')} of"
    line += f" {_counted(result.faces, 'face')} in {_counted(pictures, 'picture')}"
    if result.refused:
        line += f"; {len(result.refused)} not drawn"
    return f"{line} ({rate:.1f} faces/s)"


def _counted(number: int, noun: str, plural: str = "s") -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{plural}"


@app.command()
def validate(
    name_or_dir: Annotated[
        str,
        typer.Argument(
            metavar="NAME|DIR", help="A data set's name, as in conf/data, or the folder itself."
        ),
    ],
    root: Annotated[
        Path | None,
        typer.Option(help="Where the data set NAME lies [default: data.root in params.yaml]."),
    ] = None,
) -> None:
    """Count a data set's files, decode every one, and say what is missing.

    Exits with status 1 if anything is missing or damaged.
    """
    from sketchface.data_sets import validate_data_set

    validation = validate_data_set(name_or_dir, root)
    for line in [*validation.lines, validation.verdict]:
        typer.echo(printable(line))
    if validation.faults:
        raise typer.Exit(1)
