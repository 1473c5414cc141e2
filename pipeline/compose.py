"""Compose `conf/` into `params.yaml`, exactly as `dvc exp run` does: `python -m pipeline.compose`.

`dvc repro` never composes and `dvc exp run` always does, so params.yaml is generated, committed,
and never edited by hand.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dvc.utils.hydra import compose_and_dump

from pipeline.common.code_hash import ROOT
from pipeline.overrides import mend_hydra
from sketchface_models.atomic import atomic_file
from sketchface_models.errors import SketchFaceError


def compose(overrides: list[str], out: Path) -> None:
    """Write the composed parameters to `out`.

    Args:
        overrides: Hydra overrides such as `model=pix2pix` or `data.size=128`.
        out: a YAML file.

    Raises:
        SketchFaceError: in one line, if an override has an unknown key or choice.
    """
    mend_hydra()
    with atomic_file(out) as temporary:
        compose_and_dump(str(temporary), str(ROOT / "conf"), None, "config", "", overrides)


if __name__ == "__main__":
    try:
        compose(sys.argv[1:], Path("params.yaml"))
    except SketchFaceError as error:
        print(f"error: compose: {error}", file=sys.stderr)
        sys.exit(1)
