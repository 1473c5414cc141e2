"""Finished work of the `baselines` stage, kept for other runs in `.cache/baselines`.

A folder's name is a hash of all that went into it and of the stage's code.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.common.code_hash import code_hash
from sketchface_models.atomic import atomic_dir


def stored(named: Sequence[str], write: Callable[[Path], None]) -> Path:
    """Return the folder of some work; have it written where it is not there.

    Args:
        named: all that the result depends on.
        write: fills an empty folder.
    """
    parts = "\0".join([*named, code_hash("pipeline.baselines.__main__")])
    key = hashlib.sha256(parts.encode()).hexdigest()[:32]
    folder = Path(os.environ.get("DVC_ROOT", "."), ".cache", "baselines", key)
    if not folder.exists():
        with atomic_dir(folder) as temporary:
            write(temporary)
    return folder
