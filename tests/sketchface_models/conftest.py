from pathlib import Path

import pytest
from made_packs import write_pack, write_unpaired_pack


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 faces of 64 px: 16 to train on, 4 to validate, 4 to test."""
    return write_pack(tmp_path_factory.mktemp("made") / "pack")


@pytest.fixture(scope="session")
def unpaired_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The photos of `pack`, and the sketches of two thirds of its faces, as two domains."""
    return write_unpaired_pack(tmp_path_factory.mktemp("made") / "unpaired")
