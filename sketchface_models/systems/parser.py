"""Face parsing: photo -> the 19 classes of CelebAMask-HQ (docs/papers.md, Face parsing)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sketchface_models.augmentation.photos import Distort, distort
from sketchface_models.config import Among, above, at_least, between
from sketchface_models.confusion import confusion, parsing_scores
from sketchface_models.labels import CLASSES, PARSING, as_field, as_labels
from sketchface_models.losses.segmentation import balanced_weights, parsing_losses
from sketchface_models.networks.small_parser import SmallParser
from sketchface_models.networks.unet_parser import UNetParser
from sketchface_models.systems.base import Batch, Clock, Output, System, Update, lay_out
from sketchface_models.systems.coarse_steps import Coarse
from sketchface_models.systems.optimizers import FusedAdamW
from sketchface_models.systems.run_settings import Augment, Schedule, Task

NETWORKS: dict[str, type[nn.Module]] = {"unet": UNetParser, "small": SmallParser}
SIDE_MULTIPLE = 16
"""Sides must be a multiple of it: both networks halve them four times."""


@dataclass(frozen=True)
class Loss:
    """Cross-entropy with class weights, plus the soft Dice loss."""

    balance: Annotated[float, between(0, 1)]
    """Class weights are pixel frequencies to the power of minus this; 0 weighs all alike."""
    dice: Annotated[float, at_least(0)]
    """Weight of the Dice loss beside the cross-entropy's 1."""


@dataclass(frozen=True, kw_only=True)
class ParserSchedule(Schedule):
    """How long and how fast it learns."""

    lr: Annotated[float, above(0)]
    """Highest learning rate."""
    weight_decay: Annotated[float, at_least(0)]
    """Of AdamW, on weights of two dimensions or more."""
    warm_up: Annotated[int, at_least(0)]
    """Steps over which the rate rises to `lr`."""


@dataclass(frozen=True)
class ParserSettings:
    """One run of this system."""

    system: Literal["parser"]
    """The name in the registry of systems."""
    task: Task
    network: Annotated[str, Among(NETWORKS)]
    """small: the shipped parser, for labels and losses; unet: the judge, for scores."""
    loss: Loss
    augment: Augment
    distort: Distort
    coarse: Coarse
    schedule: ParserSchedule

    def __post_init__(self) -> None:
        size, divisor = self.task.size, self.coarse.divisor
        wrong = []
        if size % (SIDE_MULTIPLE * divisor):
            multiple = f"a multiple of {SIDE_MULTIPLE} x coarse.factor, {SIDE_MULTIPLE * divisor}"
            wrong.append(f"task.size: {size}; allowed: {multiple}")
        if self.task.inputs != ("photo",):
            wrong.append(f"task.inputs: {list(self.task.inputs)}; allowed: [photo]")
        if self.task.target != PARSING:
            wrong.append(f"task.target: {self.task.target!r}; allowed: parsing")
        if wrong:
            raise ValueError("\n".join(wrong))


class Parser(System):
    """The system.

    Args:
        settings: of the run.
        channels: field name -> channels in the pack.
    """

    description = (
        "A network that says, pixel by pixel, which of 19 parts of a face it sees: skin, nose, "
        "left eye, hair and so on. It learns from photos with labels, moved, recoloured and partly "
        "covered anew at every step."
    )
    Settings = ParserSettings
    ema = ("parser",)
    compiled = ("parser",)
    measure: ClassVar[str] = "val_f1"

    @classmethod
    def outputs_of(cls, settings: ParserSettings) -> dict[str, Output]:
        """Return the one output: labels."""
        return {PARSING: Output(PARSING, "labels")}

    def __init__(self, settings: ParserSettings, channels: dict[str, int]) -> None:
        self.settings = settings
        network = NETWORKS[settings.network]()
        self.networks = nn.ModuleDict({"parser": network})
        lay_out(self.networks)
        self.weights = balanced_weights(settings.loss.balance)

    def optimizers(self) -> dict[str, Optimizer]:
        """Return AdamW; parameters of one dimension (norms, biases) do not decay."""
        schedule = self.settings.schedule
        parameters = list(self.networks.parameters())
        groups = [
            {
                "params": [p for p in parameters if p.dim() > 1],
                "weight_decay": schedule.weight_decay,
            },
            {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
        ]
        return {"parser": FusedAdamW(groups, lr=schedule.lr)}

    def rate(self, name: str, clock: Clock) -> float:
        """Return the factor on the rate: up over `warm_up` steps, 1, down from `decay_from` on."""
        schedule: ParserSchedule = self.settings.schedule
        rising = min(1.0, (clock.step + 1) / max(schedule.warm_up, 1))
        start = schedule.decay_from * schedule.steps
        falling = 1.0
        if clock.step > start:
            falling = (schedule.steps - clock.step) / (schedule.steps - start)
        return rising * falling

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        """Update on faces moved and recoloured anew; at a fraction of the side at first."""
        side = self.settings.coarse.side(self.settings.task.size, clock)
        # Augmentation.
        photo, labels = distort(
            batch["photo"], as_labels(batch["parsing"]), self.settings.distort, side
        )
        photo = photo.contiguous(memory_format=torch.channels_last)
        # Cross-entropy and Dice.
        logits = self.networks["parser"](photo)
        entropy, dice = parsing_losses(logits, labels, self.weights.to(logits.device))
        total = update("parser", entropy + self.settings.loss.dice * dice)
        return {"parser": total, "cross_entropy": entropy.detach(), "dice": dice.detach()}

    def generate(self, batch: Batch) -> Tensor:
        """Return the likeliest labels, (B, 1, S, S) encoded as a batch holds them."""
        logits = self.networks["parser"](batch["photo"])
        return as_field(logits.argmax(dim=1))

    def tally(self, batch: Batch, generated: Tensor) -> Tensor:
        """Return the confusion matrix of a batch, (19, 19) int64."""
        return confusion(as_labels(batch["parsing"]), as_labels(generated), len(CLASSES))

    def scores(self, total: Tensor) -> dict[str, Tensor]:
        """Return `val_accuracy`, `val_iou` and `val_f1` from the sum of the batches' matrices."""
        scores = parsing_scores(total)
        values = (scores.accuracy, scores.mean_iou, scores.mean_f1)
        names = ("val_accuracy", "val_iou", "val_f1")
        return {name: torch.tensor(value) for name, value in zip(names, values, strict=True)}
