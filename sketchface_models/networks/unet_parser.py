"""The parsing U-Net of CelebAMask-HQ's reference code (docs/papers.md, Face parsing): the judge."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sketchface_models.labels import CLASSES

WIDTHS = (16, 32, 64, 128, 256)


class UNetParser(nn.Module):
    """Four halvings, four doublings, 1,944,355 weights for 19 classes.

    Every stage is twice [convolution 3 x 3 with bias, batch norm, ReLU]; at each doubling the
    skip's channels come first, those of the doubled map second.

    Shape: (B, 3, H, W) photos in [-1, 1], H and W multiples of 16 -> (B, classes, H, W) logits.
    """

    layout = torch.channels_last

    def __init__(self, classes: int = len(CLASSES)) -> None:
        super().__init__()
        entering = (3, *WIDTHS[:-1])
        self.down = nn.ModuleList(_stage(i, o) for i, o in zip(entering, WIDTHS, strict=True))
        self.grow = nn.ModuleList(
            nn.ConvTranspose2d(2 * width, width, 2, stride=2) for width in WIDTHS[-2::-1]
        )
        self.up = nn.ModuleList(_stage(2 * width, width) for width in WIDTHS[-2::-1])
        self.halve = nn.MaxPool2d(2)
        self.last = nn.Conv2d(WIDTHS[0], classes, 1)

    def forward(self, photo: Tensor) -> Tensor:
        *skips, x = self._descend(photo)
        for grow, stage in zip(self.grow, self.up, strict=True):
            x = stage(torch.cat([skips.pop(), grow(x)], dim=1))
        logits: Tensor = self.last(x)
        return logits

    def features(self, photo: Tensor) -> dict[str, Tensor]:
        """Return each stage's map on the way down, `stage1` (B, 16, H, W) to `centre` (/ 16)."""
        names = (*(f"stage{level + 1}" for level in range(len(WIDTHS) - 1)), "centre")
        return dict(zip(names, self._descend(photo), strict=True))

    def _descend(self, x: Tensor) -> list[Tensor]:
        maps = []
        for level, stage in enumerate(self.down):
            x = stage(self.halve(x) if level else x)
            maps.append(x)
        return maps


def _stage(channels: int, out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for entering in (channels, out):
        layers += [
            nn.Conv2d(entering, out, 3, padding=1),
            nn.BatchNorm2d(out),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)
