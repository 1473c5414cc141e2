"""Depth pictures made elsewhere, by 3DDFA_V2 say, matched to the faces by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from face_geometry.align import warp_depth
from pipeline.common.images import EXTENSIONS, whole_bytes
from pipeline.common.picture_files import matching_name, safe_id
from pipeline.common.shards import file_hash
from sketchface_models.errors import SketchFaceError

Pictures = dict[str, list[tuple[str, str]]]
"""A face's id -> file and hash of every depth picture of its name."""


class Unusable(Exception):
    """Why a face has no depth, in one line."""


def listed(folder: Path | str) -> dict[str, list[Path]]:
    """List every picture under a folder, by the names that a face may have.

    A face's id is matched with the file's name, and with its path: `photo1/image0110.png` stands
    for `image0110`, `photo1-image0110`, `photo1_image0110` and `photo1.image0110`. Where those are
    no ids as they are (`José`, `anna/my face`), it stands for the ids made of them, too.

    Raises:
        SketchFaceError: if there is no such folder, or no picture in it.
    """
    root = Path(folder)
    by_name: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() in EXTENSIONS and path.is_file():
            parts = path.relative_to(root).with_suffix("").parts
            inside = ["/".join(parts), parts[-1], *(mark.join(parts) for mark in "-_.")]
            for name in {matching_name(name) for name in inside} | set(map(safe_id, inside)):
                by_name[name].append(path)
    if not by_name:
        raise SketchFaceError(
            f"depth.path: {str(folder)!r} holds no depth pictures; put them there, named by the "
            "ids of the faces, or choose another depth.backend"
        )
    return by_name


def pictures_of(names: dict[str, list[Path]], ids: Iterable[str]) -> Pictures:
    """Return the depth pictures of those faces that have any."""
    return {
        id: [(str(path), _digest(path)) for path in names[matching_name(id)]]
        for id in ids
        if matching_name(id) in names
    }


def read_depth(
    pictures: list[tuple[str, str]],
    size: int,
    transform: np.ndarray | None,
    nearer: str,
    wanted: str,
) -> np.ndarray:
    """Read the depth of a face.

    Args:
        pictures: a face's entry in `pictures_of`.
        size: side of the aligned pictures, pixels.
        transform: (2, 3), source to aligned pixels, for pictures made of the source photos; None
            for pictures made of the aligned ones.
        nearer: high or low: which values are near.
        wanted: the name that a depth picture of this face has, without ending; for messages.

    Returns:
        (size, size) float32 in [0, 1].

    Raises:
        Unusable: if there is none, several, or the picture cannot be a depth picture.
    """
    if not pictures:
        raise Unusable(f"no depth picture {wanted}.png, or with another picture's ending; add it")
    if len(pictures) > 1:
        names = " and ".join(path for path, _ in pictures[:2])
        raise Unusable(f"{len(pictures)} depth pictures of this name, {names}")
    path = Path(pictures[0][0])
    depth = _grey(path)
    if nearer == "low":
        depth = 1 - depth
    if transform is not None:
        return warp_depth(depth, transform, size)
    if depth.shape != (size, size):
        height, width = depth.shape
        raise Unusable(f"{path.name}: {width} x {height} pixels; wanted {size} x {size}")
    return depth


def _digest(path: Path) -> str:
    try:
        return file_hash(path)
    except OSError:
        return ""  # reading it will say why


def _grey(path: Path) -> np.ndarray:
    """Read grey of 8 or 16 bits, or three equal channels, as (H, W) float32 in [0, 1]."""
    try:
        image = cv2.imdecode(np.frombuffer(whole_bytes(path), np.uint8), cv2.IMREAD_UNCHANGED)
    except SketchFaceError as error:
        raise Unusable(str(error).replace(f"{path.parent}/", "")) from None
    except cv2.error:
        image = None
    if image is None:
        raise Unusable(f"{path.name}: not a readable picture")
    if image.dtype not in (np.uint8, np.uint16):
        raise Unusable(f"{path.name}: {image.dtype} values; wanted 8 or 16 bits")
    if image.ndim == 3:
        colours = image[..., :3]
        if (colours != colours[..., :1]).any():
            raise Unusable(f"{path.name}: a colour picture; wanted grey")
        image = colours[..., 0]
    if image.min() == image.max():
        raise Unusable(f"{path.name}: the same value everywhere")
    most = 255 if image.dtype == np.uint8 else 65535
    return (image / most).astype(np.float32)
