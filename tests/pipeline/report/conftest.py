from pathlib import Path

import pytest
from made_runs import SHARED, write_faces, write_run

from pipeline.report.write import write_report


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two runs from three seeds: `able` learned, `hopeless` did not."""
    root = tmp_path_factory.mktemp("project")
    write_faces(root / "data", "made", shared=True)
    for seed in (0, 1, 2):
        write_run(root / "data", "able", seed, 2.0, shared=SHARED)
        write_run(root / "data", "hopeless", seed, -1.0, shared=SHARED)
    write_report(["able", "hopeless"], [0, 1, 2], root / "data", root / "reports")
    return root
