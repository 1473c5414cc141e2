"""A trained generator, and what it draws of prepared faces, some at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from pipeline.common.fields import FIELDS
from pipeline.common.scored_pictures import BATCH, default_device, scaled
from pipeline.translation.inputs import PreparedFace, crop_margin
from pipeline.translation.recognition import Kind, Target
from pipeline.translation.requirements import Requirements, Style
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import (
    WEIGHTS_FILE,
    generator_names,
    load_generator,
    load_trained,
)
from sketchface_models.pixels import from_signed
from sketchface_models.styles import STYLE
from sketchface_models.systems.base import Batch, System
from sketchface_models.training.pack_reader import normalise

SHIPPED: dict[Target, dict[Kind, str]] = {
    "sketch": dict.fromkeys(get_args(Kind), "hida"),
    "photo": {
        "photo": "pix2pixhd",
        "contour": "pix2pixhd",
        "map": "spade",
        "doodle": "sketch2face",
        "sketch": "cyclegan",
    },
    "drawing": dict.fromkeys(get_args(Kind), "sketch2face"),
}
"""What is drawn -> of what -> the generator that is used where no weights are named; `open_weights`
says so where it does not ship."""
SUFFIX = ".safetensors"

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

    def generate(self, jobs: Sequence[Job], size: int) -> list[np.ndarray]:
        """Return a picture for each job: what `pictures` gives, all at once."""
        return list(self.pictures(jobs, size))

    def pictures(self, jobs: Sequence[Job], size: int) -> Iterator[np.ndarray]:
        """Give a picture for each job, made when its turn comes: a thousand need not fit memory.

        Args:
            jobs: faces and styles.
            size: side of a picture, pixels; the longer side, where all of a page is drawn.

        Yields:
            (h, w) uint8 of each, or (h, w, 3) where the system draws in colour.

        Raises:
            SketchFaceError: if the system gives no pictures.
        """
        for start in range(0, len(jobs), BATCH):
            some = jobs[start : start + BATCH]
            generated = self._draw(some).cpu()
            self._check(generated, len(some))
            for levels, (face, _) in zip(from_signed(generated).split(1), some, strict=True):
                pixels = np.moveaxis(scaled(levels, size)[0].numpy(), 0, 2)
                grey = pixels.shape[2] == 1
                yield crop_margin(pixels[..., 0] if grey else pixels, face.shape)

    def batch(self, jobs: Sequence[Job]) -> Batch:
        """Return what the system reads to draw all the jobs at once."""
        raw = {
            name: torch.from_numpy(np.stack([face.raw[name] for face, _ in jobs]))
            for name in self.requirements.inputs
            if name != STYLE
        }
        batch = normalise(raw, self.device)
        if jobs[0][1].weights:
            weights = [style.weights for _, style in jobs]
            batch[STYLE] = torch.tensor(weights, device=self.device)
        return batch

    @torch.no_grad()
    def _draw(self, jobs: Sequence[Job]) -> Tensor:
        """Return (B, C, S, S) in [-1, 1] of jobs whose styles are all of one sort."""
        first = jobs[0][1]
        if first.code is not None:
            return torch.cat([self._sampled(face, style) for face, style in jobs])
        batch = self.batch(jobs)
        if first.photo is None:
            return self._usual(batch)
        target = self.requirements.target_field
        photos = np.stack([style.photo for _, style in jobs if style.photo is not None])
        field = normalise({target: torch.from_numpy(photos)}, self.device)[target]
        generated = self.system.in_style_of(batch, field)
        assert generated is not None  # the system has codes
        return generated

    def _usual(self, batch: Batch) -> Tensor:
        """Draw without random codes, in the direction that the requirements say."""
        if self._output == next(iter(self.system.outputs)):
            return self.system.generate(batch)
        blank = self._blank(len(next(iter(batch.values()))))
        return self.system.generate_all(blank | batch)[self._output]

    def _blank(self, count: int) -> Batch:
        """Return blank pictures of the outputs' fields, (B, C, S, S) in [-1, 1].

        A system that makes all its outputs reads them for those that are not asked for.
        """
        raw = {}
        for name in (output.field for output in self.system.outputs.values()):
            side = self.requirements.side(name)
            shape = (count, FIELDS[name].channels, side, side)
            raw[name] = torch.zeros(shape, dtype=torch.uint8)
        return normalise(raw, self.device)

    @property
    def _output(self) -> str:
        """The name of the output that is drawn."""
        field = self.requirements.target_field
        return next(name for name, output in self.system.outputs.items() if output.field == field)

    def _sampled(self, face: PreparedFace, style: Style) -> Tensor:
        """Draw one face for a random code: alone, so that the code is the same for every face."""
        assert style.code is not None
        seed = int(np.random.SeedSequence(style.code).generate_state(1, np.uint64)[0])
        random = torch.Generator(self.device).manual_seed(seed)
        return self.system.sample(self.batch([(face, style)]), random)[self._output]

    def _check(self, generated: Tensor, count: int) -> None:
        source, shape = self.requirements.source, tuple(generated.shape)
        if len(shape) != 4 or shape[0] != count or shape[1] not in (1, 3):
            raise SketchFaceError(f"{source}: draws {shape}, which is no picture")
        if not generated.isfinite().all():
            raise SketchFaceError(f"{source}: draws NaN or infinite values; train it again")


def open_weights(
    weights: Path | None, target: Target | None = None, kind: Kind = "photo"
) -> Generator:
    """Return the generator of a run or a shipped one, on a GPU where there is one.

    Args:
        weights: folder of a trained run, the one that holds its `weights`, a .safetensors file of
            one, under any name, or the name of a shipped generator; None for the shipped one that
            draws `target` of `kind`.
        target: what it must draw; None for whatever the weights draw, without weights sketches.
        kind: what is drawn; of use without weights alone.

    Raises:
        SketchFaceError: if there are no weights, they are damaged, or draw something else.
    """
    device = default_device()
    name = SHIPPED[target or "sketch"][kind] if weights is None else str(weights)
    if weights is None and name not in generator_names():
        raise SketchFaceError(
            f"no generator that makes a {target} of a {kind} comes with the package; train one "
            f"with `dvc exp run -S model={name}`, and give --weights data/train/{name}/0"
        )
    if weights is None or (not weights.exists() and name in generator_names()):
        system, card = load_generator(name, device)
        source = f"the shipped {name}"
    else:
        file = _weights_file(weights)
        system, card = load_trained(file.parent, device, file.name)
        source = str(weights)
    requirements = Requirements.of(card, source, target)
    if target not in (None, requirements.target):
        raise SketchFaceError(
            f"--to {target}: {source} draws a {requirements.target}; leave --to out, or name "
            "other weights"
        )
    return Generator(system, requirements, device)


def _weights_file(weights: Path) -> Path:
    """Return the file of weights that a path names: itself, or in it, or in its `weights`."""
    if weights.suffix == SUFFIX and weights.is_file():
        return weights
    for folder in (weights, weights / "weights"):
        if (folder / WEIGHTS_FILE).exists():
            return folder / WEIGHTS_FILE
    remedy = "name the weights folder of a trained run, such as data/train/hida/0/weights"
    for seed in sorted(weights.glob(f"*/weights/{WEIGHTS_FILE}")):
        remedy = f"name the seed too: {seed.parents[1]}"
    for file in sorted(weights.glob(f"*{SUFFIX}")):
        remedy = f"name the file itself: {file}"
    raise SketchFaceError(
        f"{weights}: no {WEIGHTS_FILE} in it; {remedy}, or what comes with the package: "
        f"{', '.join(generator_names())}"
    )
