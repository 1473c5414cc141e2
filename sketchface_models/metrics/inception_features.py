"""What Inception-v3 sees in a picture, as one vector: for FID and KID, and nothing else."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sketchface_models.networks.inception import Inception
from sketchface_models.pretrained.published import INCEPTION, JUDGES, load_published

SIDE = 299


class InceptionFeatures(nn.Module):
    """The pool features of the FID network (Heusel et al. 2017).

    Args:
        folder: with the weight file.

    Raises:
        SketchFaceError: if the file is missing or not the published one.
    """

    def __init__(self, folder: Path = JUDGES) -> None:
        super().__init__()
        self.network = load_published(Inception(), INCEPTION, folder)

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 1 or 3, H, W) in [-1, 1], grey or RGB, of any size -> (B, 2048) float32.

        Resized to 299 x 299 by bilinear interpolation between the four nearest pixels, without
        antialiasing, and left in [-1, 1]: what the public FID programs do.
        """
        x = pictures.expand(-1, 3, -1, -1).float()
        x = F.interpolate(x, (SIDE, SIDE), mode="bilinear", align_corners=False, antialias=False)
        features: Tensor = self.network(x)
        return features
