"""How pictures of folders are compared: measures, size, colour, names (`sketchface score`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sketchface_models.errors import SketchFaceError
from sketchface_models.metrics.metric import (
    Extractor,
    Metric,
    SetMetric,
    weights_hash,
    why_not_measured,
)
from sketchface_models.metrics.protocol import Protocol, measures
from sketchface_models.metrics.registry import METRICS, SET_METRICS, least_side, metric_names

RANK_1 = "rank_1"


@dataclass(frozen=True)
class Options:
    """How pictures are compared.

    names: of the measures; all that can be measured if empty. target: width and height that all
    are resized to, None to compare them as they are. colour: in RGB instead of grey. patterns: of
    results' names, `*` stands for the reference's name.
    """

    names: tuple[str, ...] = ()
    target: tuple[int, int] | None = None
    colour: bool = False
    patterns: tuple[str, ...] = ()

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures that are asked for, in table order.

        Raises:
            SketchFaceError: for a name that is none, or one whose weights are missing.
        """
        channels = 3 if self.colour else 1
        possible = [*metric_names(channels, measurable=False), RANK_1, *SET_METRICS]
        every: dict[str, Metric | SetMetric] = {**METRICS, **SET_METRICS}
        lacking = {name: why_not_measured(every[name]) for name in possible if name in every}
        for name in self.names:
            if name not in possible:
                raise SketchFaceError(f"--metrics {name}: allowed: {', '.join(possible)}")
            if lacking.get(name):
                raise SketchFaceError(f"--metrics {name}: {lacking[name]}")
        return tuple(
            name
            for name in possible
            if (name in self.names if self.names else not lacking.get(name))
        )

    @property
    def pairwise(self) -> tuple[str, ...]:
        """Those of the measures that compare a picture with its reference."""
        return tuple(name for name in self.measures if name in METRICS)

    @property
    def extractors(self) -> dict[str, Extractor]:
        """Networks whose features the others compare."""
        used = [SET_METRICS[name].extractor for name in self.measures if name in SET_METRICS]
        return {each.name: each for each in used}


def parse_size(text: str) -> tuple[int, int]:
    """Return `N` or `WxH` as (width, height).

    Raises:
        SketchFaceError: for anything else, or sides that metrics are not defined for.
    """
    sides, least = text.lower().split("x"), least_side(metric_names(1))
    if len(sides) > 2 or not all(side.isascii() and side.isdigit() for side in sides):
        raise SketchFaceError(f"--size {text}: expected a side such as 250, or WxH as in 200x250")
    width, height = int(sides[0]), int(sides[-1])
    if not least <= min(width, height) <= max(width, height) <= 8192:
        raise SketchFaceError(f"--size {text}: expected sides from {least} to 8192 pixels")
    return width, height


def protocol_of(options: Options) -> Protocol:
    """Return the protocol that these options stand for: settings and hashes of all networks."""
    kind: Any = "rgb" if options.colour else "grey"
    target = options.target
    hashes = {
        name: digest
        for extractor in options.extractors.values()
        for name, digest in extractor.hashes().items()
    }
    for name in options.pairwise:
        hashes |= {file.name: weights_hash(file) for file in METRICS[name].weights}
    every = measures(kind)
    parameters = {name: each for name, each in every.items() if name in options.pairwise}
    parameters |= {"retrieval": every["retrieval"]} if RANK_1 in options.measures else {}
    parameters |= {n: SET_METRICS[n].parameters for n in options.measures if n in SET_METRICS}
    return Protocol(
        name="score",
        size="native" if target is None else f"{target[0]}x{target[1]}",
        resize="none" if target is None else "pillow-bicubic",
        channels=kind,
        networks=hashes,
        metrics=parameters,
    )
