"""What the shipped pix2pixHD makes of hand-drawn lines whose faces are known.

    python benchmarks/rough_drawings.py --count 60 --pictures rough

Rough drawings of built-in faces, turned by up to 15 degrees and made smaller on a white page, go
through `sketchface.translate`. Printed are the share of photos in which MediaPipe finds a face, and
the mean distance of its 68 landmarks from the true ones, brought to the framing by their own eyes
and mouth, in % of the outer-eye distance.
"""

from __future__ import annotations

import argparse
import statistics
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

import sketchface
from face_geometry.align import eyes_and_mouth, similarity, transform_points
from pipeline.datasets.synthetic import FRAMING
from pipeline.landmarks.accuracy import landmark_error
from pipeline.landmarks.face_mesh import FaceMesh
from sketchface_models.errors import SketchFaceError
from synthetic_faces import render

SIZE, PAGE, SCALE, TURN = 256, 400, 0.9, 15.0
SEED = 77  # no data set of the project has it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=30, help="faces")
    parser.add_argument("--pictures", type=Path, help="folder for drawings beside photos")
    options = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    errors: list[float] = []
    refused = 0
    with FaceMesh(choose="largest") as detector:
        for number in range(options.count):
            page, landmarks = drawing(number)
            try:
                [photo] = sketchface.translate(page, kind="contour", to="photo")
            except SketchFaceError as error:
                print(f"face {number}: {error}", flush=True)
                refused += 1
                continue
            side = photo.shape[0]
            home = similarity(eyes_and_mouth(landmarks), FRAMING.target(side))
            face = detector.detect(photo)
            if face is not None:
                true = transform_points(landmarks, home)
                errors.append(100 * float(landmark_error(face.landmarks, true).mean()))
            if options.pictures is not None:
                options.pictures.mkdir(parents=True, exist_ok=True)
                beside = np.hstack([cv2.resize(page, (side, side)), photo])
                Image.fromarray(beside).save(options.pictures / f"{number:03d}.png")
    generated = options.count - refused
    print(f"{options.count} drawings, {refused} refused; a face in {len(errors)} of {generated}")
    if errors:
        middle = statistics.median(errors)
        print(f"landmark error, %: mean {statistics.mean(errors):.1f}, median {middle:.1f}")
        print(f"largest {max(errors):.1f}")


def drawing(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a page, (PAGE, PAGE, 3) uint8, and the true landmarks on it, (68, 2) pixels."""
    face = render(SEED, number, SIZE)
    degrees = float(np.random.default_rng(number).uniform(-TURN, TURN))
    matrix = cv2.getRotationMatrix2D((SIZE / 2, SIZE / 2), degrees, SCALE)
    matrix[:, 2] += (PAGE - SIZE) / 2
    lines = cv2.warpAffine(face.rough_lines(), matrix, (PAGE, PAGE), borderValue=255)
    return np.repeat(lines[..., None], 3, axis=2), transform_points(face.landmarks, matrix)


if __name__ == "__main__":
    main()
