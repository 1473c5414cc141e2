"""Numbers and foreign text as Markdown. A table is a frame of text; the first column names rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import pandas as pd

from pipeline.common.records import Measure

DECIMALS = {"psnr": 2, "parser_kernel": 4, "kid": 4, "fid": 2, "landmark_error": 2}
"""Of metrics that need other than three."""
FEW = "†"
"""Marks what was measured on too few faces for a conclusion."""
ARROWS = {"higher": "↑", "lower": "↓"}
NOTHING = "–"
FIXED = "\u00a0"
"""A space at which no line breaks."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> pd.DataFrame:
    """Return a table of Markdown cells.

    Raises:
        ValueError: if a row is not as long as the head.
    """
    lines = [tuple(row) for row in rows]
    if any(len(line) != len(head) for line in lines):
        raise ValueError(f"a row of the table {tuple(head)} has another length")
    return pd.DataFrame(lines, columns=list(head), dtype=object)


def grid(frame: pd.DataFrame, rows: str, values: str, measures: Sequence[Measure]) -> pd.DataFrame:
    """Return a long frame as a table: a line for each different value of `rows`, in their order.

    Args:
        frame: with the columns `metric`, `rows` and `values`.
        rows: column that names the lines.
        values: column of the cells' text.
        measures: the columns, in this order.
    """
    wide = frame.pivot(index=rows, columns="metric", values=values)
    wide = wide.reindex(index=frame[rows].unique(), columns=[each.name for each in measures])
    wide = wide.astype(object).where(wide.notna(), NOTHING)
    wide.columns = pd.Index([heading(each) for each in measures])
    return wide.rename_axis(index="").reset_index()


def plain(text: object) -> str:
    """Return foreign text so that Markdown shows it as it is, on one line."""
    return re.sub(r"([\\`*_{}\[\]<>|#~&$])", r"\\\1", " ".join(str(text).split()))


def code(name: object) -> str:
    """Return a name of the project's own (run, tag, id) in code letters."""
    return f"`{name}`"


def heading(measure: Measure) -> str:
    """Return the label of a measure with an arrow to its good end."""
    return f"{measure.label}{FIXED}{ARROWS[measure.direction]}"


def number(value: float, metric: str) -> str:
    """Return a metric's value, rounded as readers of the field expect."""
    return f"{value:.{DECIMALS.get(metric, 3)}f}"


def brief(line: pd.Series) -> str:
    """Return the mean of a line of `findings.estimates`, with the spread over several seeds."""
    mean = number(line["mean"], line["metric"]) + (FEW if line["few"] else "")
    if pd.isna(line["spread"]):
        return mean
    return f"{mean}{FIXED}±{FIXED}{number(line['spread'], line['metric'])}"


def ranged(line: pd.Series) -> str:
    """Return the same with its 95 % interval; the mean alone where one face has no interval."""
    low, high = (number(line[end], line["metric"]) for end in ("low", "high"))
    return brief(line) if line["count"] == 1 else f"{brief(line)} [{low}, {high}]"


def percent(part: float) -> str:
    """Return a part of 1 in percent."""
    return f"{100 * part:.1f}{FIXED}%"


def count(amount: int, singular: str, plural: str | None = None) -> str:
    """Return `1 face`, `1,046 faces`."""
    return f"{amount:,} {singular if amount == 1 else plural or singular + 's'}"


def listed(items: Iterable[object]) -> str:
    """Return `a, b, c`."""
    return ", ".join(str(item) for item in items)


def distinct(values: Iterable[object]) -> str:
    """Return foreign values without repetitions, in their order."""
    return "; ".join(dict.fromkeys(plain(value) for value in values))
