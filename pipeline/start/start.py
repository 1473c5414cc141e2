"""Write the starting weights of a run; a constant for runs that start from nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sketchface_models.atomic import atomic_dir, write_json

LIST_FILE = "start.json"
NOTHING: dict[str, Any] = {"parts": {}, "tensors": []}
"""What the list says of a run that starts from nothing: its training depends on nothing new."""


def start_run(
    section: Mapping[str, Any], pack: Path, pretrained: Path, seed: int, out: Path
) -> None:
    """Write the start folder of one run.

    Args:
        section: of the run, `systems.RUN`.
        pack: folder of what the run learns from.
        pretrained: folder with `RUN/SEED/weights` of the runs trained before.
        seed: of the run, and of those it starts from.
        out: the start folder, see `sketchface_models.training.starting_weights`.

    Raises:
        SketchFaceError: if a source is missing, or a part of it does not fit the run's networks.
    """
    if not section.get("pretrain"):
        with atomic_dir(out) as folder:
            write_json(folder / LIST_FILE, NOTHING)
        return

    # torch takes seconds to import, which the runs above are spared.
    from sketchface_models.systems.registry import build
    from sketchface_models.training.pack_reader import Pack
    from sketchface_models.training.starting_weights import write_start

    write_start(build(section, Pack(pack).channels), pretrained, seed, out)
