"""The style classifier: a small network, applied to pieces of a sketch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.style.crops import Box, pieces
from sketchface_models import checkpoint
from sketchface_models.errors import SketchFaceError

WEIGHTS = "model.safetensors"
WIDTHS = (16, 32, 48, 64)
SMALLEST = 16
"""Side of the smallest piece."""


class StyleNet(nn.Module):
    """Pieces of a sketch -> scores of the styles.

    Its units see some thirty pixels, and their mean over the piece is all that counts.

    Args:
        styles: number of styles.
    """

    def __init__(self, styles: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for kernel, stride, width in zip((5, 3, 3, 3), (2, 2, 2, 1), WIDTHS, strict=True):
            layers += [
                nn.Conv2d(channels, width, kernel, stride, kernel // 2, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            channels = width
        self.features = nn.Sequential(*layers)
        self.scores = nn.Linear(channels, styles)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1, S, S) in [-1, 1] -> (B, styles)."""
        scores: Tensor = self.scores(self.features(x).mean(dim=(2, 3)))
        return scores


class StyleClassifier:
    """A trained network and the pieces of pictures that it classifies.

    Args:
        network: on the CPU.
        labels: style of each of its scores.
        side: of a piece in pixels.
    """

    def __init__(self, network: StyleNet, labels: tuple[int, ...], side: int) -> None:
        self.network, self.labels, self.side = network.eval(), labels, side

    @torch.no_grad()
    def log_probabilities(self, pictures: Iterable[tuple[np.ndarray, Box]]) -> np.ndarray:
        """Return the mean log-probabilities over a picture's pieces, (N, styles).

        Args:
            pictures: each (S, S) uint8, 255 = paper, with the box of its face.
        """
        means = [
            self.network(as_input(pieces(picture, box, self.side))).log_softmax(1).mean(0)
            for picture, box in pictures
        ]
        return torch.stack(means).numpy() if means else np.zeros((0, len(self.labels)))

    def classify(self, pictures: Iterable[tuple[np.ndarray, Box]]) -> np.ndarray:
        """Return the likeliest style of each picture, (N,) int."""
        return np.asarray(self.labels)[self.log_probabilities(pictures).argmax(axis=1)]

    def save(self, folder: Path) -> None:
        """Write the weights."""
        about = {"labels": list(self.labels), "side": self.side}
        checkpoint.save_tensors(folder / WEIGHTS, self.network.state_dict(), about)

    @classmethod
    def load(cls, folder: Path) -> StyleClassifier:
        """Load the classifier that `save` wrote.

        Raises:
            SketchFaceError: if the file is missing, damaged or of another network.
        """
        path = folder / WEIGHTS
        tensors, about = checkpoint.load_tensors(path)
        if not {"labels", "side"} <= about.keys():
            raise SketchFaceError(f"{path}: no style classifier; run `dvc repro style`")
        network = StyleNet(len(about["labels"]))
        checkpoint.load_into(network, tensors, path)
        return cls(network, tuple(about["labels"]), about["side"])


def as_input(pieces: np.ndarray) -> Tensor:
    """Scale pieces for the network: (B, S, S) uint8 -> (B, 1, S, S) in [-1, 1]."""
    return torch.from_numpy(pieces)[:, None].float().div_(127.5).sub_(1)
