"""The entry point of `sketchface`: run a command, end in one line what the user can mend.

Imports nothing outside the standard library before it knows that the rest is installed: a plain
`pip install sketchface` brings the model library alone.
"""

from __future__ import annotations

import sys

from sketchface_models.errors import SketchFaceError, printable

OUR_PACKAGES = {"sketchface", "pipeline", "synthetic_faces", "face_geometry", "sketchface_models"}


def main() -> None:
    """Run the command line and exit: status 1, and one line each, for what the user can mend."""
    if "" in sys.argv[1:]:  # as a path it would be the folder that the command runs in
        _fail(f"argument {sys.argv.index('', 1)} is empty; is a variable of the shell unset?")
    try:
        from sketchface.commands import app

        app()
    except SketchFaceError as error:
        _fail(*str(error).split("\n"))
    except OSError as error:
        where = error.filename2 or error.filename
        reason = " ".join(str(error.strerror or error).split())
        _fail(f"{where}: {reason}" if where else reason)
    except ImportError as error:
        missing = str(error.name).partition(".")[0]
        if missing in OUR_PACKAGES:
            raise
        if isinstance(error, ModuleNotFoundError):
            _fail(f"{missing} is not installed; run: pip install 'sketchface[pipeline]'")
        from pipeline.landmarks.face_mesh import import_remedy

        _fail(import_remedy(error))  # a shared library that a slim container lacks


def _fail(*lines: str) -> None:
    for line in lines:
        print(printable(f"error: {line}"), file=sys.stderr)
    sys.exit(1)
