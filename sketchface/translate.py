"""`sketchface translate`: sketches of any photos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm

from pipeline.translation.files import Output, walked
from pipeline.translation.inputs import Preparation, View, Which
from pipeline.translation.recipe import open_weights
from pipeline.translation.translate import Account, Translator
from sketchface.options import Depth, DepthPath, Nearer, Weights, depth_changes
from sketchface_models.errors import SketchFaceError
from sketchface_models.memory import keep_freed_memory


def translate(
    photos: Annotated[
        list[Path],
        typer.Argument(metavar="PHOTO...", help="Photos, and folders of them.", show_default=False),
    ],
    out: Annotated[
        Path,
        typer.Option("-o", help="A folder for NAME.png, or a .png file.", show_default=False),
    ],
    style: Annotated[
        list[str] | None,
        typer.Option(
            help="A style (1, 2 ...) or a weight for each (0.5,0.5,0); again for several drawings.",
            show_default="the first; all of them with --sheet",
        ),
    ] = None,
    weights: Weights = None,
    face: Annotated[
        Which | None,
        typer.Option(
            help="Which of several faces; all are numbered from left to right.", show_default="all"
        ),
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Draw the picture as a whole, face or not.")
    ] = False,
    aligned: Annotated[
        bool, typer.Option("--aligned", help="Photos are framed like the training ones already.")
    ] = False,
    depth: Depth = None,
    depth_path: DepthPath = None,
    nearer: Nearer = None,
    size: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Side of the drawings, pixels.", show_default="of the training photos"
        ),
    ] = None,
    sheet: Annotated[
        bool, typer.Option("--sheet", help="Also NAME-sheet.png: photo, depth, all drawings.")
    ] = False,
) -> None:
    """Draw sketches of photos.

    Every face is brought to the framing that the weights were trained in, and its sketch is written
    to OUT/NAME.png; of several faces to NAME-1.png, NAME-2.png ..., in several styles to
    NAME-style1.png ... Files that are there are replaced, though never a photo. A photo that cannot
    be drawn is named with the reason; the others are drawn, and the status is 1.
    """
    if whole and aligned:
        raise SketchFaceError("--whole, --aligned: give one of the two")
    if face and (whole or aligned):
        raise SketchFaceError("--face: of no use with --whole or --aligned, which choose no face")
    if size is not None and not 16 <= size <= 4096:
        raise SketchFaceError(f"--size {size}: allowed: 16 to 4096")
    found, wrong = walked(photos)
    target = Output(out, found)
    if target.file and len(found) > 1:
        raise SketchFaceError(f"{out}: one file for {len(found)} photos; give -o a folder")
    for line in wrong:
        _refuse(line)
    view: View = "whole" if whole else "aligned" if aligned else "faces"
    account = Account()
    if found:
        given = depth_changes(depth, depth_path, nearer)
        translator = _translator(weights, style or [], view, face or "all", given, size, sheet)
        target.make()
        account = translator(found, target)
        _report(account, len(found), out)
    if wrong or account.refused:
        raise typer.Exit(1)


def _translator(
    weights: Path | None,
    styles: list[str],
    view: View,
    face: Which,
    depth: dict[str, Any],
    size: int | None,
    sheet: bool,
) -> Translator:
    keep_freed_memory()
    system, recipe, device = open_weights(weights)
    chosen = recipe.chosen_styles(styles, every=sheet)
    settings = recipe.depth_settings(depth)
    preparation = Preparation(recipe, settings, view, face)
    side = size or recipe.aligned
    return Translator(system, device, preparation, chosen, side, sheet, _refuse)


def _refuse(line: str) -> None:
    with tqdm.external_write_mode():
        typer.echo(f"error: {line}", err=True)


def _report(account: Account, photos: int, out: Path) -> None:
    rate = account.faces / max(account.seconds, 1e-9)
    line = f"{out}: {_counted(account.sketches, 'sketch', 'es')} of"
    line += f" {_counted(account.faces, 'face')} in {_counted(photos, 'photo')}"
    if account.refused:
        line += f"; {len(account.refused)} not drawn"
    typer.echo(f"{line} ({rate:.1f} faces/s)")


def _counted(number: int, what: str, plural: str = "s") -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}{plural}"
