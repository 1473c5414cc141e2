"""What all tests share: one thread, a face detector, and who runs in which process."""

import signal
from collections.abc import Iterator

import pytest
import torch
from made_faces import crop

from pipeline.landmarks.detector import Detection
from pipeline.landmarks.face_mesh import FaceMesh


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests share what they make; those of `tests/dag` a whole project, unless marked.

    All that look at this project are slow: it is made once, by `make test-slow`.
    """
    for item in items:
        if "project" in getattr(item, "fixturenames", ()) and item.path.parent.name == "dag":
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("xdist_group"):
            continue
        folder = item.path.parent.name
        item.add_marker(pytest.mark.xdist_group(folder if folder == "dag" else item.path.stem))


@pytest.fixture(scope="session", autouse=True)
def ctrl_c() -> None:
    """Let SIGINT interrupt, here and in children: shells ignore it for what runs in background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors are fastest, and sums reproducible, on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
