"""What the landmarks stage costs beyond MediaPipe itself.

    python benchmarks/landmarks.py --count 200 --size 256

The stage (read shards, decode, detect, write shards, finished-shard markers) against MediaPipe's
own `FaceMesh.process` on decoded photos in memory: same number of processes, one detector in each,
rounds in turn. On a busy machine believe the processor time. Photos are those of `--faces`, or
crops of one public picture.
"""

from __future__ import annotations

import argparse
import functools
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path

import joblib
import numpy as np
import psutil
import pyarrow as pa
import skimage.data

from pipeline.common.images import decode, encode_jpeg, resize
from pipeline.common.parallel import workers
from pipeline.common.shards import IMAGE, image_cell, iter_rows, shard_name, write_rows
from pipeline.landmarks.face_mesh import quiet
from pipeline.landmarks.landmarks import LandmarkSettings, find_landmarks

SHARDS = 8
DISTINCT = 16  # photos of a shard held in memory; joblib restarts processes that grow large
SCHEMA = pa.schema([("id", pa.string()), ("photo", IMAGE)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--size", type=int, default=256, help="side of the crops, pixels")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--faces", type=Path, help="folder of the faces stage")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        encoded = list(islice(photos(options), options.count // SHARDS * SHARDS))
        write_inputs(folder, encoded)
        # The first round starts processes and models, and is not counted.
        rounds = [
            (measure(run_stage, folder, number), measure(run_bare, folder, len(encoded)))
            for number in range(options.rounds + 1)
        ][1:]
    report(len(encoded), decode(encoded[0]).shape[0], rounds)


def photos(options: argparse.Namespace) -> Iterator[bytes]:
    """Encoded photos, as the faces stage stores them."""
    if options.faces:
        yield from (row["photo"]["bytes"] for row in iter_rows(options.faces, ["id", "photo"]))
        return
    picture = skimage.data.astronaut()
    rng = np.random.default_rng(0)
    for _ in range(options.count):
        left, top, side = rng.integers((80, 0, 190), (121, 11, 240))
        crop = np.ascontiguousarray(picture[top : top + side, left : left + side])
        yield encode_jpeg(resize(crop, (options.size, options.size)))


def write_inputs(folder: Path, encoded: list[bytes]) -> None:
    for number in range(SHARDS):
        chosen = range(number, len(encoded), SHARDS)
        rows = [{"id": f"{i:06d}", "photo": image_cell(encoded[i], "p")} for i in chosen]
        write_rows(folder / "faces" / "shards" / shard_name(number), rows, SCHEMA)
        kept = list(chosen)[:DISTINCT]
        np.save(folder / f"{number}.npy", np.stack([decode(encoded[i]) for i in kept]))


def measure(work: Callable[..., None], *arguments: object) -> tuple[float, float]:
    """Seconds on the clock, and of processor time in this process and its workers."""
    start, used = time.perf_counter(), processor_time()
    work(*arguments)
    return time.perf_counter() - start, processor_time() - used


def processor_time() -> float:
    this = psutil.Process()
    times = [process.cpu_times() for process in (this, *this.children(recursive=True))]
    return sum(spent.user + spent.system for spent in times)


def run_stage(folder: Path, number: int) -> None:
    """The whole stage, with nothing finished before."""
    os.environ["DVC_ROOT"] = str(folder / f"round{number}")
    settings = LandmarkSettings(detector="mediapipe", min_confidence=0.5)
    find_landmarks(folder / "faces", folder / "landmarks", settings)


def run_bare(folder: Path, count: int) -> None:
    """MediaPipe alone, in the same pool of processes."""
    tasks = (joblib.delayed(_bare)(folder / f"{i}.npy", count // SHARDS) for i in range(SHARDS))
    joblib.Parallel(n_jobs=workers(SHARDS))(tasks)


Measured = tuple[float, float]


def report(count: int, size: int, rounds: list[tuple[Measured, Measured]]) -> None:
    print(f"{count} photos, {size} px, {workers(SHARDS)} processes, {platform.machine()}")
    print("| | landmarks stage | MediaPipe bare | stage / bare |")
    print("|---|---|---|---|")
    for number, name in enumerate(("images/s", "images/s of processor time")):
        stage = [count / one[number] for one, _ in rounds]
        bare = [count / other[number] for _, other in rounds]
        ratios = sorted(b / s for s, b in zip(stage, bare, strict=True))
        middle = statistics.median(ratios)
        print(
            f"| {name} | {statistics.median(stage):.0f} | {statistics.median(bare):.0f} | "
            f"{middle:.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f}) |"
        )


def _bare(path: Path, count: int) -> int:
    process, photos = _process(), cycle(_photos(path))
    return sum(process(next(photos)).multi_face_landmarks is not None for _ in range(count))


@functools.cache
def _photos(path: Path) -> np.ndarray:
    return np.load(path)


@functools.cache
def _process():
    with quiet():
        from mediapipe.python.solutions.face_mesh import FaceMesh

        mesh = FaceMesh(static_image_mode=True, max_num_faces=5, refine_landmarks=True)
        mesh.process(np.zeros((64, 64, 3), np.uint8))
    return mesh.process


if __name__ == "__main__":
    # Under its own name, so that worker processes import it and keep their detectors.
    from landmarks import main as run

    run()
