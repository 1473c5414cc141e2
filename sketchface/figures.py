"""`sketchface figures`: what a HIDA generator does with a photo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.translation import figures as draw
from pipeline.translation.inputs import Preparation
from pipeline.translation.recipe import open_weights
from sketchface.options import Depth, DepthPath, Nearer, Weights, depth_changes
from sketchface_models.atomic import atomic_file
from sketchface_models.errors import SketchFaceError


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
    if out.exists() and not out.is_dir():
        raise SketchFaceError(f"{out}: a file; give -o a folder")
    system, recipe, device = open_weights(weights)
    given = depth_changes(depth, depth_path, nearer)
    (chosen,) = recipe.chosen_styles([style] if style else [], every=False)
    preparation = Preparation(recipe, recipe.depth_settings(given), "faces", face)
    (prepared,) = preparation(photo)
    if isinstance(prepared, str):
        raise SketchFaceError(f"{photo}: {prepared}")
    pictures = {"maps": draw.maps_figure(system, device, recipe, (prepared, chosen), layer or [])}
    if sum(1 for count in recipe.styles.values() if count) > 1:
        pictures["styles"] = draw.styles_figure(system, device, recipe, prepared)
    for kind, picture in pictures.items():
        path = out / f"{photo.stem}-{kind}.png"
        with atomic_file(path) as temporary:
            temporary.write_bytes(picture)
        typer.echo(path)
