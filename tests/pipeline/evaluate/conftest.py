from pathlib import Path

import pytest
from made_tables import write_tables


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that nobody changes."""
    return write_tables(tmp_path_factory.mktemp("data"))
