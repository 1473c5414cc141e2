"""What the report says of runs that take a style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.common.evaluations import STYLES_FILE
from pipeline.report.collect import Json, Result
from pipeline.report.markdown_tables import (
    FIXED,
    NOTHING,
    code,
    count,
    listed,
    percent,
    plain,
    table,
)
from pipeline.report.shares import measured
from pipeline.report.studies import FIDELITY


@dataclass(frozen=True)
class Styles:
    """The section on styles; texts are Markdown."""

    classifier: str
    """How well it knows real sketches; empty where no run could be asked."""
    fidelity: pd.DataFrame | None
    notes: tuple[str, ...]
    """Why runs have no line in the table."""


def styles(results: Sequence[Result]) -> Styles | None:
    """Return the section, if a run takes a style."""
    styled = [result for result in results if result.summary.style]
    if not styled:
        return None
    asked = [result for result in styled if "note" not in _about(result)]
    notes = tuple(
        f"{code(result.name)}: {plain(_about(result)['note'])}"
        for result in styled
        if "note" in _about(result)
    )
    if not asked:
        return Styles("", None, notes)
    return Styles(_classifier(_about(asked[0])), _table(asked), notes)


def styles_sheet(result: Result) -> Path | None:
    """Return the first seed's sheet of faces in every style, if the run has one."""
    path = result.evaluations[0].folder / STYLES_FILE
    return path if result.summary.style and path.exists() else None


def _about(result: Result) -> Json:
    return result.summary.style or {}


def _classifier(about: dict[str, Any]) -> str:
    plainly, soft = (about["classifier"][name] for name in ("as they are", "softened"))
    if not plainly["n"]:
        return "There are no real test sketches to try the classifier on."
    rates = listed(
        f"style {label} {percent(rate)}"
        for label, rate in plainly["rates"].items()
        if rate is not None
    )
    return (
        f"Of {count(plainly['n'], 'real test sketch', 'real test sketches')} it takes "
        f"{percent(plainly['accuracy'])} for their own style ({rates}; the styles' mean is "
        f"{percent(plainly['balanced_accuracy'])}), and {percent(soft['accuracy'])} once they are "
        f"as soft as drawings of half their size (mean {percent(soft['balanced_accuracy'])})."
    )


def _table(results: Sequence[Result]) -> pd.DataFrame:
    labels = sorted({label for result in results for label in _about(result)["rates"]}, key=int)
    rows = []
    for result in results:
        about = _about(result)
        real = about["real"]["balanced_accuracy"]
        rows.append(
            [
                code(result.name),
                _fidelity(result),
                *(_rate(result, label) for label in labels),
                NOTHING if real is None else percent(real),
                percent(about["chance"]),
                f"{about['faces']:,} of {plain(about['source'])}",
            ]
        )
    heads = (f"asked for {label}" for label in labels)
    real = f"real sketches{FIXED}at its size"
    return table(["run", f"fidelity{FIXED}↑", *heads, real, "chance", "faces"], rows)


def _fidelity(result: Result) -> str:
    sample = result.sample(FIDELITY.name)
    if sample is None:
        return NOTHING
    own = measured(sample, FIDELITY)
    spread = "" if own.spread is None else f"{FIXED}±{FIXED}{100 * own.spread:.1f}"
    return f"{percent(own.mean)}{spread} [{100 * own.low:.1f}, {100 * own.high:.1f}]"


def _rate(result: Result, label: str) -> str:
    rates = [(each.summary.style or {})["rates"].get(label) for each in result.evaluations]
    known = [rate for rate in rates if rate is not None]
    return percent(sum(known) / len(known)) if known else NOTHING
