"""Small data sets drawn on the spot; the one face is skimage's public-domain astronaut."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from skimage.data import astronaut

FACE = astronaut()[0:250, 100:350]


def sketch_of(photo: np.ndarray) -> np.ndarray:
    """A grey pencil-like drawing of a photo: dark lines on light paper."""
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    return cv2.divide(grey, cv2.GaussianBlur(grey, (0, 0), 3), scale=240)


def turned_face(width: int, height: int, scale: float, degrees: float) -> np.ndarray:
    """The astronaut's face somewhere in a wider picture."""
    matrix = cv2.getRotationMatrix2D((125, 125), degrees, scale)
    matrix[:, 2] += np.array([width / 2 - 125, height / 2 - 125])
    return cv2.warpAffine(FACE, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def save(path: Path, image: np.ndarray, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, **options)
    return path


class MiniFS2K:
    """A tree in FS2K's layout: 5 train and 3 test pairs from all three sources.

    Nobody wears earrings; faces of the first source look ahead, and smile where their number is
    even.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.entries: dict[str, list[object]] = {"train": [], "test": []}
        for number in range(1, 5):
            split, photo = ("train", "test")[number > 2], FACE.copy()
            photo[:20, :20] = 40 * number  # every photo another one
            self.add(split, 1, number, photo, style=number % 2)
        self.add("train", 2, 1, turned_face(223, 318, 0.9, -8), style=2, sketch_ending=".png")
        self.add("train", 3, 1, turned_face(475, 340, 1.2, 12), style=2)
        self.add("test", 3, 449, turned_face(475, 340, 1.1, 0), style=0, photo_ending=".JPG")
        blank = np.full((340, 475, 3), 120, np.uint8)  # nothing to find here
        self.add("train", 3, 2, blank, style=2)
        self.write()

    def add(
        self,
        split: str,
        folder: int,
        number: int,
        photo: np.ndarray,
        style: object,
        photo_ending: str = ".jpg",
        sketch_ending: str = ".jpg",
    ) -> None:
        stem = f"{number:04d}"
        save(self.photo(folder, number, photo_ending), photo, quality=95, format="JPEG")
        sketch = np.repeat(sketch_of(photo)[..., None], 3, axis=2)
        save(self.root / f"sketch/sketch{folder}/sketch{stem}{sketch_ending}", sketch)
        annotated = {"frontal_face": int(folder > 1), "smile": number % 2, "earring": 1}
        named = {"image_name": f"photo{folder}/image{stem}", "style": style}
        self.entries[split].append(named | annotated)

    def photo(self, folder: int, number: int, ending: str = ".jpg") -> Path:
        return self.root / f"photo/photo{folder}/image{number:04d}{ending}"

    def write(self) -> None:
        for split, entries in self.entries.items():
            (self.root / f"anno_{split}.json").write_text(json.dumps(entries))


def other_photo(number: int) -> np.ndarray:
    """The astronaut's face before another background each time: no copies to a perceptual hash."""
    blocks = np.random.default_rng(number).integers(0, 2, (9, 9, 3)).astype(np.uint8) * 255
    background = cv2.resize(blocks, (250, 250), interpolation=cv2.INTER_LINEAR)
    y, x = np.mgrid[:250, :250]
    face = ((x - 118) / 50) ** 2 + ((y - 110) / 66) ** 2 < 1
    return np.where(face[..., None], FACE, background)
