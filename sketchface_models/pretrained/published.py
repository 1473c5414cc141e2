"""Weights that their authors publish, read from files of the user's; nothing is ever fetched.

The files lie in `models/judges/` (metrics) and `models/losses/` (losses) under their public names.
They are in torch's own format, which may hold any code: they are read by torch's weights-only
reader, which makes tensors alone.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from sketchface_models.checkpoint import load_into
from sketchface_models.errors import SketchFaceError

JUDGES = Path("models/judges")
"""Folder of the networks that metrics are made of."""
LOSSES = Path("models/losses")
"""Folder of the networks that losses are made of."""

HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,})\.pth$")
"""Public names end in the first digits of the file's own SHA-256."""


@dataclass(frozen=True)
class Published:
    """A public file of weights.

    name: under which its authors publish it. source: where it comes from, in words.
    """

    name: str
    source: str

    def remedy(self, folder: Path) -> str:
        """What to do where it is not there."""
        return f"get {self.name} ({self.source}) and put it into {folder}/"


INCEPTION = Published(
    "pt_inception-2015-12-05-6726825d.pth", "pytorch-fid's release of the FID network"
)
ALEXNET = Published("alexnet-owt-7be5be79.pth", "torchvision's AlexNet for ImageNet")
VGG16 = Published("vgg16-397923af.pth", "torchvision's VGG16 for ImageNet")
VGG19 = Published("vgg19-dcbb9e9d.pth", "torchvision's VGG19 for ImageNet")
LPIPS_ALEX = Published("alex.pth", "the linear layers of LPIPS v0.1 over AlexNet")
LPIPS_VGG = Published("vgg.pth", "the linear layers of LPIPS v0.1 over VGG16")


def load_published(network: nn.Module, file: Published, folder: Path) -> nn.Module:
    """Return `network` with the weights of a public file, in eval mode and frozen.

    Args:
        network: with the file's parameter names.
        file: which.
        folder: where it lies.

    Raises:
        SketchFaceError: if the file is missing, damaged, not the one of that name, or lacks a
            weight, naming it and what to do.
    """
    path = folder / file.name
    tensors = read_published(file, folder)
    # Counters of batches came to batch norms later than some files; nothing in eval mode reads
    # them.
    for key, value in network.state_dict().items():
        if key.endswith("num_batches_tracked"):
            tensors.setdefault(key, torch.zeros_like(value))
    load_into(network, tensors, path)
    return network.eval().requires_grad_(False)


def read_published(file: Published, folder: Path) -> dict[str, Tensor]:
    """Return the tensors of a public file by name, in 32 bits.

    Raises:
        SketchFaceError: as `load_published`, but for what a network misses in it.
    """
    path = folder / file.name
    check_published(file, folder)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch answers damaged weights with exceptions of every kind
        reason = " ".join(str(error).split())[:120]
        raise SketchFaceError(
            f"{path}: not a file of weights ({reason}); {file.remedy(folder)}"
        ) from None
    plain = isinstance(content, dict) and all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items()
    )
    if not plain:
        raise SketchFaceError(f"{path}: holds more than weights; {file.remedy(folder)}")
    return {key: v.float() if v.is_floating_point() else v for key, v in content.items()}


def check_published(file: Published, folder: Path) -> str:
    """Return the SHA-256 (hex) of a public file, once it is known to be the one of its name.

    Raises:
        SketchFaceError: if it is missing, or its hash is not the one that its name carries.
    """
    path = folder / file.name
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise SketchFaceError(f"{path}: {error.strerror}; {file.remedy(folder)}") from None
    stated = HASH_IN_NAME.search(file.name)
    if stated and not digest.startswith(stated[1]):
        raise SketchFaceError(
            f"{path}: its SHA-256 begins with {digest[:8]}, its name says {stated[1]}; "
            f"{file.remedy(folder)}"
        )
    return digest
