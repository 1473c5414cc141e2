"""Equal baselines of all evaluations are scored once: the store's names say what went in."""

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module", autouse=True)
def store_of_modules(store: Path) -> Iterator[None]:
    """The store of what a whole file's tests share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(store))
        patch.setenv("SKETCHFACE_JOBS", "1")
        yield


@pytest.fixture(autouse=True)
def own_store(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same store for every test."""
    monkeypatch.setenv("DVC_ROOT", str(store))
    monkeypatch.setenv("SKETCHFACE_JOBS", "1")
