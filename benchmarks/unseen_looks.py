"""What a photo from a contour can score at best: `python benchmarks/unseen_looks.py --looks 8`.

A contour tells a face's shape, pose and expression, and nothing of its look: skin, hair, clothes,
light. So every built-in test face is rendered again as it is, but with the looks of other test
faces, and these photos are scored as a system's would be: one such photo (a system that guesses a
look), and the mean of several (one that knows nothing of looks, and admits it). Reads the faces
of `data/faces`.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from torch import Tensor

from pipeline.baselines.targets import read_dataset
from pipeline.common.progress import progress
from sketchface_models.metrics.retrieval import retrieve
from synthetic_faces.rendering import Rendering, render, render_parameters

LOOK = ("skin", "hair", "wear", "light", "film")
"""Groups of a face's parameters that its contour does not show."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of the stages")
    parser.add_argument("--seed", type=int, default=0, help="of the faces, data.seed")
    parser.add_argument("--looks", type=int, default=8, help="looks of others for each face")
    options = parser.parse_args()
    size = int(read_dataset(options.data)["size"])
    index = pq.read_table(options.data / "faces/index.parquet").to_pylist()
    ids = [row["id"] for row in index if row["split"] == "test"]
    faces = [render(options.seed, id, size) for id in progress(ids, len(ids), "faces", "face")]
    targets = torch.stack([as_tensor(face.photo) for face in faces])
    one, several = [], []
    for number in progress(range(len(faces)), len(faces), "looks", "face"):
        photos = other_looks(faces, number, options.looks)
        one.append(photos[0])
        several.append(photos.float().mean(dim=0).round().byte())
    print(f"{len(faces)} test faces at {size} px, {options.looks} looks each")
    report("one look", torch.stack(one), targets)
    report(f"mean of {options.looks}", torch.stack(several), targets)


def other_looks(faces: list[Rendering], number: int, looks: int) -> Tensor:
    """Return one face with the looks of others, (looks, 3, S, S) uint8."""
    face, step = faces[number], max(1, len(faces) // (looks + 1))
    photos = []
    for k in range(looks):
        other = faces[(number + 1 + k * step) % len(faces)].parameters
        look = {group: getattr(other, group) for group in LOOK}
        own = dataclasses.replace(face.parameters, **look)
        photos.append(as_tensor(render_parameters(own, face.seed, face.id, face.size).photo))
    return torch.stack(photos)


def report(name: str, photos: Tensor, targets: Tensor) -> None:
    """Print how often the right face is the most alike, and the mean difference."""
    ranks = retrieve(photos, targets)
    l1 = float((photos.float() - targets.float()).abs().mean()) / 255
    print(
        f"{name:12} rank-1 {ranks.accuracy(1):6.1%}   rank-5 {ranks.accuracy(5):6.1%}   L1 {l1:.4f}"
    )


def as_tensor(photo: np.ndarray) -> Tensor:
    """Return (H, W, 3) as (3, H, W)."""
    return torch.from_numpy(photo.copy()).permute(2, 0, 1)


if __name__ == "__main__":
    main()
