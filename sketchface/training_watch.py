"""What `sketchface watch` shows of a training: losses, rates, time left, the newest sheet."""

from __future__ import annotations

import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import mean

from sketchface.training_logs import SPEED, VALIDATION, Step, TrainingLog, find_log, is_loss
from sketchface_models.errors import SketchFaceError

RATE = "lr_"
RECENT = 5
"""Looks at the device over which the speed is averaged."""


def watch_training(
    name: str | None, seed: int | None, every: float, show: Callable[[str], None]
) -> None:
    """Show a training again and again until it has ended.

    Args:
        name: of a run or a folder, see `find_log`.
        seed: of the training; None: any.
        every: seconds between two looks.
        show: called with the text; on a terminal it takes the place of the one before.

    Raises:
        SketchFaceError: see `find_log`.
    """
    log = find_log(name, seed)
    above = 0
    while True:
        text = status(log, shutil.get_terminal_size().columns)
        if above and sys.stdout.isatty():
            text = f"\033[{above}F\033[J{text}"
        show(text)
        above = text.count("\n") + 1
        if log.finished:
            return
        time.sleep(every)
        if not log.folder.exists():  # its outputs are written, or it was removed
            try:
                log = find_log(log.run, log.seed)
            except SketchFaceError:
                show(f"{log.title}: ended, {log.folder} is gone")
                return


def status(log: TrainingLog, columns: int = 100) -> str:
    """Return what is known of a training, in a few lines.

    Args:
        log: of it.
        columns: width of the text.
    """
    last: Step = {}
    validated: Step = {}
    for line in log.lines():
        last = line
        validated = line if any(name.startswith(VALIDATION) for name in line) else validated
    if not last:
        return f"{log.title}: no step is logged yet"
    done = last["step"] + 1
    speeds = log.speeds()
    lines = [f"{log.title}: step {done:,} of {log.steps:,} ({done / log.steps:.0%})"]
    if log.finished:
        lines[0] += ", finished"
    elif speeds:
        lines[0] += f", written {_duration(time.time() - speeds[-1]['time'])} ago"
    lines += _terms("losses", {n: v for n, v in last.items() if is_loss(n)}, columns)
    checked = {n: v for n, v in validated.items() if n.startswith(VALIDATION)}
    lines += _terms(f"validation at step {validated.get('step', 0) + 1:,}", checked, columns)
    lines += _terms(
        "learning rates", {n: v for n, v in last.items() if n.startswith(RATE)}, columns, ".3g"
    )
    if speeds:
        speed = mean(line[SPEED] for line in speeds[-RECENT:])
        left = (log.steps - done) * log.batch / max(speed, 1e-9)
        end = "" if log.finished else f", {_duration(left)} left"
        lines.append(f"  speed: {speed:.3g} images/s{end}")
    sheet: Path | None = log.sheet()
    lines.append(f"  newest sheet: {sheet or 'none yet'}")
    return "\n".join(lines)


def _terms(title: str, terms: Mapping[str, float], columns: int, form: str = ".4f") -> list[str]:
    """`title: a 0.1  b 0.2`, wrapped; nothing for no terms."""
    if not terms:
        return []
    words = "  ".join(f"{name}\u00a0{value:{form}}" for name, value in terms.items())
    wrapped = textwrap.wrap(
        f"{title}: {words}",
        max(columns, 40),
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\u00a0", " ") for line in wrapped]


def _duration(seconds: float) -> str:
    """`7 s`, `5:07` or `2:05:07`."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if minutes else f"{rest} s"
