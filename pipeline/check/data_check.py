"""Check the data themselves before any work: that their folders are there and can be read."""

from __future__ import annotations

from pipeline.common.data_roots import check_files, check_roots
from pipeline.common.parameters import Parameters
from pipeline.datasets import adapter


def check_data(params: Parameters) -> None:
    """Refuse data folders that are not there, or that DVC could not hash.

    Raises:
        SketchFaceError: naming the parameter and the file, in one line.
    """
    data = adapter(params.value("data.name"))
    settings = params.section("data", data.Settings)
    roots = data.roots(settings)
    check_roots(roots, settings.name)
    check_files(roots)
