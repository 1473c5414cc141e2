"""Numbers and foreign text as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sketchface_models.metrics.bootstrap import Interval
from sketchface_models.metrics.metric import Metric, SetMetric
from sketchface_models.metrics.registry import METRICS, SET_METRICS

MEASURES: dict[str, Metric | SetMetric] = {**METRICS, **SET_METRICS}
"""Of faces and of sets of faces, in table order."""
DECIMALS = {"psnr": 2, "parser_kernel": 4}
"""Of metrics that need other than three."""
FEW = "†"
"""Marks what was measured on too few faces for a conclusion."""
ARROWS = {"higher": "↑", "lower": "↓"}
NOTHING = "–"
FIXED = "\u00a0"
"""A space at which no line breaks."""


@dataclass(frozen=True)
class Table:
    """Cells of Markdown; the first of each row names the row."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A `Table` from any sequences.

    Raises:
        ValueError: if a row is not as long as the head.
    """
    made = Table(tuple(head), tuple(tuple(row) for row in rows))
    if any(len(row) != len(made.head) for row in made.rows):
        raise ValueError(f"a row of the table {made.head} has another length")
    return made


def plain(text: object) -> str:
    """Foreign text that Markdown shall show as it is, on one line."""
    return re.sub(r"([\\`*_{}\[\]<>|#~&$])", r"\\\1", " ".join(str(text).split()))


def code(name: object) -> str:
    """A name of the project's own (run, tag, id) in code letters."""
    return f"`{name}`"


def heading(metric: str) -> str:
    """Label of a metric with an arrow to its good end."""
    return f"{MEASURES[metric].label}{FIXED}{ARROWS[MEASURES[metric].direction]}"


def number(value: float, metric: str) -> str:
    """A metric's value, rounded as readers of the field expect."""
    return f"{value:.{DECIMALS.get(metric, 3)}f}"


def brief(interval: Interval, metric: str) -> str:
    """The mean, marked where there are too few faces."""
    few = metric in SET_METRICS and interval.n < SET_METRICS[metric].least
    return number(interval.mean, metric) + (FEW if few else "")


def ranged(interval: Interval, metric: str) -> str:
    """Mean and 95 % interval; the mean alone where one face has no interval."""
    mean = brief(interval, metric)
    low, high = (number(end, metric) for end in (interval.low, interval.high))
    return mean if interval.n == 1 else f"{mean} [{low}, {high}]"


def percent(part: float) -> str:
    """A part of 1 in percent."""
    return f"{100 * part:.1f}{FIXED}%"


def count(amount: int, singular: str, plural: str | None = None) -> str:
    """`1 face`, `1,046 faces`."""
    return f"{amount:,} {singular if amount == 1 else plural or singular + 's'}"


def listed(items: Iterable[object]) -> str:
    """`a, b, c`."""
    return ", ".join(str(item) for item in items)


def distinct(values: Iterable[object]) -> str:
    """Foreign values without repetitions, in their order."""
    return "; ".join(dict.fromkeys(plain(value) for value in values))
