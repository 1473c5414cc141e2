"""Which tests must run in the same process when `make test` runs several."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests share what they make; those of `tests/dag` a whole project."""
    for item in items:
        folder = item.path.parent.name
        item.add_marker(pytest.mark.xdist_group(folder if folder == "dag" else item.path.stem))
