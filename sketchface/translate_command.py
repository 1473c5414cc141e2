"""`sketchface translate`: its arguments, its help, and what it prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sketchface.generator_options import (
    Depth,
    DepthPath,
    Nearer,
    Weights,
    check_size,
    depth_changes,
)
from sketchface_models.errors import INTERRUPTED_STATUS, SketchFaceError, printable

if TYPE_CHECKING:
    from pipeline.translation.output import Output
    from pipeline.translation.picture_groups import Direction
    from pipeline.translation.translator import Result, Translator


def translate(
    pictures: Annotated[
        list[Path],
        typer.Argument(
            metavar="PICTURE...",
            help="Photos, line drawings or parsing maps, and folders of them.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("-o", help="A folder for NAME.png, or a .png file.", show_default=False),
    ],
    to: Annotated[
        Literal["sketch", "photo", "drawing"] | None,
        typer.Option(
            help="What is made of them.",
            show_default="what the weights draw; without weights a sketch of a photo, a photo of "
            "anything else",
        ),
    ] = None,
    kind: Annotated[
        Literal["photo", "contour", "map", "doodle", "sketch"] | None,
        typer.Option(
            "--from",
            help="What all pictures are: photos or shaded drawings (sketch) of faces, or line "
            "drawings (contour), parsing maps or doodles of one face each.",
            show_default="each is recognised by itself",
        ),
    ] = None,
    style: Annotated[
        list[str] | None,
        typer.Option(
            help="A style (1, 2 ...) or a weight for each (0.5,0.5,0); again for several drawings.",
            show_default="the first; all of them with --sheet",
        ),
    ] = None,
    style_of: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PHOTO",
            help="Take the style of this photo's face, where the weights know style codes; again "
            "for several results.",
            show_default=False,
        ),
    ] = None,
    random: Annotated[
        int | None,
        typer.Option(
            "--random",
            "--samples",
            metavar="N",
            help="Draw N times from random codes, the same for all faces, where the weights know "
            "codes: styles of SPADE, samples of Sketch2face.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Of --random.", show_default="0")
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
            metavar="N",
            help="Side of the results, pixels. They are enlarged or reduced to it: it adds no "
            "detail.",
            show_default="of the training photos",
        ),
    ] = None,
    paper: Annotated[
        Literal["white", "as-drawn"],
        typer.Option(help="Of sketches: white, or as grey as that of the training sketches."),
    ] = "white",
    sheet: Annotated[
        bool, typer.Option("--sheet", help="Also NAME-sheet.png: inputs and all results.")
    ] = False,
    show_input: Annotated[
        bool, typer.Option("--show-input", help="Also NAME-input.png: what the network saw.")
    ] = False,
) -> None:
    """Draw sketches of photos, and photos of line drawings, parsing maps and doodles.

    A list may mix them: each picture is recognised by itself, and without --weights each kind has a
    generator of its own.
    Every face is brought to the framing that the weights were trained in, and what is made of it is
    written to OUT/NAME.png; of several faces to NAME-1.png, NAME-2.png ..., in several styles to
    NAME-style1.png, NAME-PHOTO.png (--style-of) or NAME-random1.png ... Of a folder all that lies
    below it is read, and its sub-folders are made again below OUT; what is passed over is named.
    Files that are there are replaced, though never a picture that is read; results of earlier runs
    are told from photos and not read, unless a folder holds nothing else. A drawing may be of any
    size, in any ink on any paper: its lines are drawn anew, as thin as the training ones, and
    placed like those; what lies like them already stays where it is. A parsing map is a grey or
    indexed picture of CelebAMask-HQ's 19 classes, one in their colours, or a face's part files, of
    which one NUMBER.png is made. A doodle is a face of a few strokes (or QuickDraw's bitmap, 28
    pixels a side): it is cut out, centred, and drawn anew like those. Photos go to photos through
    the contours of their landmarks, or through their parsing maps, as the weights read them;
    shaded drawings go as photos do, unless the weights read sketches, as those of a CycleGAN. A
    picture that cannot be drawn is named with the reason; others are drawn, and the status is 1.
    """
    _check_translate(face, whole, aligned, size)

    from pipeline.translation.map_parts import collapse_parts, read_files
    from pipeline.translation.output import Output
    from pipeline.translation.picture_folders import list_pictures
    from pipeline.translation.picture_groups import Options, by_direction, open_translators
    from pipeline.translation.style_choice import StyleChoice
    from pipeline.translation.translator import Extras
    from sketchface_models.runtime import keep_freed_memory

    choice = StyleChoice(tuple(style or ()), tuple(style_of or ()), random, seed)
    listing = list_pictures(pictures, out)
    sources, faults = listing.pictures, listing.faults
    are_maps = kind in (None, "map")
    paths, names = collapse_parts(sources) if are_maps else (sources, {})
    read = read_files(sources) if are_maps else sources
    target = Output(out, [*read, *choice.photos], names, listing.folders)
    if target.file and len(paths) > 1:
        raise SketchFaceError(f"{out}: one file for {len(paths)} pictures; give -o a folder")
    for line in listing.notes:
        _print_note(line)
    for line in faults:
        _print_fault(line)
    refused: list[str] = []

    def refuse(line: str) -> None:
        refused.append(line)
        _print_fault(line)

    options = Options(
        choice=choice,
        extras=Extras(sheet, show_input),
        report=refuse,
        note=_print_note,
        paper=paper,
        view="whole" if whole else "aligned" if aligned else "faces",
        which=face or "all",
        kind=kind,
        folders=listing.folders,
        depth=depth_changes(depth, depth_path, nearer),
        size=size,
    )
    keep_freed_memory()
    groups: Mapping[Direction, Sequence[Path]] = {("photo", to): paths} if paths else {}
    if weights is None:
        groups = by_direction(paths, kind, to, refuse)
    translators = open_translators(groups, weights, options)
    if translators:
        _print_enlarged([translator for translator, _ in translators])
        target.make()
        try:
            results = [translator(some, target) for translator, some in translators]
        except KeyboardInterrupt:
            done = f"{_counted(len(target.written), 'file')} in {target.folder}"
            _print_line(f"stopped: {done}, each of them whole; the same command draws all anew")
            raise typer.Exit(INTERRUPTED_STATUS) from None
        typer.echo(printable(_summary(results, len(refused), len(paths), target)))
    if faults or refused:
        raise typer.Exit(1)


def _check_translate(face: str | None, whole: bool, aligned: bool, size: int | None) -> None:
    if whole and aligned:
        raise SketchFaceError("--whole, --aligned: give one of the two")
    if face and (whole or aligned):
        raise SketchFaceError("--face: of no use with --whole or --aligned, which choose no face")
    check_size(size, f"--size {size}")


def _print_fault(line: str) -> None:
    _print_line(f"error: {line}")


def _print_note(line: str) -> None:
    _print_line(f"note: {line}")


def _print_line(line: str) -> None:
    """Print to stderr, without breaking the progress bar."""
    from tqdm import tqdm

    with tqdm.external_write_mode():
        typer.echo(printable(line), err=True)


def _print_enlarged(translators: Sequence[Translator]) -> None:
    """Print once of each size of what is drawn that results are enlarged."""
    sizes = {
        each.generator.requirements.size: each.size
        for each in translators
        if each.size > each.generator.requirements.aligned
    }
    for side, size in sizes.items():
        detail = f"what is drawn has {side} pixels a side"
        _print_note(f"--size {size}: enlarged, without more detail; {detail}")


def _summary(results: Sequence[Result], refused: int, pictures: int, out: Output) -> str:
    generated: Counter[str] = Counter()
    for result in results:
        generated[result.target] += result.generated
    faces = sum(result.faces for result in results)
    rate = faces / max(sum(result.seconds for result in results), 1e-9)
    targets = [
        _counted(number, target, "es" if target == "sketch" else "s")
        for target, number in generated.items()
    ]
    line = f"{out.label}: {' and '.join(targets)} of {_counted(faces, 'face')}"
    line += f" in {_counted(pictures, 'picture')}"
    if refused:
        line += f"; {refused} not drawn"
    return f"{line} ({rate:.1f} faces/s)"


def _counted(number: int, noun: str, plural: str = "s") -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{plural}"
