"""What the report says of runs that are told in which style to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.evaluate.layout import STYLES_SHEET
from pipeline.report.collect import Run
from pipeline.report.tables import FIXED, NOTHING, Table, code, count, listed, percent, plain, table
from sketchface_models.metrics.bootstrap import Interval, mean_interval


@dataclass(frozen=True)
class Styles:
    """The section on styles; texts are Markdown."""

    classifier: str
    """How well it knows real sketches; empty where no run could be asked."""
    fidelity: Table | None
    notes: tuple[str, ...]
    """Why runs have no line in the table."""


def styles(runs: Sequence[Run]) -> Styles | None:
    """The section, if a run takes a style."""
    told = [run for run in runs if "style" in run.summary]
    if not told:
        return None
    asked = [run for run in told if "note" not in run.summary["style"]]
    notes = [
        f"{code(run.name)}: {plain(run.summary['style']['note'])}"
        for run in told
        if run not in asked
    ]
    if not asked:
        return Styles("", None, tuple(notes))
    return Styles(_classifier(asked[0].summary["style"]), _table(asked), tuple(notes))


def fidelity(run: Run) -> Interval | None:
    """How often drawings are taken for the style asked for, over faces and seeds."""
    found = [each.summary.get("style", {}).get("hits") for each in run.trained]
    if not all(found):
        return None
    return mean_interval(np.stack([list(hits.values()) for hits in found]))


def styles_sheet(run: Run) -> Path | None:
    """The first seed's sheet of faces in every style, if the run has one."""
    path = run.trained[0].samples.with_name(STYLES_SHEET)
    return path if "style" in run.summary and path.exists() else None


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


def _table(runs: Sequence[Run]) -> Table:
    labels = sorted({label for run in runs for label in run.summary["style"]["rates"]}, key=int)
    rows = []
    for run in runs:
        first = run.summary["style"]
        interval = fidelity(run)
        assert interval is not None
        real = first["real"]["balanced_accuracy"]
        rows.append(
            [
                code(run.name),
                f"{percent(interval.mean)} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]",
                *(_rate(run, label) for label in labels),
                NOTHING if real is None else percent(real),
                percent(first["chance"]),
                f"{first['faces']:,} of {plain(first['source'])}",
            ]
        )
    heads = (f"asked for {label}" for label in labels)
    real = f"real sketches{FIXED}at its size"
    return table(["run", f"fidelity{FIXED}↑", *heads, real, "chance", "faces"], rows)


def _rate(run: Run, label: str) -> str:
    rates = [each.summary["style"]["rates"].get(label) for each in run.trained]
    known = [rate for rate in rates if rate is not None]
    return percent(sum(known) / len(known)) if known else NOTHING
