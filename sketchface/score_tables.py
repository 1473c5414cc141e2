"""What `sketchface score` prints: JSON for programs, tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from json import dumps
from typing import Any

from pipeline.common.verdicts import LEAST_FACES, Verdict
from sketchface.folder_scores import Scores, compared
from sketchface.score_options import RANK_1
from sketchface_models.errors import printable
from sketchface_models.metrics.registry import METRICS, SET_METRICS

LABELS = {
    **{name: metric.label for name, metric in METRICS.items()},
    RANK_1: "rank-1",
    **{name: metric.label for name, metric in SET_METRICS.items()},
}


def as_json(folders: Sequence[Scores], per_image: bool) -> str:
    """Return one JSON object, laid out as `sketchface score --help` says."""
    parts = {scores.folder: _json_part(scores, per_image) for scores in folders}
    result: dict[str, Any] = {"protocol": folders[0].protocol.tag}
    if len(folders) == 1:
        result |= parts[folders[0].folder]
    else:
        result["folders"] = parts
        result["verdicts"] = [
            {"ours": ours, "theirs": theirs, "metric": metric, "verdict": word}
            for ours, theirs, metric, word in compared(folders)
        ]
    text = dumps(result, indent=2, ensure_ascii=False, allow_nan=False)
    # Names that are no valid Unicode, as JSON escapes.
    return text.encode("utf-8", "backslashreplace").decode()


def as_table(folders: Sequence[Scores], per_image: bool) -> str:
    """Return the same for people: one line a measure, what did not match, and verdicts."""
    lines: list[str] = []
    for scores in folders:
        lines += [f"{scores.folder}:", ""] if len(folders) > 1 else []
        lines += [*_lines(scores), ""]
        if per_image:
            lines += [*_image_lines(scores), ""]
    words = compared(folders)
    if words:
        lines += ["Of these pictures, name by name (95 %, Holm's correction over all lines):"]
        lines += [f"  {_verdict(*each)}" for each in words]
        if len(folders[0].pairs) < LEAST_FACES:
            lines.append(f"fewer than {LEAST_FACES} pairs decide nothing")
    return "\n".join(map(printable, lines)).rstrip()


def _verdict(ours: str, theirs: str, metric: str, word: str) -> str:
    """Return `a is better than b by SSIM`, or `a and b: undecided by SSIM`."""
    if word == Verdict.UNDECIDED:
        return f"{ours} and {theirs}: {word} by {LABELS[metric]}"
    return f"{ours} is {word} than {theirs} by {LABELS[metric]}"


def _json_part(scores: Scores, per_image: bool) -> dict[str, Any]:
    part: dict[str, Any] = {
        "n": len(scores.pairs),
        "metrics": {
            name: {"mean": each.mean, "low": each.low, "high": each.high}
            for name, each in scores.means().items()
        },
        "missing": scores.missing,
        "extra": scores.extra,
    }
    if per_image:
        part["per_image"] = {
            name: {metric: values[i] for metric, values in scores.values.items()}
            for i, name in enumerate(scores.pairs)
        }
    return part


def _lines(scores: Scores) -> list[str]:
    width = max((len(LABELS[name]) for name in scores.samples), default=0) + 2
    lines = [f"{'metric':{width}} {'mean':>9}   95 % interval", ""] if scores.samples else []
    for name, each in scores.means().items():
        metric = METRICS.get(name) or SET_METRICS.get(name)
        arrow = "↓" if metric and metric.direction == "lower" else "↑"
        interval = f"{each.mean:9.4f}   {each.low:.4f} to {each.high:.4f}"
        lines.append(f"{LABELS[name] + ' ' + arrow:{width}} {interval}")
    lines += [""] if lines else []
    lines.append(f"{len(scores.pairs)} pairs, protocol {scores.protocol.tag}")
    if not scores.samples:
        lines.append("nothing is measured: a distance between sets takes two pairs")
    elif len(scores.pairs) == 1:
        lines.append("one pair has no interval: the bounds are its value")
    expected = len(scores.pairs) + len(scores.missing)
    for names, what in (
        (scores.missing, f"of {expected} references without a result"),
        (scores.extra, "results without a reference"),
    ):
        if names:
            lines.append(f"{len(names)} {what}: {', '.join(names)}")
    return lines


def _image_lines(scores: Scores) -> list[str]:
    width = max(len(name) for name in [*scores.pairs, "name"])
    head = f"{'name':{width}}" + "".join(f"{metric:>10}" for metric in scores.values)
    return [head] + [
        f"{name:{width}}" + "".join(f"{values[i]:10.4f}" for values in scores.values.values())
        for i, name in enumerate(scores.pairs)
    ]
