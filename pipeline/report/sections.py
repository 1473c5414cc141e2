"""The section of one run: scores beside the baselines', where they come from, what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.common.records import BASELINES, STYLED, Method, MissingFace
from pipeline.common.subsets import ALL
from pipeline.report.collect import RANK_MEASURES, RANKS, Result, without_file
from pipeline.report.findings import ALL_SEEDS, against_baselines, chance, not_learned, of_networks
from pipeline.report.markdown_tables import (
    NOTHING,
    code,
    count,
    distinct,
    grid,
    heading,
    listed,
    number,
    percent,
    plain,
    ranged,
    table,
)
from sketchface_models.systems.registry import SYSTEMS

SETTINGS = ("network", "loss", "conditional", "augment", "schedule")
"""Sections of a model's configuration that a report shows."""
SEES_TARGET = " (*sees the target*)"
MOST_NAMED = 3
"""Missing faces named beside their number; all of them stand in a list of their own."""
CLASS_COLUMNS = ("f1", "iou", "recall", "precision")


@dataclass(frozen=True)
class Section:
    """What the report says of one result; texts are Markdown."""

    name: str
    maps: str
    system: str
    about: str
    """What the system is; empty where an earlier run of it has it, and if nobody has said."""
    seeds: str
    partners: str
    """Where test faces have no partner: what was compared; else empty."""
    reasons: tuple[str, ...]
    """Why it has not learned; empty if it has."""
    protocol: str
    scores: pd.DataFrame
    verdicts: pd.DataFrame | None
    networks: bool
    """Whether the verdicts are on these trained networks and not on the system."""
    subsets: pd.DataFrame | None
    classes: pd.DataFrame | None
    """Of label maps: a line for each class that the truth has."""
    missing: tuple[str, ...]
    """One line for each kind of test face that could not be generated."""
    missing_count: int
    provenance: tuple[tuple[str, str], ...]


def sections(results: Sequence[Result], numbers: pd.DataFrame) -> Iterator[Section]:
    """Yield the section of every result.

    Args:
        results: in the order of the report.
        numbers: their `findings.estimates`.
    """
    explained: set[str] = set()
    for result in results:
        system = system_of(result)
        own = numbers[
            (numbers["run"] == result.run)
            & (numbers["output"] == result.summary.output)
            & (numbers["seed"] == ALL_SEEDS)
            & numbers["subset"].isin([str(subset) for subset in result.subsets])
            & numbers["metric"].isin([*RANKS, *(measure.name for measure in result.measures)])
        ]
        yield _section(result, own, "" if system in explained else described(system))
        explained.add(system)


def system_of(result: Result) -> str:
    """Return the name of the system that was trained."""
    return str(result.trainings[0].card["model"]["system"])


def described(system: str) -> str:
    """Return what a system is and whose, in Markdown; empty where nobody has said."""
    known = SYSTEMS.get(system)
    if known is None or not known.description:
        return ""
    source = f" Source: {known.source}." if known.source else ""
    return f"{known.description}{source}"


def mapping(result: Result) -> str:
    """Return what a run turns into what: `photo → sketch`."""
    summary = result.summary
    mark = SEES_TARGET if summary.sees_target else ""
    return f"{listed(summary.inputs)} → {summary.target}{mark}"


def label(result: Result) -> str:
    """Return a result's name, marked where it sees the target."""
    return code(result.name) + (SEES_TARGET if result.summary.sees_target else "")


def reasons(result: Result) -> tuple[str, ...]:
    """Return why a system has not learned, with the seeds where not all agree; () if it has."""
    return tuple(
        plain(reason) + (f" (seed {listed(seeds)} only)" if len(seeds) < len(result.seeds) else "")
        for reason, seeds in not_learned(result).items()
    )


def settings(model: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return section -> its settings in one line, for those sections that the model has.

    Args:
        model: configuration, as the card of its weights has it.
    """
    shown = [(name, model[name]) for name in SETTINGS if model.get(name)]
    return [
        (
            name,
            listed(f"{plain(key)} {plain(value)}" for key, value in section.items())
            if isinstance(section, Mapping)
            else plain(section),
        )
        for name, section in shown
    ]


def _section(result: Result, numbers: pd.DataFrame, about: str) -> Section:
    missing = result.summary.missing
    comparisons = against_baselines(result)
    return Section(
        name=result.name,
        maps=mapping(result),
        system=system_of(result),
        about=about,
        seeds=_seeds(result),
        partners=_partners(result),
        reasons=reasons(result),
        protocol=result.summary.protocol,
        scores=_scores(result, numbers),
        verdicts=_verdicts(result, comparisons),
        networks=of_networks(comparisons),
        subsets=_subsets(result, numbers),
        classes=_classes(result),
        missing=tuple(_missing(missing)),
        missing_count=len(missing),
        provenance=tuple(_provenance(result)),
    )


def _partners(result: Result) -> str:
    if result.partners:
        return ""
    summary = result.summary
    (source,) = summary.inputs
    return (
        f"The test faces have no partner: no {summary.target} says how right the one that is "
        f"generated from a {source} is, so no face is scored by itself, none is looked up, and it "
        f"is not asked whether the run has learned. {summary.n:,} generated pictures are compared, "
        f"as a set, with {summary.references:,} real ones of other faces."
    )


def _seeds(result: Result) -> str:
    return f"{count(len(result.seeds), 'seed')} ({listed(result.seeds)})"


def _scores(result: Result, numbers: pd.DataFrame) -> pd.DataFrame:
    """The system and its baselines, a column a measure."""
    whole = numbers[numbers["subset"] == str(ALL)]
    mark = SEES_TARGET if result.summary.sees_target else ""
    names = {str(method): words for method, words in BASELINES.items()}
    names |= {str(method): f"{result.name} {words}" for method, words in STYLED.items()}
    names[str(Method.SYSTEM)] = f"**{result.name}**, {count(len(result.seeds), 'seed')}{mark}"
    cells = [
        percent(line["mean"]) if line["metric"] in RANKS else ranged(line)
        for _, line in whole.iterrows()
    ]
    lines = whole.assign(cell=cells, name=whole["method"].map(names))
    if not result.retrieved:
        return grid(lines, "name", "cell", result.measures)
    ranks = {
        heading(m): f"{heading(m)} (chance {percent(chance(result, RANKS[m.name]))})"
        for m in RANK_MEASURES
    }
    return grid(lines, "name", "cell", [*result.measures, *RANK_MEASURES]).rename(columns=ranks)


def _verdicts(result: Result, comparisons: pd.DataFrame) -> pd.DataFrame | None:
    if comparisons.empty:
        return None
    names = {str(method): f"… than {words}" for method, words in BASELINES.items()}
    return grid(
        comparisons.assign(name=comparisons["theirs"].map(names)),
        "name",
        "verdict",
        result.measures,
    )


def _subsets(result: Result, numbers: pd.DataFrame) -> pd.DataFrame | None:
    """The system's scores on all test faces and on those of each subset."""
    if len(result.subsets) == 1:
        return None
    own = numbers[(numbers["method"] == str(Method.SYSTEM)) & ~numbers["metric"].isin(RANKS)]
    lines = own.assign(cell=[ranged(line) for _, line in own.iterrows()])
    scores = grid(lines, "subset", "cell", result.measures).rename(columns={"": "test faces"})
    faces = result.evaluations[0].faces
    sizes = {str(subset): int(subset.mask(faces).sum()) for subset in result.subsets}
    scores.insert(1, "number", [f"{sizes[name]:,}" for name in scores["test faces"]])
    return scores


def _classes(result: Result) -> pd.DataFrame | None:
    """The scores of each class, over the pixels of all test faces; first seed."""
    classes = result.summary.classes
    if not classes:
        return None
    pixels = sum(each["pixels"] for each in classes)
    rows = [
        [
            each["class"],
            percent(each["pixels"] / pixels),
            *(number(each[column], column) for column in CLASS_COLUMNS),
        ]
        for each in classes
    ]
    return table(["class", "part of all pixels", "F1", "IoU", "recall", "precision"], rows)


def _missing(faces: Sequence[MissingFace]) -> list[str]:
    """`12 without lines: a, b, ...`, one for each reason."""
    by_reason: dict[str, list[str]] = {}
    for face in faces:
        by_reason.setdefault(without_file(face.reason), []).append(code(face.id))
    return [f"{len(ids)} {plain(why)}: {listed(ids)}" for why, ids in by_reason.items()]


def _scored(result: Result) -> str:
    """`1,045 of 1,046 faces; missing: a`."""
    missing = [code(face.id) for face in result.summary.missing]
    faces = result.summary.n
    beside = result.summary.references
    whole = f"{faces:,} of {count(faces + len(missing), 'face')}"
    if beside:
        whole = f"{count(faces, 'face')} beside {beside:,} of the other kind"
    if not missing:
        return whole
    rest = f" and {len(missing) - MOST_NAMED:,} more" if len(missing) > MOST_NAMED else ""
    return f"{whole}; missing: {listed(missing[:MOST_NAMED])}{rest}"


def _protocol(result: Result) -> str:
    details = result.summary.protocol_details
    networks = listed(details["networks"]) or "none"
    return (
        f"{code(result.summary.protocol)}: {plain(details['size'])} pixels, "
        f"{details['channels']}, pictures scaled {plain(details['resize'])}, "
        f"white = {details['data_range']:g}, {details['precision']}, "
        f"networks that judge: {networks}"
    )


def _each(card: Mapping[str, Any]) -> str:
    """What is said of images seen where a step sees as many of each of two domains."""
    return " of each kind" if card["model"]["task"].get("unpaired") else ""


def _provenance(result: Result) -> list[tuple[str, str]]:
    summary, cards = result.summary, [each.card for each in result.trainings]
    images = distinct(
        f"{card['steps']:,} steps, {card['images']:,} images seen{_each(card)}, at "
        f"{card['model']['task']['size']} × {card['model']['task']['size']} pixels"
        for card in cards
    )
    circumstances = [each.environment for each in result.trainings]
    sizes = listed(f"{name} {n:,}" for name, n in cards[0]["parameters"].items())
    split = f"{plain(summary.data)}, {plain(summary.split)} split"
    return [
        ("scored", f"{split}, {_scored(result)}"),
        ("protocol", _protocol(result)),
        ("trained", f"{_seeds(result)}; {images}"),
        *settings(cards[0]["model"]),
        ("parameters", sizes or NOTHING),
        ("hardware", distinct(each["hardware"] for each in circumstances)),
        ("precision", distinct(each["precision"] for each in circumstances)),
        ("torch", distinct(each["torch"] for each in circumstances)),
        ("commit", distinct(each["commit"][:12] for each in circumstances)),
    ]
