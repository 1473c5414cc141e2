"""Pictures of folders and their references: matched by name, read in batches of one size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from pipeline.common.images import EXTENSIONS, read_image
from pipeline.common.picture_files import matching_name
from pipeline.common.progress import progress
from sketchface.score_options import Options
from sketchface_models.errors import SketchFaceError
from sketchface_models.metrics.registry import least_side

BATCH_PIXELS = 2**20


def files_by_name(
    folder: Path, patterns: Sequence[str] = (), references: Mapping[str, Path] | None = None
) -> dict[str, Path]:
    """Return the picture files of a folder by the name of their reference.

    Args:
        folder: of the pictures; subfolders are not searched.
        patterns: of file names, `*` stands for the reference's name.
        references: the references by name; None if these files are the references.

    Raises:
        SketchFaceError: if there is no such folder, no picture in it, or a name stands for two.
    """
    if not folder.is_dir():
        raise SketchFaceError(f"{folder}: no such folder")
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in EXTENSIONS or path.name.startswith("."):
            continue
        name = matching_name(path.stem)
        if references is None or name not in references:
            name = _stripped(name, patterns)
        if name in files:
            raise SketchFaceError(f"{path}: {files[name].name} has the same name; keep one of both")
        files[name] = path
    if not files:
        raise SketchFaceError(f"{folder}: no picture in it (subfolders are not searched)")
    return files


def _stripped(stem: str, patterns: Sequence[str]) -> str:
    """Return what `*` stands for in the first pattern that a name has; else the name.

    Raises:
        SketchFaceError: for a pattern without one `*`.
    """
    for pattern in patterns:
        if pattern.count("*") != 1:
            raise SketchFaceError(f"--match {pattern}: expected one * for the reference's name")
        before, after = matching_name(pattern).split("*")
        if stem.startswith(before) and stem.endswith(after) and len(stem) > len(before + after):
            return stem[len(before) : len(stem) - len(after)]
    return stem


def folder_labels(folders: Sequence[Path]) -> list[str]:
    """Return the folders' names; their paths where two have one name."""
    names = [folder.name or str(folder) for folder in folders]
    return names if len(set(names)) == len(names) else [str(folder) for folder in folders]


def batches(
    pairs: Sequence[tuple[Path, Path]], options: Options
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield consecutive pairs of one size as two tensors (B, C, H, W) uint8.

    Args:
        pairs: files of (reference, result).
        options: size and colour in which they are read.

    Raises:
        SketchFaceError: if a file is damaged, or a pair's sizes differ or are too small.
    """
    batch: list[tuple[np.ndarray, np.ndarray]] = []
    for paths in progress(pairs, len(pairs), "score", "pair"):
        pair = _read_pair(*paths, options)
        full = (len(batch) + 1) * pair[0].size > BATCH_PIXELS
        if batch and (full or batch[0][0].shape != pair[0].shape):
            yield _tensors(batch)
            batch = []
        batch.append(pair)
    yield _tensors(batch)


def _tensors(batch: list[tuple[np.ndarray, np.ndarray]]) -> tuple[Tensor, Tensor]:
    references, results = (torch.from_numpy(np.stack(side)) for side in zip(*batch, strict=True))
    return references, results


def _read_pair(reference: Path, result: Path, options: Options) -> tuple[np.ndarray, np.ndarray]:
    ours, theirs = (_read(path, options) for path in (reference, result))
    if ours.shape != theirs.shape:
        raise SketchFaceError(
            f"{result}: {_size(theirs)} pixels, but {reference.name} has {_size(ours)};"
            " make them equal or give --size"
        )
    least = least_side(options.pairwise) if options.pairwise else 1
    if min(ours.shape[1:]) < least:
        raise SketchFaceError(
            f"{reference}: {_size(ours)} pixels; the metrics need sides of {least} or more"
            " (--size enlarges)"
        )
    return ours, theirs


def _read(path: Path, options: Options) -> np.ndarray:
    """Read (C, H, W) uint8, resized as MATLAB's `imresize` does (bicubic, antialiased)."""
    picture = read_image(path, mode="RGB" if options.colour else "L")
    if options.target is not None:
        way = Image.Resampling.BICUBIC
        picture = np.asarray(Image.fromarray(picture).resize(options.target, way))
    return picture[None] if picture.ndim == 2 else np.moveaxis(picture, 2, 0)


def _size(image: np.ndarray) -> str:
    return f"{image.shape[2]} x {image.shape[1]}"
