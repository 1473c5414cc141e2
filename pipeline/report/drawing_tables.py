"""What the report says of generated sketches: beside their inputs, their variety, their noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.common.records import Method
from pipeline.common.verdicts import Sample, estimate
from pipeline.report.collect import Result
from pipeline.report.markdown_tables import NOTHING, code, listed, number, table

EDGE_INK, PAPER_NOISE, COLOUR, VARIETY = "edge_ink", "paper_noise", "colour", "variety"
BEFORE, MAPPED, TRUE = "before_", "mapped_", "true_"
SIMILARITY = "ssim"
LEAST_GAIN = 0.1
"""By how much a sketch must be more like the target than the lines that it was made from."""


@dataclass(frozen=True)
class DrawingTables:
    """A line a run each."""

    inputs: pd.DataFrame
    """SSIM of sketch and input with the target, and whether the former lies `LEAST_GAIN` higher."""
    variety: pd.DataFrame
    """Difference between sketches of two faces by that between their inputs."""
    noise: pd.DataFrame
    """Before and after noise removal."""


def drawing_tables(results: Sequence[Result]) -> DrawingTables | None:
    """Return the tables of runs that generate sketches; None if none does."""
    own = [
        result
        for result in results
        if any(measure.name == VARIETY for measure in result.control_measures)
    ]
    if not own:
        return None
    return DrawingTables(_inputs(own), _variety(own), _noise(own))


def _inputs(results: Sequence[Result]) -> pd.DataFrame:
    heads = ["run", "input", "SSIM", "the input's", "difference", f"at least {LEAST_GAIN:g}"]
    return table(heads, [_input_row(result) for result in results])


def _input_row(result: Result) -> list[str]:
    ours = result.faces(SIMILARITY)
    theirs = result.faces(SIMILARITY, Method.INPUT).iloc[0]
    gain = (ours - theirs).dropna(axis="columns")
    measured = estimate(Sample.per_face(gain))
    word = "undecided"
    if measured.low >= LEAST_GAIN:
        word = "yes"
    elif measured.high < LEAST_GAIN:
        word = "no"
    means = (ours.to_numpy().mean(), theirs.mean(), measured.mean)
    cells = [number(float(value), SIMILARITY) for value in means]
    ends = ", ".join(number(end, SIMILARITY) for end in (measured.low, measured.high))
    name, mark = code(result.name), listed(result.summary.inputs)
    return [name, mark, *cells[:2], f"{cells[2]} [{ends}]", word]


def _variety(results: Sequence[Result]) -> pd.DataFrame:
    rows = [
        [code(result.name), _cell(result, VARIETY, ranged=True), _cell(result, TRUE + VARIETY)]
        for result in results
    ]
    return table(["run", "variety", "of the true sketches"], rows)


def _noise(results: Sequence[Result]) -> pd.DataFrame:
    columns = {
        "ink at the edges, before": BEFORE + EDGE_INK,
        "ink at the edges": EDGE_INK,
        "noise on paper, before": BEFORE + PAPER_NOISE,
        "noise on paper": PAPER_NOISE,
        "colour, before": BEFORE + COLOUR,
        "colour, before, not wrapped": MAPPED + COLOUR,
        "colour": COLOUR,
    }
    rows = [
        [code(result.name), *(_cell(result, metric) for metric in columns.values())]
        for result in results
    ]
    return table(["run", *columns], rows)


def _cell(result: Result, metric: str, ranged: bool = False) -> str:
    sample = result.sample(metric)
    if sample is None:
        return NOTHING
    own = estimate(sample)
    ends = f" [{number(own.low, '')}, {number(own.high, '')}]" if ranged else ""
    return number(own.mean, "") + ends
