"""How a number was measured: everything that could change a value, and its short hash.

Numbers under different hashes are not ranked.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sketchface_models.metrics.registry import METRICS, metric_names
from sketchface_models.metrics.retrieval import PARAMETERS as RETRIEVAL

Parameters = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True)
class Protocol:
    """A way of scoring pictures.

    name: for people; the one field that is not hashed.
    size: `WxH` in pixels at which pictures are compared, or `native`.
    resize: filter that brought them there, or `none`.
    channels: `grey`, `rgb`, or `labels` of parsing maps.
    data: data set and split the references come from, such as `fs2k/test`, with a hash of the
        references themselves where they are known; empty if unknown.
    data_range: value of white.
    precision: floating-point type of the computation.
    networks: name -> SHA-256 of the weights of every network that measures.
    metrics: name -> parameters, of every measure including retrieval.
    seeds: what is chosen at random -> seed.
    inputs: fields that the system reads.
    """

    name: str
    size: str
    resize: str
    channels: Literal["grey", "rgb", "labels"]
    data: str = ""
    data_range: float = 255.0
    precision: str = "float64"
    networks: Mapping[str, str] = field(default_factory=dict)
    metrics: Parameters = field(default_factory=dict)
    seeds: Mapping[str, int] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        """`name:ab12cd34`, to be printed beside every number."""
        fields = dataclasses.asdict(self)
        del fields["name"]
        # Keys sorted: a mapping's order changes no value.
        text = json.dumps(fields, sort_keys=True)
        return f"{self.name}:{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    @property
    def tag_any_inputs(self) -> str:
        """The same of everything but the inputs."""
        return dataclasses.replace(self, inputs=()).tag


def measures(channels: Literal["grey", "rgb"], retrieval: bool = True) -> Parameters:
    """Return the parameters of all measures that apply to such pictures, for `Protocol.metrics`."""
    names = metric_names(1 if channels == "grey" else 3)
    parameters: dict[str, Mapping[str, object]] = {n: METRICS[n].parameters for n in names}
    if retrieval:
        parameters["retrieval"] = RETRIEVAL
    return parameters
