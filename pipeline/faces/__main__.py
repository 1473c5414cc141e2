"""Stage `faces`: ingest the data set that `data` names into `data/faces`."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.common.parameters import Parameters, run_stage
from pipeline.datasets import adapter
from pipeline.faces.ingest import ingest
from sketchface_models.errors import SketchFaceError


def main(params: Parameters) -> None:
    """Read the `data` section and ingest.

    Raises:
        SketchFaceError: if the section or the data cannot be used.
    """
    data = adapter(params.value("data.name"))
    settings = params.section("data", data.Settings)
    watched = (settings.root, params.value("second_root"))
    for key, root in data.roots(settings).items():
        if not os.path.isdir(root):  # noqa: PTH112 - says no where Path raises
            raise SketchFaceError(
                f"{key}: {root!r} is no folder; set it to where {settings.name} lies"
            )
        if root not in watched:
            raise SketchFaceError(
                f"second_root: {watched[1]!r}, and {key} {root!r}; `make params` makes them agree"
            )
    ingest(data, settings, Path("data/faces"))


if __name__ == "__main__":
    run_stage("faces", main)
