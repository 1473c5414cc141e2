"""Everything the templates need: the tables and phrases of one report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.evaluate.layout import MODEL, TRIVIAL
from pipeline.report.collect import Data, Run, kind
from pipeline.report.statistics import RANKS, WHOLE, Findings, Group
from pipeline.report.studytables import StudySection
from pipeline.report.studytables import sections as study_sections
from pipeline.report.styles import Styles, styles
from pipeline.report.systems import described, settings
from pipeline.report.tables import (
    ARROWS,
    FIXED,
    MEASURES,
    NOTHING,
    Table,
    brief,
    code,
    count,
    distinct,
    heading,
    listed,
    percent,
    plain,
    ranged,
    table,
)
from sketchface_models.metrics.bootstrap import Interval

PUBLISHED = Path(__file__).parent / "published.json"
VERDICTS = ("better", "undecided", "worse")
MOST_REASONS = 12
MOST_NAMED = 3
"""Missing faces named beside their number; all of them stand in a list of their own."""
EXPLAINED = {
    "l1": "mean difference in brightness; 0 is identical, 1 is black for white",
    "psnr": "the same difference on a logarithmic scale that punishes large errors; 20 is rough, "
    "30 close",
    "ssim": "agreement of local contrast and structure; 1 is identical",
    "scoot": "whether strokes and textures occur together as in the target; 1 is the same",
    "fsim": "agreement of the edges and lines that the eye notices first; 1 is identical",
    "fsimc": "FSIM with colour",
    "parser_frechet": "how far the drawings, as a set, lie from the targets, as a set, in what a "
    "face parser sees in them: FID's formula on its features, so not FID; 0 is the same set. It "
    "takes more than 256 faces: with fewer (†) it comes out too large, and nothing is concluded",
    "parser_kernel": "the same distance by KID's formula, which small sets do not distort; 0 is "
    "the same, and values slightly below can happen",
}


@dataclass(frozen=True)
class Section:
    """What the report says of one run; texts are Markdown."""

    name: str
    maps: str
    system: str
    about: str
    """What the system is; empty where an earlier run of it has it, and if nobody has said."""
    seeds: str
    reasons: tuple[str, ...]
    """Why it has not learned; empty if it has."""
    protocol: str
    scores: Table
    verdicts: Table
    parts: Table | None
    missing: tuple[str, ...]
    """One line for each kind of test face that could not be drawn."""
    missing_count: int
    provenance: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Comparison:
    """A group of runs that may be ranked, with its table; None for a run that stands alone."""

    runs: tuple[str, ...]
    protocol: str
    target: str
    table: Table | None


@dataclass(frozen=True)
class Published:
    """Numbers of others beside ours."""

    source: str
    protocol: str
    table: Table


@dataclass(frozen=True)
class Document:
    """One report."""

    data: Mapping[str, Any]
    faces: Table
    fields: str
    left_out: Table | None
    located: int
    photos: int
    overview: Table
    explained: tuple[tuple[str, str], ...]
    sets: bool
    """Whether distances between sets were measured."""
    sections: tuple[Section, ...]
    comparisons: tuple[Comparison, ...]
    studies: tuple[StudySection, ...]
    styles: Styles | None
    published: tuple[Published, ...]


def document(
    data: Data, runs: Sequence[Run], found: Mapping[str, Findings], groups: Sequence[Group]
) -> Document:
    """Gather the whole report.

    Args:
        data: the data set.
        runs: in the order of the report.
        found: run -> its statistics.
        groups: of runs that may be ranked.
    """
    metrics = _metrics(runs)
    return Document(
        data=data.about,
        faces=_faces(data.about),
        fields=listed(f"{name} ({n:,})" for name, n in data.about.get("fields", {}).items()),
        left_out=_left_out(data),
        located=data.located,
        photos=data.about.get("fields", {}).get("photo", 0),
        overview=_overview(runs, found, metrics),
        explained=tuple((MEASURES[m].label, EXPLAINED[m]) for m in metrics if m in EXPLAINED),
        sets=any(run.set_metrics for run in runs),
        sections=tuple(_sections(runs, found)),
        comparisons=tuple(_comparison(group) for group in groups),
        studies=tuple(study_sections(runs, found, groups, str(data.about["name"]))),
        styles=styles(runs),
        published=tuple(_published(data.about["name"], runs, found)),
    )


def _metrics(runs: Sequence[Run]) -> list[str]:
    measured = {metric for run in runs for metric in run.measures}
    return [metric for metric in MEASURES if metric in measured]


def _cells(means: Mapping[str, Interval], metrics: Sequence[str]) -> list[str]:
    return [ranged(means[m], m) if m in means else NOTHING for m in metrics]


def _maps(run: Run) -> str:
    inputs = run.trained[0].card["model"]["task"]["inputs"]
    return f"{listed(inputs)} → {run.summary['target']}"


def _faces(about: Mapping[str, Any]) -> Table:
    rows = [("offered", about["offered"]), ("left out", about["quarantined"])]
    rows += [(f"used: {split}", faces) for split, faces in about["splits"].items()]
    rows += [(f"style {style}", faces) for style, faces in about.get("styles", {}).items()]
    rows += [(f"source {plain(name)}", n) for name, n in about.get("sources", {}).items()]
    return table(("", "faces"), [(name, f"{faces:,}") for name, faces in rows])


def _left_out(data: Data) -> Table | None:
    if not data.left_out:
        return None
    shown = [(plain(why), stage, f"{n:,}") for stage, why, n in data.left_out[:MOST_REASONS]]
    rest = data.left_out[MOST_REASONS:]
    if rest:
        shown.append((f"{len(rest)} other reasons", NOTHING, f"{sum(n for *_, n in rest):,}"))
    return table(("reason", "stage", "faces"), shown)


def _overview(runs: Sequence[Run], found: Mapping[str, Findings], metrics: Sequence[str]) -> Table:
    head = ["run", "maps", "learned", "better than trivial rows", *map(heading, metrics)]
    rows = []
    for run in runs:
        each = found[run.name]
        words = [word for row in each.verdicts.values() for word in row.values()]
        means = each.pooled[MODEL][WHOLE]
        rows.append(
            [
                code(run.name),
                _maps(run),
                "**no**" if each.not_learned else "yes",
                f"{words.count('better')} of {len(words)} times",
                *(brief(means[m], m) if m in means else NOTHING for m in metrics),
                percent(each.hits[MODEL][1]),
                code(run.summary["protocol"]),
            ]
        )
    return table([*head, f"rank-1{FIXED}↑", "protocol"], rows)


def _sections(runs: Sequence[Run], found: Mapping[str, Findings]) -> Iterator[Section]:
    seen: set[str] = set()
    for run in runs:
        system = run.trained[0].card["model"]["system"]
        yield _section(run, found[run.name], "" if system in seen else described(system))
        seen.add(system)


def _section(run: Run, found: Findings, about: str) -> Section:
    missing = run.summary["missing"]
    return Section(
        name=run.name,
        maps=_maps(run),
        system=run.trained[0].card["model"]["system"],
        about=about,
        seeds=_seeds(run),
        reasons=tuple(
            plain(reason)
            + (f" (seed {listed(seeds)} only)" if len(seeds) < len(run.trained) else "")
            for reason, seeds in found.not_learned.items()
        ),
        protocol=run.summary["protocol"],
        scores=_scores(run, found),
        verdicts=_verdicts(run, found),
        parts=_parts(run, found),
        missing=tuple(_missing(missing)),
        missing_count=len(missing),
        provenance=tuple(_provenance(run)),
    )


def _seeds(run: Run) -> str:
    numbers = listed(each.seed for each in run.trained)
    return f"{count(len(run.trained), 'seed')} ({numbers})"


def _scores(run: Run, found: Findings) -> Table:
    chance = run.summary["chance"]
    ranks = [f"rank-{k}{FIXED}↑ (chance {percent(chance[f'rank_{k}'])})" for k in RANKS]
    names = TRIVIAL | {MODEL: f"**{run.name}**, {count(len(run.trained), 'seed')}"}
    rows = [
        [
            names[row],
            *_cells(found.pooled[row][WHOLE], run.measures),
            *(percent(found.hits[row][k]) for k in RANKS),
        ]
        for row in run.rows
    ]
    return table(["", *map(heading, run.measures), *ranks], rows)


def _verdicts(run: Run, found: Findings) -> Table:
    rows = [
        [f"… than {TRIVIAL[row]}", *(words.get(metric, NOTHING) for metric in run.measures)]
        for row, words in found.verdicts.items()
    ]
    return table(["", *map(heading, run.measures)], rows)


def _parts(run: Run, found: Findings) -> Table | None:
    if len(found.parts) == 1:
        return None
    rows = [
        [
            "all" if part == WHOLE else part,
            f"{faces:,}",
            *_cells(found.pooled[MODEL][part], run.measures),
        ]
        for part, faces in found.parts.items()
    ]
    return table(["test faces", "number", *map(heading, run.measures)], rows)


def _missing(faces: Sequence[Mapping[str, Any]]) -> list[str]:
    """`12 without lines: a, b, ...`, one for each reason."""
    reasons: dict[str, list[str]] = {}
    for face in faces:
        reasons.setdefault(kind(face["reason"]), []).append(code(face["id"]))
    return [f"{len(ids)} {plain(why)}: {listed(ids)}" for why, ids in reasons.items()]


def _scored(summary: Mapping[str, Any]) -> str:
    """`1,045 of 1,046 faces; missing: a`."""
    missing = [code(face["id"]) for face in summary["missing"]]
    whole = f"{summary['n']:,} of {count(summary['n'] + len(missing), 'face')}"
    if not missing:
        return whole
    rest = f" and {len(missing) - MOST_NAMED:,} more" if len(missing) > MOST_NAMED else ""
    return f"{whole}; missing: {listed(missing[:MOST_NAMED])}{rest}"


def _provenance(run: Run) -> list[tuple[str, str]]:
    summary, cards = run.summary, [each.card for each in run.trained]
    details = summary["protocol_details"]
    sizes = listed(f"{name} {n:,}" for name, n in cards[0]["parameters"].items())
    images = distinct(
        f"{card['steps']:,} steps, {card['images']:,} images seen, at "
        f"{card['model']['task']['size']} × {card['model']['task']['size']} pixels"
        for card in cards
    )
    circumstances = [each.environment for each in run.trained]
    networks = listed(details["networks"]) or "none"
    return [
        (
            "scored",
            f"{plain(summary['data'])}, {plain(summary['split'])} split, {_scored(summary)}",
        ),
        (
            "protocol",
            f"{code(summary['protocol'])}: {plain(details['size'])} pixels, {details['channels']}, "
            f"drawings scaled {plain(details['resize'])}, white = {details['data_range']:g}, "
            f"{details['precision']}, networks that judge: {networks}",
        ),
        ("trained", f"{_seeds(run)}; {images}"),
        *settings(cards[0]["model"]),
        ("parameters", sizes),
        ("hardware", distinct(each["hardware"] for each in circumstances)),
        ("precision", distinct(each["precision"] for each in circumstances)),
        ("torch", distinct(each["torch"] for each in circumstances)),
        ("commit", distinct(each["commit"][:12] for each in circumstances)),
    ]


def _comparison(group: Group) -> Comparison:
    made = None
    if group.pairs:
        metrics = list(group.pairs[0].verdicts)
        rows = [
            [f"{code(pair.ours)} … than {code(pair.theirs)}", *pair.verdicts.values()]
            for pair in group.pairs
        ]
        made = table(["", *map(heading, metrics)], rows)
    return Comparison(group.runs, group.protocol, group.target, made)


def _published(data: str, runs: Sequence[Run], found: Mapping[str, Findings]) -> list[Published]:
    """Numbers that others published for the same data and target, beside the measured ones."""
    blocks = []
    for target, block in json.loads(PUBLISHED.read_text(encoding="utf-8")).get(data, {}).items():
        ours = [run for run in runs if run.summary["target"] == target]
        if not ours:
            continue
        rows = []
        for run in ours:
            means = found[run.name].pooled[MODEL][WHOLE]
            cells = [
                ranged(means[m], m) if m in means else "not measured" for m in block["metrics"]
            ]
            rows.append([code(run.name), f"measured here, {code(run.summary['protocol'])}", *cells])
        for method, values in block["rows"]:
            cells = [f"{values[m]:.{places}f}" for m, (_, _, places) in block["metrics"].items()]
            rows.append([method, "published", *cells])
        heads = [f"{label}{FIXED}{ARROWS[end]}" for label, end, _ in block["metrics"].values()]
        made = table(["system", "origin", *heads], rows)
        blocks.append(Published(block["source"], block["protocol"], made))
    return blocks
