"""What `evaluate` says of a run, typed: what was scored, by which protocol, with which measures.

`Summary` stands in `summary.json`; the words for methods, levels and measures stand in the columns
of the tables beside it (`evaluations`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sketchface_models.metrics.registry import Direction

RANK = "rank"
"""The metric that says how many targets are as similar to a generated picture as its own is."""

STYLE_FIDELITY = "style_fidelity"
"""Whether a picture is recognised as in the style that was asked for. Here a subset `style k`
names the style that was asked for, not the face's own."""

DIVERSITY = "diversity_"
"""How measures of the difference between two pictures of one system begin."""
CYCLE = "cycle_"
"""How measures of reconstructions begin; the field follows, then the metric."""
SAMPLING, SAMPLES = "sampling_ratio", 16
"""The measure of how much sampling decides beside inputs, and how many samples each input has."""
OUTLINE, ATTRIBUTE = "outline_overlap", "attribute_"
"""The measure of a doodle's outline in a photo, and how measures of its attributes begin."""
CLASS_IOU = "resegmentation_iou_"
"""How measures of one class of parsed photos begin; the class follows."""


class Method(StrEnum):
    """What made the pictures that were scored: the run's system, or a baseline that learns nothing.

    `TARGET` names the targets themselves where features are stored; it has no scores. `UNTRAINED`
    is the run's own network before its first step: a control of what the network sees inside, and
    no maker of pictures. Systems with style codes make pictures in several styles.
    """

    SYSTEM = "system"
    ANOTHER_STYLE = "another_style"
    RANDOM_STYLE = "random_style"
    OWN_STYLE = "own_style"
    INPUT = "input"
    MEAN = "mean"
    OTHER = "other"
    CLASS_COLOURS = "class_colours"
    TRAINING = "training"
    REAL = "real"
    TARGET = "target"
    UNTRAINED = "untrained"


STYLED = {
    Method.ANOTHER_STYLE: "in another face's style",
    Method.RANDOM_STYLE: "in a random style",
    Method.OWN_STYLE: "in the target's own style (sees the target)",
}
"""The system with other style codes than its default, in table order, in words."""
BASELINES = {
    Method.INPUT: "the input itself",
    Method.MEAN: "the mean training target",
    Method.OTHER: "another face's target",
    Method.CLASS_COLOURS: "each class's mean colour",
    Method.TRAINING: "real training pictures (floor of the distances)",
    Method.REAL: "the real photo (ceiling)",
}
"""Baselines in table order, in words."""


class Kind(StrEnum):
    """What an output is."""

    IMAGE = "image"
    LABELS = "labels"


class Level(StrEnum):
    """What one value of a measure belongs to."""

    FACE = "face"
    SET = "set"
    """All faces of a subset together; compared by resampled values."""
    POOLED = "pooled"
    """All pixels of a subset together; resampled from per-face confusion matrices."""
    EDIT = "edit"
    """One edit of a drawing (see `edit_table`); a base face's value is the mean of its edits'. Two
    systems are compared by the edits of which all their trainings have a value."""
    TRAINING = "training"
    """A training: what its logs say, whatever is generated afterwards."""


@dataclass(frozen=True)
class Measure:
    """One measure of a run: a metric of the registry, or one that an evaluation adds."""

    name: str
    """Value of the `metric` columns."""
    label: str
    """For tables, with the unit where there is one."""
    direction: Direction
    """Which end is good."""
    level: Level = Level.FACE
    least: int = 0
    """Fewer faces decide nothing."""
    control: bool = False
    """Says how a system answers changed drawings, or what its photos are like (a face where the
    contour has it, of what texture), not how like its pictures are to their targets. Nothing is
    learned or not learned by it, and it stands in a section of its own."""


@dataclass(frozen=True)
class NotMeasured:
    """A measure whose weights are not there."""

    name: str
    label: str
    reason: str
    """One line that names the missing file and where it goes."""


@dataclass(frozen=True)
class MissingFace:
    """A test face that could not be scored."""

    id: str
    split: str
    style: int | None
    reason: str


@dataclass(frozen=True)
class Origin:
    """Which output of which training."""

    run: str
    seed: int
    output: str


@dataclass(frozen=True)
class Summary:
    """What was scored, and how: all of an evaluation that is no number of a face."""

    run: str
    """Name of the run."""
    seed: int
    """Seed of the training."""
    data: str
    """Name of the data set."""
    split: str
    """Split that was scored."""
    output: str
    """Name of the system's output."""
    target: str
    """Field that the output is compared with."""
    kind: Kind
    """What the output is: image or labels."""
    inputs: tuple[str, ...]
    """Fields that the system reads."""
    size: int
    """Side in pixels at which pictures are compared."""
    n: int
    """Faces that were scored."""
    protocol: str
    """Tag (`name:hash`) of everything that could change a value, the run's inputs included."""
    protocol_any_inputs: str
    """The same tag of everything but the inputs: what a claim across inputs asks to be equal."""
    protocol_details: dict[str, Any]
    """What the tag is the hash of."""
    measures: tuple[Measure, ...]
    """In table order."""
    not_measured: tuple[NotMeasured, ...]
    """Measures whose weights are not there, and what to do."""
    missing: tuple[MissingFace, ...]
    """Test faces that could not be scored, and why."""
    known_kinds: int = 1
    """Kinds of targets (styles) of which the system knows each face's own; see `Retrieval`."""
    sees_target: bool = False
    """Whether an input is made from the target itself."""
    style: dict[str, Any] | None = None
    """Of runs that take a style: how often it is recognised, or a `note` why nobody could ask."""
    control: dict[str, Any] | None = None
    """Of runs whose control was measured: `faces` and `edits` of the edit sets, the largest `shift`
    (pixels at 512) and `rotation` (degrees) of moved contours, how many faces were `moved`."""
    weights: dict[str, Any] = field(default_factory=dict)
    """`file`, `steps` and `images` of the weights that were scored."""
    validation: dict[str, Any] | None = None
    """The validation score by which these weights were chosen, if they were."""
    means: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    """Method -> measure -> mean, low, high and n over all faces of this one training, and method
    -> `rank_1`, `rank_5` likewise: for readers of this file; a report takes the scores."""
    classes: tuple[dict[str, Any], ...] = ()
    """Of label maps: a line for each class that the truth has."""
    references: int = 0
    """Where test faces have no partner, so that only sets are compared: how many real test pictures
    of the output's kind there are. 0 where each face has its own target."""
    not_learned: tuple[str, ...] = ()
    """Reasons to say that this training has learned nothing; none if it has."""

    def measure(self, name: str) -> Measure:
        """The measure of this name.

        Raises:
            KeyError: if there is none.
        """
        return {each.name: each for each in self.measures}[name]
