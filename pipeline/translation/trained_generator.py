"""A trained generator, and sketches of prepared faces by it, some at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipeline.common.scored_pictures import BATCH, default_device, scaled
from pipeline.translation.inputs import PreparedFace, crop_margin
from pipeline.translation.requirements import Requirements, Style
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import WEIGHTS_FILE, load_generator, load_trained
from sketchface_models.pixels import from_signed
from sketchface_models.styles import STYLE
from sketchface_models.systems.base import Batch, System
from sketchface_models.training.pack_reader import normalise

SHIPPED = "hida"
"""The shipped generator, used where no weights are named."""

Job = tuple[PreparedFace, Style]
"""A face, and the style to draw it in."""


@dataclass(frozen=True)
class Generator:
    """Trained weights, ready to draw.

    system: in eval mode. requirements: what it reads. device: that it stands on.
    """

    system: System
    requirements: Requirements
    device: torch.device

    @torch.no_grad()
    def sketches(self, jobs: Sequence[Job], size: int) -> list[np.ndarray]:
        """Return a sketch for each job.

        Args:
            jobs: faces and styles, all with the same inputs.
            size: side of a sketch, pixels; the longer side, where a photo is drawn as a whole.

        Returns:
            (h, w) uint8 of each, or (h, w, 3) where the system draws in colour.

        Raises:
            SketchFaceError: if the system gives no pictures.
        """
        sketches = []
        for start in range(0, len(jobs), BATCH):
            some = jobs[start : start + BATCH]
            generated = self.system.generate(self.batch(some)).cpu()
            self._check(generated, len(some))
            for picture, (face, _) in zip(scaled(from_signed(generated), size), some, strict=True):
                pixels = np.moveaxis(picture.numpy(), 0, 2)
                grey = pixels.shape[2] == 1
                sketches.append(crop_margin(pixels[..., 0] if grey else pixels, face.shape))
        return sketches

    def batch(self, jobs: Sequence[Job]) -> Batch:
        """Return what the system reads to draw all the jobs at once."""
        raw = {
            name: torch.from_numpy(np.stack([face.raw[name] for face, _ in jobs]))
            for name in jobs[0][0].raw
        }
        batch = normalise(raw, self.device)
        if jobs[0][1].weights:
            weights = [style.weights for _, style in jobs]
            batch[STYLE] = torch.tensor(weights, device=self.device)
        return batch

    def _check(self, generated: Tensor, count: int) -> None:
        source, shape = self.requirements.source, tuple(generated.shape)
        if len(shape) != 4 or shape[0] != count or shape[1] not in (1, 3):
            raise SketchFaceError(f"{source}: draws {shape}, which is no picture")
        if not generated.isfinite().all():
            raise SketchFaceError(f"{source}: draws NaN or infinite values; train it again")


def open_weights(weights: Path | None) -> Generator:
    """Return the generator of a run, on a GPU where there is one.

    Args:
        weights: folder of a trained run, or the one that holds its `weights`; None for the
            generator that comes with the package.

    Raises:
        SketchFaceError: if there are no weights, they are damaged, or draw no sketches of photos.
    """
    device = default_device()
    if weights is None:
        system, card = load_generator(SHIPPED, device)
        return Generator(system, Requirements.of(card, f"the shipped {SHIPPED}"), device)
    folders = [each for each in (weights, weights / "weights") if (each / WEIGHTS_FILE).exists()]
    if not folders:
        raise SketchFaceError(
            f"{weights}: no {WEIGHTS_FILE} in it; name the weights folder of a trained run, such "
            "as data/train/hida/0/weights"
        )
    system, card = load_trained(folders[0], device)
    return Generator(system, Requirements.of(card, str(weights)), device)
