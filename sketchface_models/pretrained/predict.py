"""Photos of any size -> labels, with the parser that comes with the package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sketchface_models.pretrained.shipped import SIDE, load_parser

Precision = Literal["auto", "32-true", "bf16-mixed"]
BATCH = 8
"""Photos parsed at a time: enough to keep a core busy, few enough to stay in its caches."""


class FaceParser:
    """The shipped small parser, ready for photos of one face each.

    Args:
        precision: auto computes in bf16 where the processor does, else in 32 bits.
        network: another parser with 19 classes, in eval mode; the shipped one if None.
    """

    def __init__(self, precision: Precision = "auto", network: nn.Module | None = None) -> None:
        self.network = network if network is not None else load_parser("small")
        capable = torch.cpu._is_avx512_bf16_supported()
        self.bf16 = precision == "bf16-mixed" or (precision == "auto" and capable)

    def labels(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Labels at each photo's own size.

        Args:
            photos: (H, W, 3) uint8 RGB each, of any sizes; the face fills a good part of each.

        Returns:
            (H, W) uint8 classes each. What a photo gets does not depend on the others.
        """
        found: list[np.ndarray] = []
        for start in range(0, len(photos), BATCH):
            part = photos[start : start + BATCH]
            logits = self.logits(torch.cat([_prepared(photo) for photo in part]))
            for photo, each in zip(part, logits, strict=True):
                height, width = photo.shape[:2]
                found.append(likeliest(each, height, width).numpy())
        return found

    @torch.inference_mode()
    def logits(self, photos: Tensor) -> Tensor:
        """(B, 3, S, S) in [-1, 1] -> (B, 19, S, S) float32, on the CPU."""
        x = photos.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            logits: Tensor = self.network(x)
        return logits.float()


def likeliest(logits: Tensor, height: int, width: int) -> Tensor:
    """The class of the highest logit at every pixel of another size, the first of equal ones.

    One class is scaled at a time: all of them together do not fit into a core's caches.

    Args:
        logits: (K, S, S) floating point.
        height: of the labels.
        width: of the labels.

    Returns:
        (height, width) uint8.
    """
    if logits.shape[-2:] == (height, width):
        return logits.argmax(dim=0).to(torch.uint8)
    highest = torch.full((height, width), -torch.inf, dtype=logits.dtype)
    labels = torch.zeros((height, width), dtype=torch.uint8)
    for number, plane in enumerate(logits.contiguous()):
        scaled = F.interpolate(plane[None, None], (height, width), mode="bilinear")[0, 0]
        labels.masked_fill_(scaled > highest, number)
        torch.maximum(highest, scaled, out=highest)
    return labels


def _prepared(photo: np.ndarray) -> Tensor:
    """(1, 3, SIDE, SIDE) in [-1, 1]."""
    x = torch.from_numpy(np.ascontiguousarray(photo)).permute(2, 0, 1)[None].float()
    if x.shape[-2:] != (SIDE, SIDE):
        x = F.interpolate(x, (SIDE, SIDE), mode="bilinear", antialias=True)
    return x.div_(127.5).sub_(1)
