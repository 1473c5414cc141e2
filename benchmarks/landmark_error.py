"""How far landmarks and mesh depth are from the truth of the built-in faces, by pose.

    python benchmarks/landmark_error.py --count 300 --size 256

The faces' own heads are turned by 12 degrees or so; `--turn` turns every head by as much again to
one side or the other, so that the bins of turned heads are filled. Landmarks: mean distance in
outer-eye distances (300-W). Depth: root mean square within the face after the best scale and
shift, in standard deviations of the exact depth.
"""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any
from unittest import mock

import numpy as np
from pipeline.synthetic.sampling import draw

from pipeline.faces.errors import by_pose, depth_error, landmark_error
from pipeline.faces.landmarks import DETECTORS
from pipeline.faces.meshdepth import mesh_depth
from pipeline.faces.palette import INDEX
from pipeline.synthetic import rendering

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
    turns, errors, depths = [], [], []
    for number in range(options.count):
        face = turned(options.seed, number, options.size, options.turn)
        found = detector.detect(face.photo)
        turns.append(face.parameters.view.yaw)
        errors.append(None if found is None else landmark_error(found.landmarks, face.landmarks))
        if found is not None and found.mesh is not None:
            depths.append((abs(turns[-1]), depth_of(found.mesh, face)))
    report(turns, errors, depths)


def turned(seed: int, number: int, size: int, more: float) -> Any:
    """A built-in face, its head turned further by up to `more` degrees."""
    if not more:
        return rendering.render(seed, number, size)
    parameters = draw(seed, number)
    extra = np.random.default_rng([seed, number]).uniform(-more, more)
    view = dataclasses.replace(parameters.view, yaw=parameters.view.yaw + extra)
    moved = dataclasses.replace(parameters, view=view)
    with mock.patch.object(rendering, "draw", return_value=moved):
        return rendering.render(seed, number, size)


def depth_of(mesh: np.ndarray, face: Any) -> float:
    """Depth error where the mesh and the exact labels agree that there is a face."""
    depth = mesh_depth(mesh, face.size)
    return depth_error(depth, face.depth, np.isin(face.labels, FACE) & (depth > 0))


def report(
    turns: list[float], errors: list[np.ndarray | None], depths: list[tuple[float, float]]
) -> None:
    parts = ("jaw", "brow", "bridge", "base", "eye", "lip")
    print(f"| turned by | faces | found | landmarks | 95th | {' | '.join(parts)} | depth |")
    print("|---" * (6 + len(parts)) + "|")
    for row in by_pose(turns, errors):
        inside = [error for turn, error in depths if row.low <= turn < row.high]
        chains = [[v for name, v in row.parts.items() if name.endswith(part)] for part in parts]
        shown = [row.mean, row.worst, *map(np.mean, chains), np.mean(inside) if inside else np.nan]
        cells = " | ".join("-" if np.isnan(value) else f"{value:.4f}" for value in shown)
        print(f"| {row.low:.0f} to {row.high:.0f}° | {row.offered} | {row.found} | {cells} |")


if __name__ == "__main__":
    main()
