"""AlexNet and VGG: the classifiers whose inner maps LPIPS and the perceptual loss compare.

Parameter names and shapes are those of the public files (`alexnet-owt-7be5be79.pth`,
`vgg16-397923af.pth`, `vgg19-dcbb9e9d.pth`), their classifier layers included, so that a file is
read whole; only the convolutions are run.
"""

from __future__ import annotations

from torch import Tensor, nn

CLASSES = 1000


class AlexNet(nn.Module):
    """AlexNet in one column (Krizhevsky 2014); 61,100,840 parameters.

    Shape: (B, 3, H, W), H and W of at least 63 -> the five maps behind its ReLUs, of 64, 192, 384,
    256 and 256 channels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()),
        )
        self.classifier = nn.Sequential(
            *(nn.Dropout(), nn.Linear(256 * 6 * 6, 4096), nn.ReLU()),
            *(nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU()),
            nn.Linear(4096, CLASSES),
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        return _maps(self.features, x, (1, 4, 7, 9, 11))


class VGG(nn.Module):
    """VGG of `depth` 16 or 19 (Simonyan and Zisserman 2015, Table 1, columns D and E).

    Args:
        depth: 16 (138,357,544 parameters) or 19 (143,667,240).
        convolution: which of a block's convolutions, counted from 1, gives the block's map; 0 = its
            last. 1 of VGG19: relu1_1, relu2_1, ..., relu5_1.

    Shape: (B, 3, H, W), H and W of at least 16 -> five maps behind ReLUs, of 64, 128, 256, 512 and
    512 channels, at 1/1, 1/2, ..., 1/16 of the side.
    """

    def __init__(self, depth: int, convolution: int = 0) -> None:
        super().__init__()
        counts = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}[depth]
        layers: list[nn.Module] = []
        self.taps: list[int] = []
        channels = 3
        for count, width in zip(counts, (64, 128, 256, 512, 512), strict=True):
            for index in range(1, count + 1):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
                if index == (convolution or count):
                    self.taps.append(len(layers) - 1)
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            *(nn.Linear(512 * 7 * 7, 4096), nn.ReLU(), nn.Dropout()),
            *(nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()),
            nn.Linear(4096, CLASSES),
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        return _maps(self.features, x, tuple(self.taps))


def _maps(layers: nn.Sequential, x: Tensor, taps: tuple[int, ...]) -> list[Tensor]:
    """The outputs of the layers `taps`, in order; what lies behind the last is not run."""
    maps: list[Tensor] = []
    for index, layer in enumerate(list(layers)[: taps[-1] + 1]):
        x = layer(x)
        if index in taps:
            maps.append(x)
    return maps
