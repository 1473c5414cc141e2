"""How fast the built-in faces are drawn, in how little memory, and whether a detector sees them.

    python benchmarks/built_in_faces.py speed
    python benchmarks/built_in_faces.py memory --count 1000
    python benchmarks/built_in_faces.py detector --count 3000

All in one thread (say OMP_NUM_THREADS=1). `detector` is the project's own MediaPipe: how many faces
it finds, and how far its landmarks lie from the exact ones, by pose and by skin tone.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import cv2
import joblib
import numpy as np
import psutil

from pipeline.landmarks.face_mesh import FaceMesh
from synthetic_faces import STYLES, render
from synthetic_faces.doodles import doodle
from synthetic_faces.edits import edit_set

SEED = 0
FRONTAL = 20.0
"""Degrees of yaw below which a face counts as frontal."""
LUMA = np.array([0.2126, 0.7152, 0.0722])


class Sighting(NamedTuple):
    """What the detector made of one face.

    yaw, pitch: degrees. luma: of the skin tone, 0 to 255. error: mean distance of the 68 landmarks,
    in outer-eye distances of the exact ones; nan where it was not found.
    """

    yaw: float
    pitch: float
    luma: float
    error: float


def main() -> None:
    cv2.setNumThreads(1)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("mode", choices=("speed", "memory", "detector"))
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--jobs", type=int, default=1, help="processes, for `detector` alone")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores; {options.count} faces, {options.size} px")
    {"speed": speed, "memory": memory, "detector": detector}[options.mode](options)


def speed(options: argparse.Namespace) -> None:
    """Mean milliseconds of each output, taken in turn face by face."""
    size = options.size

    def whole(number: int) -> None:
        render(SEED, number, size).sketch(STYLES[number % len(STYLES)])

    works: dict[str, Callable[[int], Any]] = {
        "photo, labels, depth, normals, landmarks, one sketch": whole,
        "  of it all but the sketch": lambda number: render(SEED, number, size),
    }
    faces = [render(SEED, number, size) for number in range(min(options.count, 24))]
    for style in STYLES:
        works[f"  a sketch in style {style}"] = lambda n, s=style: faces[n % len(faces)].sketch(s)
    works["rough lines"] = lambda number: faces[number % len(faces)].rough_lines()
    works["doodle"] = lambda number: doodle(SEED, number)
    works["edit set, two photos and four drawings"] = lambda n: edit_set(
        f"G{1 + n % 11}", SEED, n, size
    )
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for number in range(options.count):
        for name, work in works.items():
            wall, processor = time.perf_counter(), time.process_time()
            work(number)
            spent = (time.perf_counter() - wall, time.process_time() - processor)
            times[name].append(spent)
    print(f"{'':54}{'wall ms':>9}{'processor ms':>14}{'a second':>10}")
    for name, rounds in times.items():
        wall, processor = (1e3 * statistics.mean(column) for column in zip(*rounds, strict=True))
        print(f"{name:54}{wall:9.1f}{processor:14.1f}{1e3 / processor:10.1f}")


def memory(options: argparse.Namespace) -> None:
    """Resident memory after every tenth of the faces, none of which is kept."""
    process = psutil.Process()
    for number in range(options.count + 1):
        if number % max(1, options.count // 10) == 0:
            print(f"after {number:6} faces: {process.memory_info().rss / 2**20:7.1f} MiB")
        render(SEED, number, options.size).sketch(STYLES[number % len(STYLES)])


def detector(options: argparse.Namespace) -> None:
    """Found and missed, and where landmarks are found, by pose and by thirds of skin tone."""
    parts = np.array_split(np.arange(options.count), max(options.jobs, 1) * 8)
    batches = joblib.Parallel(n_jobs=options.jobs)(
        joblib.delayed(sightings)(part.tolist(), options.size) for part in parts
    )
    seen = [one for batch in batches for one in batch]
    yaw = np.abs([one.yaw for one in seen])
    luma = np.array([one.luma for one in seen])
    darker, lighter = np.quantile(luma, [1 / 3, 2 / 3])
    groups = {
        "all": yaw >= 0,
        f"frontal, |yaw| < {FRONTAL:.0f}": yaw < FRONTAL,
        "20 <= |yaw| < 35": (yaw >= FRONTAL) & (yaw < 35),
        "|yaw| >= 35": yaw >= 35,
        "darkest third": luma < darker,
        "middle third": (luma >= darker) & (luma < lighter),
        "lightest third": luma >= lighter,
    }
    errors = np.array([one.error for one in seen])
    print(f"{'':24}{'faces':>7}{'found':>9}{'mean error':>12}{'95th percentile':>17}")
    for name, chosen in groups.items():
        error = errors[chosen]
        found = error[~np.isnan(error)]
        row = f"{name:24}{len(error):7}{len(found) / max(len(error), 1):9.2%}"
        if len(found):
            row += f"{found.mean():12.2%}{np.percentile(found, 95):17.2%}"
        print(row)


def sightings(numbers: Iterable[int], size: int) -> list[Sighting]:
    """What the detector makes of some faces."""
    found = []
    with FaceMesh() as mesh:
        for number in numbers:
            face = render(SEED, number, size)
            detection = mesh.detect(face.photo)
            error = float("nan")
            if detection is not None:
                unit = np.linalg.norm(face.landmarks[45] - face.landmarks[36])
                away = np.linalg.norm(detection.landmarks - face.landmarks, axis=1)
                error = float(away.mean() / unit)
            view, tone = face.parameters.view, np.array(face.parameters.skin.tone)
            found.append(Sighting(view.yaw, view.pitch, float(tone @ LUMA), error))
    return found


if __name__ == "__main__":
    main()
