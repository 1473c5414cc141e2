"""What the parameters say of a run, apart from its networks and losses: task, data, schedule.

The data stages read it too, so nothing in here needs torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from sketchface_models.config import NonEmpty, at_least, between
from sketchface_models.styles import STYLE


@dataclass(frozen=True)
class Task:
    """Which fields of the pack a run reads and which one it generates."""

    inputs: Annotated[tuple[str, ...], NonEmpty()]
    """Fields that the system reads, in its own order; a system says which it can use."""
    target: Annotated[str, NonEmpty()]
    """Field that it learns to generate."""
    size: Annotated[int, between(32, 2048)]
    """Side of the training pictures in pixels."""
    sees_target: bool = False
    """Allow inputs that are, or show, the target, such as rough lines of the sketch. Such a run is
    no rival of runs that read photos, and its rows say so."""
    sizes: Mapping[str, Annotated[int, between(8, 2048)]] = field(default_factory=dict)
    """Field -> its own side in pixels, of the fields that differ from `size`."""
    unpaired: bool = False
    """Learn from two domains: faces with all inputs, and faces with the target. Paired runs learn
    from faces that have both."""

    def __post_init__(self) -> None:
        problems = []
        if self.inputs and not set(self.inputs) - {STYLE}:
            problems.append(f"inputs: {list(self.inputs)}; allowed: a picture among them")
        unknown = set(self.sizes) - {*self.inputs, self.target}
        if unknown:
            problems.append(f"sizes: {sorted(unknown)}; allowed: fields of the task")
        if self.unpaired and self.target in self.inputs:
            problems.append(f"target: {self.target!r}; allowed: no input, as the task is unpaired")
        if problems:
            raise ValueError("\n".join(problems))

    @property
    def domains(self) -> tuple[tuple[str, ...], ...]:
        """Fields that a face must have together to be learned from: one set, or two if unpaired."""
        if self.unpaired:
            return self.inputs, (self.target,)
        return ((*self.inputs, self.target),)


@dataclass(frozen=True)
class Augment:
    """How faces are moved while training, all fields of a face alike unless it says otherwise."""

    flip: bool
    """Mirror half of the faces."""
    jitter: Annotated[float, between(0, 0.25)]
    """Largest shift in x and y, as a part of the side; the border is replicated."""
    zoom: Annotated[float, between(1, 2)] = 1.0
    """Enlarge pictures by this factor and crop them at random to their side; 1 = do not.
    286 / 256 in pix2pix (Isola et al. 2017, section 6.2)."""
    contour_shift: Annotated[float, between(0, 512)] = 0.0
    """Largest shift of the contour against the other fields, in pixels of a picture of side 512."""
    contour_rotation: Annotated[float, between(0, 180)] = 0.0
    """Largest rotation of the contour against the other fields, in degrees."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long a system learns; systems add their rates."""

    steps: Annotated[int, at_least(1)]
    """Training steps."""
    batch: Annotated[int, at_least(1)]
    """Faces a step."""
    decay_from: Annotated[float, between(0, 1)]
    """Part of the steps after which all rates fall linearly to zero; 1 = never."""
    ema_half_life: Annotated[float, at_least(0)]
    """Images after which a weight counts half in the average that is kept (EMA); 0 = none."""
    clip_norm: Annotated[float, at_least(0)] = 0.0
    """Largest gradient norm of an update, longer ones are scaled down to it; 0 = any."""
