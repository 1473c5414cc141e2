"""`sketchface VERB`: the command line."""

from __future__ import annotations

import sys

import typer

from sketchface.figures import figures
from sketchface.peek import peek
from sketchface.plain import plain
from sketchface.score import score
from sketchface.translate import translate
from sketchface.validate import validate
from sketchface_models.errors import SketchFaceError

cli = typer.Typer(
    help="Face sketch <-> photo synthesis: draw photos, look at data, score, check data sets.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
cli.command()(figures)
cli.command()(peek)
cli.command()(score)
cli.command()(translate)
cli.command()(validate)


def main() -> None:
    """Run the command line; what the user can mend ends in one line and status 1."""
    try:
        cli()
    except SketchFaceError as error:
        for line in str(error).split("\n"):
            print(plain(f"error: {line}"), file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        where = error.filename2 or error.filename
        reason = " ".join(str(error.strerror or error).split())
        print(plain(f"error: {where}: {reason}" if where else f"error: {reason}"), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
