"""Progress of long work where there is no terminal, by a clock of the test's own."""

import io
import re
from collections.abc import Iterator

import pytest

from pipeline.common import progress as progress_module
from pipeline.common.progress import ProgressBar, progress


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress_module, "time", made)
    return made


def worked(clock: Clock, items: int, seconds: float) -> list[int]:
    """What comes through, each item taking so many seconds of work."""
    done = []
    for item in progress(iter(range(items)), items, "parse", "photo"):
        done.append(item)
        clock.now += seconds
    return done


def test_a_line_comes_every_minute(clock: Clock, capsys: pytest.CaptureFixture[str]):
    assert worked(clock, 30, 10.0) == list(range(30))
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.splitlines() == [
        f"parse: {6 * minute} of 30 (photo) after {60 * minute} s" for minute in range(1, 6)
    ]


def test_short_work_says_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]):
    assert worked(clock, 59, 1.0) == list(range(59))
    assert capsys.readouterr().err == ""


def test_no_minute_is_made_up_for_after_a_long_item(
    clock: Clock, capsys: pytest.CaptureFixture[str]
):
    """An item of ten minutes gives one line, and the next comes a minute later."""

    def items() -> Iterator[int]:
        for item, seconds in enumerate((1, 600, 30, 29, 1, 1)):
            clock.now += seconds
            yield item

    assert list(progress(items(), 6, "parse")) == list(range(6))
    lines = capsys.readouterr().err.splitlines()
    assert [re.findall(r"\d+", line) for line in lines] == [["2", "6", "601"], ["5", "6", "661"]]


def test_finished_items_and_a_note_stand_in_the_line(
    clock: Clock, capsys: pytest.CaptureFixture[str]
):
    with ProgressBar(10, "faces", "shard", done=4) as bar:
        clock.now += 61
        bar.update(2, "8.0 faces/s")
        bar.update(4)
    assert capsys.readouterr().err == "faces: 6 of 10 (shard) after 61 s, 8.0 faces/s\n"


def test_a_terminal_has_a_bar(monkeypatch: pytest.MonkeyPatch):
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setattr("sys.stderr", screen)
    with ProgressBar(2, "faces", "shard") as bar:
        bar.update(note="8.0 faces/s")
        bar.update()
    assert "faces: 100%" in screen.getvalue()
    assert "2/2" in screen.getvalue()
