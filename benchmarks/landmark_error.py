"""How far landmarks and mesh depth are from the truth of the built-in faces, by pose.

    python benchmarks/landmark_error.py --count 300 --size 256

The faces' own heads are turned by 12 degrees or so; `--turn` turns every head by as much again to
one side or the other, so that the bins of turned heads are filled. Landmarks: mean distance in
outer-eye distances (300-W). Depth: root mean square after the best scale and shift, in standard
deviations of the exact depth; of the face alone, and of all the body with hair and clothes.
"""

from __future__ import annotations

import argparse
import dataclasses

import numpy as np

from face_geometry.palette import INDEX
from pipeline.depth.depth import DepthSettings
from pipeline.depth.mesh import mesh_depth
from pipeline.landmarks.accuracy import by_pose, depth_error, landmark_error
from pipeline.landmarks.landmarks import DETECTORS
from synthetic_faces import Rendering, render_parameters
from synthetic_faces.people.sampling import sample_person

MOST = 45.0
"""Degrees to which the built-in heads turn."""
FACE = [INDEX[name] for name in ("skin", "nose", "l_eye", "r_eye", "l_brow", "r_brow")]
FACE += [INDEX[name] for name in ("mouth", "u_lip", "l_lip")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--turn", type=float, default=0.0, help="degrees more, at most")
    parser.add_argument("--detector", choices=list(DETECTORS), default="mediapipe")
    parser.add_argument("--weights", default="models/landmarks")
    options = parser.parse_args()
    detector = DETECTORS[options.detector](0.5, "largest", options.weights)
    turns: list[float] = []
    errors: list[np.ndarray | None] = []
    depths: list[tuple[float, float, float]] = []
    for number in range(options.count):
        face = turned(options.seed, number, options.size, options.turn)
        found = detector.detect(face.photo)
        turns.append(face.parameters.view.yaw)
        errors.append(None if found is None else landmark_error(found.landmarks, face.landmarks))
        if found is not None and found.mesh is not None:
            depths.append((abs(turns[-1]), *depths_of(found.mesh, face)))
    report(turns, errors, depths)


def turned(seed: int, number: int, size: int, more: float) -> Rendering:
    """A built-in face, its head turned further by up to `more` degrees, to `MOST` in all."""
    parameters = sample_person(seed, number)
    if more:
        extra = np.random.default_rng([seed, number]).uniform(-more, more)
        yaw = float(np.clip(parameters.view.yaw + extra, -MOST, MOST))
        view = dataclasses.replace(parameters.view, yaw=yaw)
        parameters = dataclasses.replace(parameters, view=view)
    return render_parameters(parameters, seed, number, size)


def depths_of(mesh: np.ndarray, face: Rendering) -> tuple[float, float]:
    """Depth error where the mesh and the exact labels agree that there is a face; of the body."""
    alone = mesh_depth(mesh, face.size)
    within = np.isin(face.labels, FACE) & (alone > 0)
    whole = mesh_depth(mesh, face.size, DepthSettings.surround)
    return depth_error(alone, face.depth, within), depth_error(whole, face.depth, face.depth > 0)


def report(
    turns: list[float],
    errors: list[np.ndarray | None],
    depths: list[tuple[float, float, float]],
) -> None:
    parts = ("jaw", "brow", "bridge", "base", "eye", "lip")
    heads = ("turned by", "faces", "found", "landmarks", "95th", *parts, "face depth", "body depth")
    print(f"| {' | '.join(heads)} |")
    print("|---" * len(heads) + "|")
    for row in by_pose(turns, errors):
        inside = [pair for turn, *pair in depths if row.low <= turn < row.high]
        chains = [[v for name, v in row.parts.items() if name.endswith(part)] for part in parts]
        depth = np.mean(inside, axis=0) if inside else (np.nan, np.nan)
        shown = [row.mean, row.worst, *map(np.mean, chains), *depth]
        cells = " | ".join("-" if np.isnan(value) else f"{value:.3f}" for value in shown)
        print(f"| {row.low:.0f} to {row.high:.0f}° | {row.offered} | {row.detected} | {cells} |")


if __name__ == "__main__":
    main()
