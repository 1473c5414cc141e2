"""Stage `faces`: ingest the data set that `data` names into `data/faces`."""

from __future__ import annotations

from pathlib import Path

from pipeline.common.data_roots import check_roots
from pipeline.common.parameters import Parameters, run_stage
from pipeline.datasets import adapter
from pipeline.faces.ingest import ingest
from pipeline.faces.whole_sets import WANTED
from sketchface_models.errors import SketchFaceError


def main(params: Parameters) -> None:
    """Read the `data` section and ingest.

    Raises:
        SketchFaceError: if the section or the data cannot be used.
    """
    data = adapter(params.value("data.name"))
    settings = params.section("data", data.Settings)
    watched = (settings.root, params.value("second_root"))
    roots = data.roots(settings)
    check_roots(roots, settings.name)
    for key, root in roots.items():
        if root not in watched:
            raise SketchFaceError(
                f"second_root: {watched[1]!r}, and {key} {root!r}; `make params` makes them agree"
            )
    ingest(data, settings, Path("data/faces"), WANTED)


if __name__ == "__main__":
    run_stage("faces", main)
