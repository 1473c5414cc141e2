from collections.abc import Iterator
from pathlib import Path

import pytest
from made_faces import crop

from pipeline.faces.detector import Detection, FaceMesh


@pytest.fixture(scope="session")
def detector() -> Iterator[FaceMesh]:
    with FaceMesh() as running:
        yield running


@pytest.fixture(scope="session")
def astronaut(detector: FaceMesh) -> Detection:
    """What is found in `crop()`, 256 px."""
    found = detector.detect(crop())
    assert found is not None
    return found


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder to run stages in, one process at a time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.setenv("SKETCHFACE_JOBS", "1")
    return tmp_path
