from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from made_packs import write_pack


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny tensors are fastest, and sums reproducible, on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 faces of 64 px: 16 to train on, 4 to validate, 4 to test."""
    return write_pack(tmp_path_factory.mktemp("made") / "pack")
