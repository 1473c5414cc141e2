"""Pictures of control: vectors on planes, scores of moved contours, gradients of first layers."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pipeline.common.edit_table import GROUPS
from pipeline.common.evaluations import VECTOR_MAPS_FILE, read_frame
from pipeline.common.subsets import SubsetKind
from pipeline.common.verdicts import estimate
from pipeline.report.collect import Result
from pipeline.report.control_section import MOVES, TOLERANCE, moves_of
from pipeline.report.curves import COLOURS, GRADIENTS, SETTINGS, Curve, svg

GROUP_COLOURS = {
    "G1": "#8ecae6",
    "G2": "#cdb4e8",
    "G3": "#f4a6a1",
    "G4": "#2457c5",
    "G5": "#f28c1b",
    "G6": "#7d8021",
    "G7": "#ff70b8",
    "G8": "#8d8d8d",
    "G9": "#7a2f96",
    "G10": "#8fd66f",
    "G11": "#ecca13",
}
"""Light blue, light purple, pale red, blue, orange, olive, pink, grey, purple, light green, yellow:
the legend of Cheng et al. 2022, section 4.1."""
PANEL = 2.6
"""Side of a panel in inches."""
DPI = 110


def vector_maps(results: Sequence[Result]) -> dict[str, pd.DataFrame]:
    """Return the first seed's `VECTOR_MAPS` of each run that has them.

    Raises:
        SketchFaceError: naming the stage to run, if a file is damaged.
    """
    maps = {}
    for result in results:
        first = result.evaluations[0]
        path = first.folder / VECTOR_MAPS_FILE
        if path.exists():
            maps[result.name] = read_frame(path, f"evaluate@{result.run}-{first.summary.seed}")
    return maps


def plane_page(maps: Mapping[str, pd.DataFrame], name: str) -> bytes:
    """Draw one kind of map as PNG: a line of panels a layer, a column a run.

    The drawings of one face and group are joined to their middle: a group whose vectors do not
    move is a dot, another a star.

    Args:
        maps: run -> its `VECTOR_MAPS`.
        name: PCA or t-SNE.
    """
    own = {run: frame[frame["map"] == name] for run, frame in maps.items()}
    layers = list(dict.fromkeys(layer for frame in own.values() for layer in frame["layer"]))
    groups = [g for g in GROUPS if any((frame["group"] == g).any() for frame in own.values())]
    shape = (PANEL * len(own) + 1.9, PANEL * len(layers) + 0.3)
    with matplotlib.rc_context({"font.family": "sans-serif", "font.size": 9}):
        figure = Figure(shape, layout="constrained", facecolor="white")
        axes = figure.subplots(len(layers), len(own), squeeze=False)
        for row, layer in enumerate(layers):
            for column, (run, frame) in enumerate(own.items()):
                panel = axes[row, column]
                _stars(panel, frame[frame["layer"] == layer])
                if row == 0:
                    panel.set_title(run, fontsize=9)
                if column == 0:
                    panel.set_ylabel(layer, fontsize=9)
        handles = [
            Line2D(
                [], [], color=GROUP_COLOURS[g], marker="o", linestyle="", label=f"{g} {GROUPS[g]}"
            )
            for g in groups
        ]
        figure.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=7)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def tolerance_picture(results: Sequence[Result]) -> bytes:
    """Draw SSIM over shifts and rotations as SVG, a line a run with its 95 % intervals."""
    with matplotlib.rc_context(SETTINGS):
        figure = Figure((7.4, 2.9), layout="constrained")
        panels = figure.subplots(1, len(MOVES), sharey=True)
        for panel, kind in zip(panels, MOVES, strict=True):
            for number, result in enumerate(results):
                _tolerance_curve(panel, result, kind, COLOURS[number % len(COLOURS)])
            name, unit = MOVES[kind]
            panel.set_xlabel(f"{name} of the contour, {unit}" + (" of 512" if unit == "px" else ""))
            panel.spines[["top", "right"]].set_visible(False)
        panels[0].set_ylabel("SSIM")
        panels[0].legend(frameon=False, fontsize=8)
        return svg(figure)


def gradient_picture(curves: Sequence[Curve]) -> bytes:
    """Draw norms of gradients over training as SVG: a panel a layer, a colour a run."""
    shown = [curve for curve in curves if curve.term.startswith(GRADIENTS)]
    terms = list(dict.fromkeys(curve.term for curve in shown))
    runs = list(dict.fromkeys(curve.run for curve in shown))
    with matplotlib.rc_context(SETTINGS):
        figure = Figure((2.1 * len(terms), 2.5), layout="constrained")
        panels = figure.subplots(1, len(terms), squeeze=False, sharey=True)[0]
        for panel, term in zip(panels, terms, strict=True):
            for curve in (each for each in shown if each.term == term):
                colour = COLOURS[runs.index(curve.run) % len(COLOURS)]
                positive = np.where(curve.values > 0, curve.values, np.nan)
                panel.plot(curve.steps, positive, color=colour, linewidth=0.9, alpha=0.8)
            panel.set_yscale("log")
            panel.set_title(term.removeprefix(GRADIENTS), fontsize=9)
            panel.spines[["top", "right"]].set_visible(False)
        handles = [
            Line2D([], [], color=COLOURS[number % len(COLOURS)], label=run)
            for number, run in enumerate(runs)
        ]
        figure.legend(handles=handles, loc="outside upper center", ncols=len(runs), frameon=False)
        figure.supxlabel("step", fontsize=9)
        return svg(figure)


def _stars(panel: Axes, frame: pd.DataFrame) -> None:
    panel.set_xticks([])
    panel.set_yticks([])
    middles = frame.groupby(["face", "group"])[["x", "y"]].transform("mean").to_numpy()
    points = frame[["x", "y"]].to_numpy()
    colours = [GROUP_COLOURS[group] for group in frame["group"]]
    rays = np.stack([points, middles], axis=1)
    panel.add_collection(LineCollection(list(rays), colors=colours, linewidths=0.5))
    panel.scatter(points[:, 0], points[:, 1], c=colours, s=4, linewidths=0)


def _tolerance_curve(panel: Axes, result: Result, kind: SubsetKind, colour: str) -> None:
    chosen = [
        (far, result.sample(TOLERANCE[0], subset=subset))
        for subset, far in moves_of(result)
        if subset.kind is kind or not far
    ]
    points = sorted((far, estimate(sample)) for far, sample in chosen if sample is not None)
    x = [far for far, _ in points]
    panel.plot(x, [e.mean for _, e in points], color=colour, marker="o", ms=3, label=result.name)
    low, high = [e.low for _, e in points], [e.high for _, e in points]
    panel.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
