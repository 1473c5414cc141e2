"""What a metric declares of itself: a new one is a file that makes one of these objects.

`registry` lists the objects; beside it only the help of `sketchface score --metrics` names them.
Networks that do not ship are declared with their files (`Published`, in the metric's own module or
in `pretrained.published`; `models/judges/README.md` tells people where to get them): where a file
is missing, its metrics are not measured, and a report names the file and where it goes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import torch
from torch import Tensor

from sketchface_models.errors import SketchFaceError
from sketchface_models.pretrained.published import JUDGES, Published, check_published


class Direction(StrEnum):
    """Which end of a metric is good."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True)
class Extractor:
    """A network that turns pictures into vectors, for measures of sets of pictures.

    name: in protocols and tables of features.
    load: device -> function from (B, 1 or 3, H, W) uint8 to (B, D) float32.
    hashes: file -> SHA-256 of the weights, for protocols.
    parameters: how pictures come to the network; part of a protocol's hash.
    weights: files that must lie in `JUDGES`.
    """

    name: str
    load: Callable[[torch.device], Callable[[Tensor], Tensor]]
    hashes: Callable[[], Mapping[str, str]]
    parameters: Mapping[str, object]
    weights: tuple[Published, ...] = ()


PairFunction = Callable[[Tensor, Tensor, float], Tensor]


@dataclass(frozen=True)
class Metric:
    """A metric on pairs of pictures: one value for each face.

    function: (reference, generated, data_range) -> (B,); see `simple.l1` for the contract.
    direction: which end is good.
    label: for tables and plots, with the unit where there is one.
    channels: `any` measures the channels it gets, `grey` turns colour into grey itself, `colour`
        says nothing new about grey pictures and is left out for them.
    least_side: smallest picture it is defined for, in pixels.
    parameters: whatever changes its values; part of a protocol's hash. `revision` goes up when a
        correction of the code changes values.
    together: gives this metric and others, by name, for the price of one.
    weights: files that must lie in `JUDGES`.
    explanation: what it measures and what its values mean, for readers of a report who do not know
        it; no full stop.
    """

    function: PairFunction
    direction: Direction
    label: str
    channels: Literal["any", "grey", "colour"] = "any"
    least_side: int = 1
    parameters: Mapping[str, object] = field(default_factory=lambda: {"revision": 1})
    together: Callable[[Tensor, Tensor, float], dict[str, Tensor]] | None = None
    weights: tuple[Published, ...] = ()
    explanation: str = ""


Features = Mapping[str, Tensor]
"""Method -> (N, D) features of its pictures, in the order of the faces."""


@dataclass(frozen=True)
class SetMetric:
    """A distance between two sets of pictures: one value for all faces together.

    extractor: whose features are compared.
    distance: (features (N, D), features of the targets (N, D)) -> value.
    resampled: (features by method, features of the targets, indices (R, N) of resampled faces) ->
        method -> (R,) values.
    label, direction, parameters, explanation: as in `Metric`.
    least: fewer faces decide nothing.
    """

    extractor: Extractor
    distance: Callable[[Tensor, Tensor], float]
    resampled: Callable[[Features, Tensor, Tensor], dict[str, Tensor]]
    label: str
    least: int
    direction: Direction = Direction.LOWER
    parameters: Mapping[str, object] = field(default_factory=dict)
    explanation: str = ""

    @property
    def weights(self) -> tuple[Published, ...]:
        """Files that must lie in `JUDGES`."""
        return self.extractor.weights


def why_not_measured(metric: Metric | SetMetric) -> str | None:
    """Return one line that names the file a metric lacks; None if it can be measured."""
    try:
        for file in metric.weights:
            weights_hash(file)
    except SketchFaceError as error:
        return str(error)
    return None


def weights_hash(file: Published) -> str:
    """Return the SHA-256 (hex) of a file in `JUDGES`.

    Raises:
        SketchFaceError: naming the file, if it is missing or not the published one.
    """
    path = JUDGES / file.name
    return _hash(file, path.stat().st_mtime_ns if path.exists() else 0)


@functools.lru_cache(maxsize=32)
def _hash(file: Published, changed: int) -> str:
    """Hash a file once; `changed` is its time of change, so that a new file is hashed anew."""
    return check_published(file, JUDGES)
