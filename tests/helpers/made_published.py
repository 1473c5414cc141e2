"""Files of random weights in the layouts of networks that others publish."""

import torch
from torch import Tensor

INCEPTION_TABLE = """
Conv2d_1a_3x3 3 32 3 3 | Conv2d_2a_3x3 32 32 3 3 | Conv2d_2b_3x3 32 64 3 3
Conv2d_3b_1x1 64 80 1 1 | Conv2d_4a_3x3 80 192 3 3
Mixed_5b A 192 32 | Mixed_5c A 256 64 | Mixed_5d A 288 64 | Mixed_6a B 288
Mixed_6b C 768 128 | Mixed_6c C 768 160 | Mixed_6d C 768 160 | Mixed_6e C 768 192
Mixed_7a D 768 | Mixed_7b E 1280 | Mixed_7c E 2048
"""
BLOCKS = {
    "A": "branch1x1 i 64 1 1,branch5x5_1 i 48 1 1,branch5x5_2 48 64 5 5,branch3x3dbl_1 i 64 1 1,"
    "branch3x3dbl_2 64 96 3 3,branch3x3dbl_3 96 96 3 3,branch_pool i w 1 1",
    "B": "branch3x3 i 384 3 3,branch3x3dbl_1 i 64 1 1,branch3x3dbl_2 64 96 3 3,"
    "branch3x3dbl_3 96 96 3 3",
    "C": "branch1x1 i 192 1 1,branch7x7_1 i w 1 1,branch7x7_2 w w 1 7,branch7x7_3 w 192 7 1,"
    "branch7x7dbl_1 i w 1 1,branch7x7dbl_2 w w 7 1,branch7x7dbl_3 w w 1 7,"
    "branch7x7dbl_4 w w 7 1,branch7x7dbl_5 w 192 1 7,branch_pool i 192 1 1",
    "D": "branch3x3_1 i 192 1 1,branch3x3_2 192 320 3 3,branch7x7x3_1 i 192 1 1,"
    "branch7x7x3_2 192 192 1 7,branch7x7x3_3 192 192 7 1,branch7x7x3_4 192 192 3 3",
    "E": "branch1x1 i 320 1 1,branch3x3_1 i 384 1 1,branch3x3_2a 384 384 1 3,"
    "branch3x3_2b 384 384 3 1,branch3x3dbl_1 i 448 1 1,branch3x3dbl_2 448 384 3 3,"
    "branch3x3dbl_3a 384 384 1 3,branch3x3dbl_3b 384 384 3 1,branch_pool i 192 1 1",
}
"""The published layout: name, channels in and out, kernel height and width of each convolution."""


def inception_layout() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"fc.weight": (1008, 2048), "fc.bias": (1008,)}
    for entry in INCEPTION_TABLE.replace("\n", "|").split("|"):
        fields = entry.split()
        if not fields:
            continue
        if fields[1] in BLOCKS:
            letters = {"i": fields[2], "w": fields[-1]}
            rows = [
                [letters.get(x, x) for x in row.split()] for row in BLOCKS[fields[1]].split(",")
            ]
            rows = [[f"{fields[0]}.{row[0]}", *row[1:]] for row in rows]
        else:
            rows = [fields]
        for name, into, out, height, width in rows:
            shapes[f"{name}.conv.weight"] = (int(out), int(into), int(height), int(width))
            norm = ("weight", "bias", "running_mean", "running_var")
            shapes |= {f"{name}.bn.{key}": (int(out),) for key in norm}
            shapes[f"{name}.bn.num_batches_tracked"] = ()
    return shapes


def conv_layout(prefix: str, rows: dict[int, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for index, shape in rows.items():
        shapes |= {f"{prefix}.{index}.weight": shape, f"{prefix}.{index}.bias": shape[:1]}
    return shapes


VGG_WIDTHS = {
    16: (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512),
    19: (64, 64, 0, 128, 128, 0, *[256] * 4, 0, *[512] * 4, 0, *[512] * 4),
}


def vgg_layout(depth: int) -> dict[str, tuple[int, ...]]:
    rows, index, channels = {}, 0, 3
    for width in VGG_WIDTHS[depth]:
        if width:
            rows[index] = (width, channels, 3, 3)
            channels = width
        index += 2 if width else 1
    top = {0: (4096, 25088), 3: (4096, 4096), 6: (1000, 4096)}
    return conv_layout("features", rows) | conv_layout("classifier", top)


ALEXNET_LAYOUT = conv_layout(
    "features",
    {
        0: (64, 3, 11, 11),
        3: (192, 64, 5, 5),
        6: (384, 192, 3, 3),
        8: (256, 384, 3, 3),
        10: (256, 256, 3, 3),
    },
) | conv_layout("classifier", {1: (4096, 9216), 4: (4096, 4096), 6: (1000, 4096)})


def random_weights(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> dict[str, Tensor]:
    """Weights under which signals neither die nor explode."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            continue
        tensor = torch.randn(shape, generator=generator)
        if len(shape) > 1:
            tensor *= (2 / (tensor[0].numel())) ** 0.5
        elif name.endswith("running_var"):
            tensor = tensor.abs() + 0.5
        else:
            tensor *= 0.1
        tensors[name] = tensor + (1 if name.endswith("bn.weight") else 0)
    return tensors


def compact_weights(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> dict[str, Tensor]:
    """`random_weights`, but for classifiers that nothing runs: zeros that take up no space."""
    run = {name: shape for name, shape in shapes.items() if not name.startswith("classifier")}
    zeros = {name: torch.zeros(1).expand(shapes[name]) for name in shapes.keys() - run.keys()}
    return random_weights(run, seed) | zeros


def linear_layout(widths: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """LPIPS' layers over maps of so many channels."""
    return {f"lin{i}.model.1.weight": (1, width, 1, 1) for i, width in enumerate(widths)}


ALEXNET_MAPS = (64, 192, 384, 256, 256)
VGG16_MAPS = (64, 128, 256, 512, 512)
"""Channels of the five maps that LPIPS compares."""
