"""What `sketchface compare` prints."""

from __future__ import annotations

from collections.abc import Sequence
from json import dumps

from pipeline.common.verdicts import LEAST_SEEDS, Scope
from pipeline.report.collect import Result
from sketchface.experiment_records import Comparison, Line
from sketchface_models.errors import printable
from sketchface_models.metrics.metric import Direction

RULE = "Verdicts are on {ours}: 95 %, Holm's correction over all {count} lines."
NETWORKS = (
    "They are on these trained networks; on systems it takes {least} seeds of each "
    "(-S seeds=[0,1,2])."
)

_LEAST_FIXED = 5e-4
"""Smaller differences are printed with an exponent."""


def as_table(comparisons: Sequence[Comparison]) -> str:
    """Return a table for each comparison, and what the verdicts mean."""
    lines: list[str] = []
    for each in comparisons:
        lines += [*_heading(each), ""]
        lines += [*_table(each), ""] if each.lines else []
    every = [line for each in comparisons for line in each.lines]
    if every:
        lines.append(RULE.format(ours="the first of each two", count=len(every)))
        if any(line.scope is Scope.NETWORKS for line in every):
            lines.append(NETWORKS.format(least=LEAST_SEEDS))
    return "\n".join(map(printable, lines)).rstrip()


def as_json(comparisons: Sequence[Comparison]) -> str:
    """Return a JSON list, laid out as `sketchface compare --help` says."""
    return dumps(
        [
            {
                "experiments": each.names,
                "runs": (each.ours.name, each.theirs.name),
                "seeds": (_seeds(each.ours), _seeds(each.theirs)),
                "protocol": each.ours.summary.protocol,
                "faces": each.ours.summary.n,
                "not_comparable": each.reason,
                "measures": [
                    {
                        "metric": line.measure.name,
                        "means": line.means,
                        "difference": line.difference,
                        "interval": (line.low, line.high),
                        "verdict": line.verdict,
                        "scope": line.scope,
                    }
                    for line in each.lines
                ],
            }
            for each in comparisons
        ],
        indent=2,
    )


def _heading(each: Comparison) -> list[str]:
    ours, theirs = each.ours, each.theirs
    runs = ours.name if ours.name == theirs.name else f"{ours.name} beside {theirs.name}"
    sides = " beside ".join(
        f"{name} (seed{'s' * (len(result.evaluations) > 1)} {', '.join(map(str, _seeds(result)))})"
        for name, result in zip(each.names, (ours, theirs), strict=True)
    )
    if each.reason:
        tags = f"{ours.summary.protocol} and {theirs.summary.protocol}"
        return [f"{runs}: {sides}", f"not comparable: {each.reason} ({tags})"]
    about = f"{ours.summary.n} faces, protocol {ours.summary.protocol}"
    return [f"{runs}: {sides}", about]


def _table(each: Comparison) -> list[str]:
    widths = [max(len(name), 9) for name in each.names]
    label = max(len(_label(line)) for line in each.lines)
    head = f"{'':{label}}  {each.names[0]:>{widths[0]}}  {each.names[1]:>{widths[1]}}"
    return [
        f"{head}  {'difference':>10}  {'95 % interval':20}  verdict",
        *(
            f"{_label(line):{label}}  {line.means[0]:>{widths[0]}.4f}  "
            f"{line.means[1]:>{widths[1]}.4f}  {_signed(line.difference):>10}  "
            f"{f'{_signed(line.low)} to {_signed(line.high)}':20}  {line.verdict}"
            for line in each.lines
        ),
    ]


def _signed(number: float) -> str:
    """`+0.0312`; what four digits would round to almost nothing with an exponent, `-3.1e-05`."""
    return f"{number:+.4f}" if number == 0 or abs(number) >= _LEAST_FIXED else f"{number:+.1e}"


def _label(line: Line) -> str:
    """`SSIM ↑`."""
    return f"{line.measure.label} {'↓' if line.measure.direction == Direction.LOWER else '↑'}"


def _seeds(result: Result) -> list[int]:
    return [each.summary.seed for each in result.evaluations]
