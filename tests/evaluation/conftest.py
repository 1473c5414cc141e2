from pathlib import Path

import pytest
import torch
from made_tables import write_tables


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Small pictures are not worth more, and the cores belong to others too."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that nobody changes."""
    return write_tables(tmp_path_factory.mktemp("data"))
