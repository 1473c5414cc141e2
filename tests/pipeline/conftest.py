from pathlib import Path

import pytest
from made_tables import write_tables
from mini_data import MiniFS2K


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shard store in the test's folder, and no worker processes."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("SKETCHFACE_JOBS", "1")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder to run stages in, one process at a time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    return tmp_path


@pytest.fixture
def mini_fs2k(tmp_path: Path) -> MiniFS2K:
    return MiniFS2K(tmp_path / "FS2K")


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that no test changes."""
    return write_tables(tmp_path_factory.mktemp("data"))
