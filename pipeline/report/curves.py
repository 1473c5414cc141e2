"""The losses of a training: thinned to what a plot can show, as rows and as pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.report.collect import Result, read_steps

POINTS = 200
"""Most points a training term keeps."""
VALIDATION = "val_"
GRADIENTS = "grad_"
"""Terms that are norms of gradients; they stand in the section on control."""
LOCKED = "locked_"
"""Terms that are 1 where a network did not learn, by a timer or a lock, and else 0: shaded, and no
panel of their own."""
SHADES = {"discriminator": "#7c8894", "generator": "#e0a100"}
"""Of the steps in which a network did not learn."""
COLOURS = ("#3b6fb6", "#c2571a", "#2f8f5b", "#9356a8", "#b3263f", "#7a6a14")
"""Of the seeds; each readable on white and on near-black."""
INK = "#123456"
"""Stands for the page's text colour while the picture is drawn."""
STYLE = "<style>svg{color:#33383d}@media (prefers-color-scheme:dark){svg{color:#d5d9de}}</style>"
SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "sketchface",  # a random one would change the bytes from time to time
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": INK,
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
}


@dataclass(frozen=True)
class Curve:
    """One term of one training: steps (P,) ascending, values (P,)."""

    run: str
    seed: int
    term: str
    steps: np.ndarray
    values: np.ndarray


def curves(result: Result) -> list[Curve]:
    """Return every term of every seed, thinned, in the order in which terms first appear."""
    thinned = []
    for each in result.trainings:
        for term, (steps, values) in _terms(each.steps).items():
            if term.startswith(LOCKED):
                steps, values = turns(steps, values)
            elif not term.startswith(VALIDATION):
                steps, values = thin(steps, values)
            thinned.append(Curve(result.run, each.seed, term, steps, values))
    return thinned


def thin(
    steps: np.ndarray, values: np.ndarray, points: int = POINTS
) -> tuple[np.ndarray, np.ndarray]:
    """Return at most `points` points: means of consecutive values in equal bins, at the last step.

    So the last step stays, and nothing between two points is lost from the mean.

    Args:
        steps: (N,) ascending, N >= 1.
        values: (N,).
        points: most points that are kept.
    """
    ends = np.linspace(0, len(steps), min(points, len(steps)) + 1).round().astype(int)
    starts, ends = ends[:-1], ends[1:]
    return steps[ends - 1], np.add.reduceat(values, starts) / (ends - starts)


def turns(steps: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last point, and those at which a value is another than before.

    Args:
        steps: (N,) ascending, N >= 1.
        values: (N,).
    """
    turning = np.concatenate([[True], values[1:] != values[:-1]])
    turning[-1] = True
    return steps[turning], values[turning]


def locks(curves: Sequence[Curve]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return network -> steps (P,) ascending, and from there on 1 where it learned in no seed.

    Of networks that ever did not learn in any seed, be it by a timer or a lock; where the seeds
    differ, 0.
    """
    intervals = {}
    for term in dict.fromkeys(curve.term for curve in curves if curve.term.startswith(LOCKED)):
        seeds = [curve for curve in curves if curve.term == term]
        if any(curve.values.any() for curve in seeds):
            steps = np.unique(np.concatenate([curve.steps for curve in seeds]))
            intervals[term.removeprefix(LOCKED)] = steps, np.min([_at(c, steps) for c in seeds], 0)
    return intervals


def _at(curve: Curve, steps: np.ndarray) -> np.ndarray:
    """Return the values of a curve of `turns` at other steps, (P,)."""
    return curve.values[np.searchsorted(curve.steps, steps, side="right") - 1]


def picture(curves: list[Curve]) -> bytes:
    """Return the curves of one run as SVG bytes: one panel a term, one colour a seed.

    Where networks did not learn, in all seeds alike, the panels are shaded.
    """
    locked = locks(curves)
    terms = [term for term in dict.fromkeys(c.term for c in curves) if not term.startswith(LOCKED)]
    columns = max(1, min(3, len(terms)))
    rows = max(1, -(-len(terms) // columns))
    with matplotlib.rc_context(SETTINGS):
        figure = Figure((3.4 * columns, 2.3 * rows), layout="constrained")
        for panel, term in enumerate(terms, 1):
            axes = figure.add_subplot(rows, columns, panel)
            _panel(axes, term, [curve for curve in curves if curve.term == term])
            _shade(axes, locked)
            if panel == 1 and (locked or len({curve.seed for curve in curves}) > 1):
                axes.legend(frameon=False, fontsize=8)
        figure.supxlabel("step", fontsize=9)
        return svg(figure)


def svg(figure: Figure) -> bytes:
    """Return a figure, made under `SETTINGS`, as SVG bytes.

    It follows the reader's light or dark setting, and equal figures make equal bytes.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue().decode().replace(INK, "currentColor")
    return text.replace("<defs>", STYLE + "<defs>", 1).encode()


def data_uri(picture: bytes, kind: str) -> str:
    """Return a picture as an address inside the page itself; `kind` as in `image/svg+xml`."""
    return f"data:{kind};base64,{base64.b64encode(picture).decode()}"


def _panel(axes: Axes, term: str, curves: list[Curve]) -> None:
    axes.set_title(term, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    for index, curve in enumerate(curves):
        axes.plot(
            curve.steps,
            curve.values,
            color=COLOURS[index % len(COLOURS)],
            linewidth=1.2,
            marker="o" if len(curve.steps) == 1 else "",
            label=f"seed {curve.seed}",
        )


def _shade(axes: Axes, locked: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    for network, (steps, values) in locked.items():
        if not values.any():
            continue
        axes.fill_between(
            steps,
            0,
            1,
            where=values > 0,
            step="post",
            transform=axes.get_xaxis_transform(),
            color=SHADES.get(network, INK),
            alpha=0.25,
            linewidth=0,
            label=f"{network} does not learn",
        )


def _terms(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Term -> steps and values of a whole training."""
    collected: dict[str, tuple[list[int], list[float]]] = {}
    for step, terms in read_steps(path):
        for term, value in terms.items():
            steps, values = collected.setdefault(term, ([], []))
            steps.append(step)
            values.append(value)
    return {
        term: (np.array(steps), np.array(values)) for term, (steps, values) in collected.items()
    }
