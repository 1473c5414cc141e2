"""What the report says of control: answers to changed drawings, faces in photos, their texture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from pipeline.common.edit_table import GROUPS
from pipeline.common.records import BASELINES, CLASS_IOU, DIVERSITY, Measure, Method
from pipeline.common.subsets import ALL, Subset, SubsetKind, edits_subset
from pipeline.common.verdicts import Sample, estimate
from pipeline.report.collect import Result
from pipeline.report.drawing_tables import DrawingTables, drawing_tables
from pipeline.report.findings import (
    ALL_SEEDS,
    Statement,
    groups,
    judge,
    of_networks,
    statements,
)
from pipeline.report.markdown_tables import (
    FIXED,
    NOTHING,
    code,
    heading,
    number,
    percent,
    ranged,
    table,
)
from pipeline.report.shares import ANSWERED, DETECTED

LEAKAGE, LANDMARK_ERROR = "leakage", "landmark_error"
SPREAD = "spread_"
TEXTURES = {
    "mouth_texture": ("mouth_gradient", "mouth: gradient energy"),
    "forehead_texture": ("forehead_variance", "forehead: variance"),
}
"""Measure of texture -> metric of the photos' own numbers, and its name."""
SCALE = 1e4
"""Numbers of texture are written times this."""
MOVES = {SubsetKind.SHIFT: ("shift", "px"), SubsetKind.ROTATION: ("rotation", "°")}
"""Kind of move -> key of its largest value in a summary, and unit."""
TOLERANCE = ("ssim", "l1")


@dataclass(frozen=True)
class ControlSection:
    """The section on control; None where no run was asked."""

    edits: pd.DataFrame | None
    """Answers and leakage, a line a run, with what the true photos do."""
    groups: pd.DataFrame | None
    """The same by group, with the changes themselves."""
    spread: pd.DataFrame | None
    """A line a run, trained and untrained, a column a layer."""
    spread_groups: pd.DataFrame | None
    landmarks: pd.DataFrame | None
    """A line a run: in how many photos a face is detected, and how far off its landmarks are."""
    texture: pd.DataFrame | None
    tolerance: pd.DataFrame | None
    classes: pd.DataFrame | None
    """Of photos parsed again: a line a class, a column a run, beside ceiling and floor."""
    diversity: pd.DataFrame | None
    """A line a run: how much pictures differ by their code, and by their face."""
    drawings: DrawingTables | None
    """Of runs that generate sketches."""
    pairs: pd.DataFrame | None
    """Verdicts on pairs of runs."""
    networks: bool
    """Whether they are of trained networks and not of systems."""


def control_section(results: Sequence[Result], numbers: pd.DataFrame) -> ControlSection | None:
    """Return the section, if control was measured of a run.

    Args:
        results: of the report.
        numbers: their `findings.estimates`.
    """
    asked = [each for each in results if each.control_measures or each.measured_subsets]
    if not asked:
        return None
    means = numbers[numbers["seed"] == ALL_SEEDS]
    edited = [each for each in asked if _has(each, LEAKAGE)]
    layered = [each for each in edited if _layers(each)]
    detected = [each for each in asked if _has(each, DETECTED)]
    textured = [each for each in asked if any(_has(each, name) for name in TEXTURES)]
    moved = [each for each in asked if moves_of(each)]
    parsed = [each for each in asked if _classes(each)]
    varied = [each for each in asked if _varieties(each)]
    comparisons = judge(_statements(asked))
    return ControlSection(
        edits=_edits(edited, means) if edited else None,
        groups=_groups(edited, means) if edited else None,
        spread=_spread(layered, means, [ALL]) if layered else None,
        spread_groups=_spread(layered, means, _group_subsets(layered)) if layered else None,
        landmarks=_landmarks(detected, means) if detected else None,
        texture=_texture(textured, means) if textured else None,
        tolerance=_tolerance(moved, means) if moved else None,
        classes=_class_table(parsed, means) if parsed else None,
        diversity=_diversity(varied, means) if varied else None,
        drawings=drawing_tables(asked),
        pairs=_pairs(comparisons, asked) if len(comparisons) else None,
        networks=of_networks(comparisons),
    )


def moves_of(result: Result) -> list[tuple[Subset, float]]:
    """Return the moves of a run's contours and how far they go, in pixels at 512 or degrees."""
    about = result.summary.control or {}
    return [
        (subset, float(subset.part) * float(about[MOVES[subset.kind][0]]))
        for subset in result.measured_subsets
        if subset.kind in MOVES
    ]


def _has(result: Result, metric: str) -> bool:
    return any(measure.name == metric for measure in result.control_measures)


def _layers(result: Result) -> list[Measure]:
    return [each for each in result.control_measures if each.name.startswith(SPREAD)]


def _group_subsets(results: Sequence[Result]) -> list[Subset]:
    present = {str(subset) for result in results for subset in result.measured_subsets}
    return [each for each in map(edits_subset, GROUPS) if str(each) in present]


def _cell(means: pd.DataFrame, result: Result, metric: str, subset: Subset, method: Method) -> str:
    """Return a value with its interval; a dash where there is none."""
    own = means[
        (means["run"] == result.run)
        & (means["output"] == result.summary.output)
        & (means["metric"] == metric)
        & (means["subset"] == str(subset))
        & (means["method"] == str(method))
    ]
    return ranged(own.iloc[0]) if len(own) else NOTHING


def _mean(sample: Sample | None, scale: float = 1.0) -> str:
    return NOTHING if sample is None else number(scale * estimate(sample).mean, "")


def _true_leakage(result: Result, subset: Subset) -> str:
    """Return what the true photos change outside by what they change inside, edit by edit."""
    inside, outside = (result.edits(f"true_{side}", subset) for side in ("inside", "outside"))
    ratios = (outside / inside.where(inside > 0)).iloc[:1].dropna(axis="columns")
    return number(float(ratios.to_numpy().mean()), "") if ratios.size else NOTHING


def _edits(results: Sequence[Result], means: pd.DataFrame) -> pd.DataFrame:
    heads = [heading(m) for m in results[0].control_measures if m.name in (ANSWERED, LEAKAGE)]
    rows = []
    for result in results:
        about = result.summary.control or {}
        cells = [_cell(means, result, name, ALL, Method.SYSTEM) for name in (ANSWERED, LEAKAGE)]
        true, counts = _true_leakage(result, ALL), f"{about['edits']}, of {about['faces']} faces"
        rows.append([code(result.name), *cells, true, counts])
    return table(["run", *heads, "leakage of the true photos", "edits"], rows)


def _groups(results: Sequence[Result], means: pd.DataFrame) -> pd.DataFrame:
    """A line a group and run: answers, leakage, and the mean changes in percent of white."""
    sides = ("inside", "outside")
    rows = []
    for subset in _group_subsets(results):
        for result in results:
            cells = [_cell(means, result, n, subset, Method.SYSTEM) for n in (ANSWERED, LEAKAGE)]
            changes = [
                _mean(result.sample_of_edits(f"{kind}{side}", subset), 100)
                for kind in ("", "true_")
                for side in sides
            ]
            rows.append([_group(subset), code(result.name), *cells, *changes])
    heads = ["edits answered", "leakage", "I, %", "O, %", "I\\*, %", "O\\*, %"]
    return table(["group", "run", *heads], rows)


def _group(subset: Subset) -> str:
    return f"{subset.part} {GROUPS[subset.part]}"


def _spread(
    results: Sequence[Result], means: pd.DataFrame, subsets: Sequence[Subset]
) -> pd.DataFrame:
    """A line a subset, run and method (trained, untrained), a column a layer."""
    layers = list({m.name: m for result in results for m in _layers(result)}.values())
    words = {Method.SYSTEM: "trained", Method.UNTRAINED: "untrained"}
    rows = [
        [
            *([_group(subset)] if subset != ALL else []),
            code(result.name),
            word,
            *(_cell(means, result, layer.name, subset, method) for layer in layers),
        ]
        for subset in subsets
        for result in results
        for method, word in words.items()
    ]
    first = ["group"] if ALL not in subsets else []
    return table([*first, "run", "network", *(each.name[len(SPREAD) :] for each in layers)], rows)


def _landmarks(results: Sequence[Result], means: pd.DataFrame) -> pd.DataFrame:
    measures = {m.name: m for result in results for m in result.control_measures}
    shown = [measures[name] for name in (DETECTED, LANDMARK_ERROR) if name in measures]
    return _line_a_run(results, means, shown)


def _line_a_run(
    results: Sequence[Result], means: pd.DataFrame, measures: Sequence[Measure]
) -> pd.DataFrame:
    """Return what the systems scored over everything, a column a measure."""
    rows = [
        [code(result.name), *(_cell(means, result, m.name, ALL, Method.SYSTEM) for m in measures)]
        for result in results
    ]
    return table(["run", *map(heading, measures)], rows)


def _texture(results: Sequence[Result], means: pd.DataFrame) -> pd.DataFrame:
    heads = ["run"]
    for _, name in TEXTURES.values():
        heads += [f"{name}, distance{FIXED}↓", "generated", "true"]
    rows = []
    for result in results:
        row = [code(result.name)]
        for measure, (metric, _) in TEXTURES.items():
            row.append(_cell(means, result, measure, ALL, Method.SYSTEM))
            row += [_mean(result.sample(name), SCALE) for name in (metric, f"true_{metric}")]
        rows.append(row)
    textures = table([str(number) for number in range(len(heads))], rows)
    return textures.set_axis(heads, axis="columns")


def _tolerance(results: Sequence[Result], means: pd.DataFrame) -> pd.DataFrame:
    """A line a run and metric, a column a move."""
    heads = {label: subset for result in results for label, subset in _labelled(result)}
    rows = []
    for metric in TOLERANCE:
        for result in results:
            own = dict(_labelled(result))
            cells = [
                _cell(means, result, metric, own[label], Method.SYSTEM) if label in own else NOTHING
                for label in heads
            ]
            measure = result.summary.measure(metric)
            rows.append([code(result.name), heading(measure), *cells])
    return table(["run", "by", *heads], rows)


def _classes(result: Result) -> list[Measure]:
    return [each for each in result.control_measures if each.name.startswith(CLASS_IOU)]


def _class_table(results: Sequence[Result], means: pd.DataFrame) -> pd.DataFrame:
    """Return the IoU of each class: of every run, the true photos and each class's mean colour."""
    measures = list({m.name: m for result in results for m in _classes(result)}.values())
    first = results[0]
    columns = [(code(result.name), result, Method.SYSTEM) for result in results]
    columns += [(BASELINES[m], first, m) for m in (Method.REAL, Method.CLASS_COLOURS)]
    rows = [
        [
            measure.name.removeprefix(CLASS_IOU),
            *(_cell(means, result, measure.name, ALL, method) for _, result, method in columns),
        ]
        for measure in measures
    ]
    return table(["class", *(head for head, _, _ in columns)], rows)


def _varieties(result: Result) -> list[Measure]:
    return [each for each in result.control_measures if each.name.startswith(DIVERSITY)]


def _diversity(results: Sequence[Result], means: pd.DataFrame) -> pd.DataFrame:
    measures = list({m.name: m for result in results for m in _varieties(result)}.values())
    return _line_a_run(results, means, measures)


def _labelled(result: Result) -> Iterator[tuple[str, Subset]]:
    """Yield the moves with what they are called in a table."""
    for subset, far in moves_of(result):
        name, unit = MOVES[subset.kind]
        yield (f"{name} {far:g}{FIXED}{unit}" if far else "not moved"), subset


def _largest(result: Result) -> list[tuple[str, Subset]]:
    """Return the largest shift and the largest rotation."""
    last = {
        subset.kind: (label, subset) for label, subset in _labelled(result) if subset.part != "0"
    }
    return list(last.values())


def _statements(results: Sequence[Result]) -> Iterator[Statement]:
    """Yield all that is said of pairs of runs: measures of control, scores of the largest moves."""
    for group in groups(results):
        for ours, theirs in combinations(group, 2):
            single = {measure.name for measure in _classes(ours)}
            measures = [each for each in ours.control_measures if each.name not in single]
            yield from statements(ours, theirs, measures)
            ssim = [each for each in ours.measures if each.name == TOLERANCE[0]]
            for _, subset in _largest(ours):
                yield from statements(ours, theirs, ssim, subset)


def _pairs(comparisons: pd.DataFrame, results: Sequence[Result]) -> pd.DataFrame:
    """A line a pair, a column a measure; and how many edits the leakage is compared by."""
    named = {result.name: result for result in results}
    columns: dict[tuple[str, str], str] = {}
    for result in results:
        for measure in result.control_measures:
            if measure in _classes(result):
                continue
            columns[measure.name, str(ALL)] = heading(measure)
        for text, subset in _largest(result):
            columns[TOLERANCE[0], str(subset)] = f"SSIM, {text}"
    rows = []
    for (ours, theirs), own in comparisons.groupby(["ours", "theirs"], sort=False):
        words = {
            (line["metric"], line["subset"]): str(line["verdict"]) for _, line in own.iterrows()
        }
        cells = [words.get(key, NOTHING) for key in columns]
        pair = f"{code(ours)} … than {code(theirs)}"
        rows.append([pair, *cells, _answered_by_both(named[ours], named[theirs])])
    return table(["pair", *columns.values(), "edits that both answer"], rows)


def _answered_by_both(ours: Result, theirs: Result) -> str:
    sides = [each.edits(LEAKAGE) for each in (ours, theirs) if _has(each, LEAKAGE)]
    if len(sides) < 2:
        return NOTHING
    first, second = (each.dropna(axis="columns").columns for each in sides)
    edits = int((ours.summary.control or {})["edits"])
    both = len(first.intersection(second))
    return f"{both} of {edits} ({percent(both / edits)})"
