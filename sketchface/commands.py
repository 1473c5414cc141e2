"""The commands of `sketchface`: their arguments, their help, and what they print.

Each imports what it needs when it runs, so that help and errors in arguments come at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

import sketchface
from sketchface.generator_options import Depth, DepthPath, Nearer, Weights, depth_changes
from sketchface.training_commands import compare, log, watch
from sketchface.translate_command import translate
from sketchface_models.errors import SketchFaceError, printable

app = typer.Typer(
    help="Face sketch <-> photo synthesis: draw photos, look at data, score, check data sets.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


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
    depth_settings = generator.requirements.depth_settings(depth_changes(depth, depth_path, nearer))
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


@app.command(short_help="Score pictures against their references.")
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


app.command(short_help="Draw sketches of photos, photos of drawings.")(translate)
app.command(short_help="Print or export the losses of a training.")(log)
app.command(short_help="Show a running training.")(watch)
app.command(short_help="Compare experiments, with verdicts.")(compare)


@app.command(short_help="Read a data set, and say what is missing.")
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


@app.command("weights", short_help="List the weights that come with the package.")
def list_weights() -> None:
    """List the weights that come with the package: use, training data, scores, terms, hash, size.

    Exits with status 1 if a file is missing, or not the one that its card describes.
    """
    from sketchface.shipped_weights import shipped_weights

    shipped = shipped_weights()
    for each in shipped:
        typer.echo(f"{each.kind} {each.name}: {each.size / 1e6:.1f} MB, sha256 {each.sha256}")
        for line in each.lines:
            typer.echo(printable(f"  {line}"))
    faults = [each.fault for each in shipped if each.fault]
    for fault in faults:
        typer.echo(printable(f"error: {fault}"), err=True)
    if faults:
        raise typer.Exit(1)
