"""What the data stages cost, beside the bare cost of what they cannot do without.

    python benchmarks/preprocessing.py --count 192 --size 256 --rounds 3
    python benchmarks/preprocessing.py --count 24 --size 1024
    python benchmarks/preprocessing.py --cores 1 2
    python benchmarks/preprocessing.py --memory 1000 10000

Every stage runs whole (read shards, work, write shards, finished-shard markers) in one process, in
turn with its floor: the detector alone on photos in memory, the codecs alone on the pictures that
the stage reads and writes, the parser's network alone. The bound on the way
from photo files to depth is the sum of the floors; beside it stands the bound that has one bare
warp of each photo in it as well, which no alignment does without. Times are processor time, the
median of rounds. `--cores` shows wall time instead, over processes that are kept to so many cores;
`--memory` runs the stages in processes of their own over so many faces and shows each one's peak.
The photos are crops of one public picture, 1.6 times as large as the aligned ones.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import skimage.data
import torch
from PIL import Image

from pipeline.common.images import decode, encode_jpeg, encode_png, read_image, resize
from pipeline.common.shards import iter_rows
from pipeline.contours.contours import ContourSettings, draw_contours
from pipeline.datasets import ADAPTERS
from pipeline.depth.depth import DepthSettings, make_depth
from pipeline.faces.ingest import ingest
from pipeline.landmarks.face_mesh import FaceMesh
from pipeline.landmarks.landmarks import LandmarkSettings, find_landmarks
from pipeline.segment.segment import SegmentSettings, segment
from sketchface_models.config import load
from sketchface_models.pretrained.parsers import BATCH, PARSER_SIZE, FaceParser

adapter = ADAPTERS["folder"]

STAGES = ("faces", "landmarks", "contours", "segment", "depth")
FFHQ = 70_000
SHARE = 1.6  # sides of a source photo and of the aligned one
WARP = "align: bare warp"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=192)
    parser.add_argument("--size", type=int, default=256, help="side of the aligned faces")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--cores", type=int, nargs="+", metavar="CORES")
    parser.add_argument("--memory", type=int, nargs="+", metavar="COUNT")
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    parser.add_argument("--jobs", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--wall", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ["SKETCHFACE_JOBS"] = str(options.jobs)
    if options.stage:
        run(options.stage, options)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return
    if options.wall:
        print(json.dumps(wall(options)))
        return
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        if options.memory:
            memory(options)
        elif options.cores:
            scaling(options)
        else:
            speed(options)


def write_photos(count: int, side: int) -> None:
    """Different crops of the astronaut's head, as JPEG files."""
    picture = skimage.data.astronaut()
    Path("photos").mkdir(exist_ok=True)
    for number in range(len(list(Path("photos").iterdir())), count):
        rng = np.random.default_rng(number)
        left, top, wide = rng.integers((80, 0, 190), (121, 11, 240))
        crop = np.ascontiguousarray(picture[top : top + wide, left : left + wide])
        shade = crop.astype(np.int16) + rng.integers(-20, 20, 3)  # no two files are alike
        photo = resize(np.clip(shade, 0, 255).astype(np.uint8), (side, side))
        Path("photos", f"{number:06d}.jpg").write_bytes(encode_jpeg(photo))


def run(stage: str, options: argparse.Namespace) -> None:
    """A whole stage with its default settings, in this folder."""
    faces, landmarks, out = Path("faces"), Path("landmarks"), Path(stage)
    if stage == "faces":
        ingest(adapter, data_settings(options), out)
    elif stage == "landmarks":
        find_landmarks(faces, out, LandmarkSettings("mediapipe", 0.5))
    elif stage == "contours":
        draw_contours(faces, landmarks, out, ContourSettings(2.0, 1.0, 0))
    elif stage == "segment":
        segment(faces, landmarks, out, segment_settings())
    else:
        make_depth(faces, landmarks, out, DepthSettings("facemesh"))


def data_settings(options: argparse.Namespace) -> adapter.Settings:
    import yaml

    from pipeline.common.code_hash import ROOT

    values = yaml.safe_load((ROOT / "conf" / "data" / "folder.yaml").read_text())
    values |= {"root": ".", "photos": "photos", "sketches": "", "val_fraction": 0.0}
    values |= {"size": options.size, "shards": options.shards, "test_fraction": 0.0}
    return load(adapter.Settings, values, "data")


def segment_settings() -> SegmentSettings:
    import yaml

    from pipeline.common.code_hash import ROOT

    return load(SegmentSettings, yaml.safe_load((ROOT / "params.yaml").read_text())["segment"])


def processor_time(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def speed(options: argparse.Namespace) -> None:
    write_photos(options.count, round(options.size * SHARE))
    stages: dict[str, list[float]] = {name: [] for name in STAGES}
    parts: dict[str, list[float]] = {}
    for number in range(options.rounds + 1):  # the first starts models, and is not counted
        os.environ["DVC_ROOT"] = f"round{number}"
        for name in STAGES:
            seconds = processor_time(functools.partial(run, name, options))
            if number:
                stages[name].append(seconds)
        for name, work in floors().items():
            seconds = processor_time(work)
            if number:
                parts.setdefault(name, []).append(seconds)
    report(options, stages, parts)


def floors() -> dict[str, Callable[[], object]]:
    """The bare work on the pictures that the stages read and wrote, by name."""
    files = sorted(Path("photos").iterdir())
    photos = [read_image(path) for path in files]
    jpegs = [row["photo"]["bytes"] for row in iter_rows("faces", ["id", "photo"])]
    aligned = [decode(data) for data in jpegs]
    drawn = {
        name: [decode(row[column]["bytes"]) for row in iter_rows(name, ["id", column])]
        for name, column in (("contours", "contour"), ("segment", "labels"), ("depth", "depth"))
    }
    detector = bare_detector()

    def each(work: Callable[[object], object], things: list) -> Callable[[], object]:
        return lambda: [work(thing) for thing in things]

    return {
        "faces: decode photos": each(lambda path: Image.open(path).load(), files),
        "faces: detector": each(detector, photos),
        "faces: encode": each(encode_jpeg, aligned),
        "landmarks: decode": each(decode, jpegs),
        "landmarks: detector": each(detector, aligned),
        "contours: encode": each(encode_png, drawn["contours"]),
        "segment: encode": each(encode_png, drawn["segment"]),
        "segment: network": each(*network(aligned)),
        "depth: encode": each(encode_png, drawn["depth"]),
        WARP: each(functools.partial(bare_warp, size=aligned[0].shape[0]), photos),
    }


def bare_warp(photo: np.ndarray, size: int) -> np.ndarray:
    """One bilinear warp to the aligned size, which is less than a warp without aliasing."""
    scale = size / photo.shape[0]
    matrix = np.array([[scale, 0.05 * scale, 0.0], [-0.05 * scale, scale, 0.0]])
    return cv2.warpAffine(photo, matrix, (size, size), flags=cv2.INTER_LINEAR)


@functools.cache
def bare_detector() -> Callable[[np.ndarray], object]:
    """MediaPipe's graph, of which nothing is read."""
    detector = FaceMesh()
    return detector._process


def network(aligned: list[np.ndarray]) -> tuple[Callable[[torch.Tensor], object], list]:
    """The shipped parser's forward pass, and the batches that it parses faces in."""
    faces = np.stack([resize(photo, (PARSER_SIZE, PARSER_SIZE)) for photo in aligned])
    batches = torch.from_numpy(faces).permute(0, 3, 1, 2).float().div(127.5).sub(1).split(BATCH)
    return FaceParser().logits, list(batches)


def report(
    options: argparse.Namespace, stages: dict[str, list[float]], parts: dict[str, list[float]]
) -> None:
    count = len(list(iter_rows("landmarks", ["id"])))
    print(f"{count} faces, {options.size} px, one process, {platform.machine()}\n")
    print("| stage | ms a face | faces/s | its floor, ms | floor / stage |\n|---|---|---|---|---|")
    spent = {name: 1e3 * statistics.median(times) / count for name, times in stages.items()}
    bare = {name: 1e3 * statistics.median(times) / count for name, times in parts.items()}
    bound = 0.0
    for name, each in spent.items():
        floor = sum(value for part, value in bare.items() if part.startswith(f"{name}:"))
        bound += floor
        print(f"| {name} | {each:.2f} | {1e3 / each:.0f} | {floor:.2f} | {floor / each:.0%} |")
    whole = sum(spent.values())
    print(f"| all | {whole:.2f} | {1e3 / whole:.0f} | {bound:.2f} | **{bound / whole:.0%}** |")
    bound += bare[WARP]
    print(f"| all, with a bare warp | {whole:.2f} | | {bound:.2f} | {bound / whole:.0%} |\n")
    print("| floor | ms a face |\n|---|---|")
    print("\n".join(f"| {name} | {value:.2f} |" for name, value in bare.items()), "\n")
    disk = {name: size_of(Path(name)) / count for name in STAGES}
    print(f"FFHQ's {FFHQ:,} at {options.size} px from these figures, on so many cores:\n")
    print("| stage | 1 core, h | 16 cores, h | disk, GB |\n|---|---|---|---|")
    for name, each in [*spent.items(), ("all", whole)]:
        hours = each * FFHQ / 3.6e6
        size = FFHQ * (disk[name] if name in disk else sum(disk.values())) / 1e9
        print(f"| {name} | {hours:.2f} | {hours / 16:.2f} | {size:.1f} |")
    print("\nDisk: the stages' folders; the shard store and DVC's cache hold a copy each.")


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def scaling(options: argparse.Namespace) -> None:
    """Wall time of every stage over processes that share so many cores."""
    write_photos(options.count, round(options.size * SHARE))
    allowed = sorted(os.sched_getaffinity(0))
    times: dict[int, dict[str, float]] = {}
    for cores in options.cores:
        if cores > len(allowed):
            sys.exit(f"--cores {cores}: this machine gives {len(allowed)}")
        os.sched_setaffinity(0, allowed[:cores])  # threads must not reach for the other cores
        rounds = ["--rounds", str(options.rounds)]
        times[cores] = json.loads(own_process(options, "--wall", "--jobs", str(cores), *rounds))
        os.sched_setaffinity(0, allowed)
    first = options.cores[0]
    print(f"{options.count} photos, {options.size} px, {options.shards} shards; ms of wall time\n")
    print("| stage |" + "".join(f" {cores} |" for cores in times) + " of linear |")
    print("|---" * (2 + len(times)) + "|")
    for name in (*STAGES, "all"):
        spent = [1e3 * each[name] / options.count for each in times.values()]
        share = spent[0] * first / (spent[-1] * options.cores[-1])
        print(f"| {name} |" + "".join(f" {value:.2f} |" for value in spent) + f" {share:.0%} |")


def wall(options: argparse.Namespace) -> dict[str, float]:
    """Seconds each stage takes, the median of rounds; the first starts workers and models."""
    stages: dict[str, list[float]] = {name: [] for name in STAGES}
    for number in range(options.rounds + 1):
        os.environ["DVC_ROOT"] = f"jobs{options.jobs}-{number}"
        for name in STAGES:
            start = time.perf_counter()
            run(name, options)
            if number:
                stages[name].append(time.perf_counter() - start)
    spent = {name: statistics.median(times) for name, times in stages.items()}
    return spent | {"all": sum(spent.values())}


def own_process(options: argparse.Namespace, *arguments: str) -> str:
    """The last line of what this program says with other arguments in a process of its own."""
    command = [sys.executable, str(SCRIPT), *arguments]
    command += ["--size", str(options.size), "--shards", str(options.shards)]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": path}
    said = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return said.stdout.strip().split("\n")[-1]


def memory(options: argparse.Namespace) -> None:
    peaks: dict[str, list[int]] = {name: [] for name in STAGES}
    for count in options.memory:
        write_photos(count, round(options.size * SHARE))
        os.environ["DVC_ROOT"] = f"memory{count}"
        for name in STAGES:
            peaks[name].append(int(own_process(options, "--stage", name)))
        kept = json.loads(Path("faces/dataset.json").read_text())["accepted"]
        print(f"{count} photos offered, {kept} accepted", flush=True)
    print(f"\nPeak memory, MiB; {options.size} px, {options.shards} shards\n")
    print("| stage |" + "".join(f" {count} faces |" for count in options.memory))
    print("|---" * (1 + len(options.memory)) + "|")
    for name, values in peaks.items():
        print(f"| {name} |" + "".join(f" {value / 1024:.0f} |" for value in values))


SCRIPT = Path(__file__).resolve()
ROOT = SCRIPT.parents[1]

if __name__ == "__main__":
    main()
