"""Photos parsed again by the judge (the test of Zhang et al. 2019, section 2.4.6).

The judge's labels of a photo that was generated from a parsing map are compared with that map, and
with the judge's labels of the true photo: what the paper reports, since its maps are parsed photos.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from pipeline.baselines.label_scores import pooled_scores
from pipeline.common.progress import progress
from pipeline.common.records import CLASS_IOU, Level, Measure, Method, Origin
from pipeline.common.score_frames import Scores
from sketchface_models.confusion import confusion, parsing_scores
from sketchface_models.labels import CLASSES
from sketchface_models.metrics.judge import NAME as JUDGE
from sketchface_models.metrics.registry import Direction
from sketchface_models.pretrained.parsers import FaceParser, load_parser

MAP, PHOTO = "resegmentation", "parsed_photo"
"""What measures begin with, by what is the truth: the map, or the parsed true photo."""
MEASURES = (
    Measure(f"{MAP}_accuracy", "re-segmentation accuracy", Direction.HIGHER, Level.POOLED),
    Measure(f"{MAP}_mean_iou", "re-segmentation mIoU", Direction.HIGHER, Level.POOLED),
    Measure(f"{PHOTO}_accuracy", "accuracy to the parsed photo", Direction.HIGHER, Level.POOLED),
    Measure(f"{PHOTO}_mean_iou", "mIoU to the parsed photo", Direction.HIGHER, Level.POOLED),
)
CLASS_MEASURES = {
    name: Measure(
        f"{CLASS_IOU}{name}", f"IoU of {name}", Direction.HIGHER, Level.POOLED, control=True
    )
    for name in CLASSES
}
"""Class -> intersection over union of its pixels, with the map as the truth."""
LEAST_FACES = 5
"""A class that fewer test faces show has no number of its own: it is not in all resamples."""
PARAMETERS = {"revision": 1, "parser": JUDGE, "least faces": LEAST_FACES}


@dataclass(frozen=True)
class Truth:
    """What parsed photos are compared with; N faces.

    maps: (N, S, S) uint8, that photos are generated from. photos: (N, S, S) uint8, the judge's
    labels of the true photos.
    """

    maps: Tensor
    photos: Tensor

    @property
    def parameters(self) -> dict[str, dict[str, object]]:
        """For the protocol."""
        return {"resegmentation": dict(PARAMETERS)}

    @property
    def classes(self) -> list[str]:
        """Classes that enough of the maps show."""
        return [
            name
            for label, name in enumerate(CLASSES)
            if (self.maps == label).flatten(1).any(1).sum() >= LEAST_FACES
        ]

    @property
    def measures(self) -> tuple[Measure, ...]:
        """All that can be measured of photos of these faces."""
        return (*MEASURES, *(CLASS_MEASURES[name] for name in self.classes))


def parse(photos: Tensor) -> Tensor:
    """Return the judge's labels, (N, 3, S, S) uint8 -> (N, S, S) uint8."""
    judge = FaceParser("32-true", load_parser(JUDGE))
    labels = [
        judge.labels([photo.permute(1, 2, 0).numpy()])[0]
        for photo in progress(photos, len(photos), "re-segment", "photo")
    ]
    return torch.stack([torch.from_numpy(each) for each in labels])


def resegmentation_scores(
    origin: Origin, method: Method, photos: Tensor, truth: Truth, frame: pd.DataFrame
) -> Scores:
    """Return what the judge's labels of photos come to.

    True photos are not compared with themselves.

    Args:
        origin: of the photos.
        method: that made them.
        photos: (N, 3, S, S) uint8.
        truth: of the same faces.
        frame: a `FACES` frame of the N faces.
    """
    true = method is Method.REAL
    labels = truth.photos if true else parse(photos)
    scores = [_of_map(origin, method, labels, truth, frame)]
    if not true:
        matrices = _matrices(truth.photos, labels)
        scores.append(pooled_scores(origin, method, matrices, frame, lambda m: _means(PHOTO, m)))
    return Scores(
        pd.concat(each.scores for each in scores), pd.concat(each.resampled for each in scores)
    )


def _of_map(
    origin: Origin, method: Method, labels: Tensor, truth: Truth, frame: pd.DataFrame
) -> Scores:
    classes = truth.classes

    def score(matrix: Tensor) -> dict[str, float]:
        iou = torch.where(matrix.sum(dim=1) > 0, parsing_scores(matrix).iou, torch.nan)
        own = {CLASS_MEASURES[name].name: float(iou[CLASSES.index(name)]) for name in classes}
        return _means(MAP, matrix) | own

    return pooled_scores(origin, method, _matrices(truth.maps, labels), frame, score)


def _means(prefix: str, matrix: Tensor) -> dict[str, float]:
    summary = parsing_scores(matrix).summary()
    return {f"{prefix}_{name}": summary[name] for name in ("accuracy", "mean_iou")}


def _matrices(truth: Tensor, labels: Tensor) -> Tensor:
    """Return (N, 19, 19) int64, rows = truth."""
    return torch.stack([confusion(*pair) for pair in zip(truth, labels, strict=True)])
