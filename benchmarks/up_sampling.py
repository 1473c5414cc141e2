"""How much checkerboard trained runs draw: `python benchmarks/up_sampling.py pix2pix-photo`.

Draws the test faces of runs' packs with their trained weights and prints
`sketchface_models.checkerboard` of them beside that of the targets. Reads `data/pack` and
`data/train`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from sketchface_models.checkerboard import checkerboard
from sketchface_models.inference import load_trained
from sketchface_models.training.pack_reader import Pack, normalise

BATCH = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("runs", nargs="+", metavar="run")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of the stages")
    parser.add_argument("--seed", type=int, default=0, help="of the training")
    options = parser.parse_args()
    print(f"{'run':<28} {'faces':>5} {'generated':>9} {'targets':>9}")
    for run in options.runs:
        weights = options.data / "train" / run / str(options.seed) / "weights"
        generated, targets = sketches(weights, options.data / "pack" / run)
        marks = checkerboard(generated), checkerboard(targets)
        print(f"{run:<28} {len(targets):>5} {marks[0]:>9.2f} {marks[1]:>9.2f}")


def sketches(weights: Path, folder: Path) -> tuple[Tensor, Tensor]:
    """Return what a trained run makes of its pack's test faces, and their targets; (N, C, S, S)."""
    system, _ = load_trained(weights)
    pack = Pack(folder)
    rows, pictures, targets = pack.rows("test"), [], []
    for start in range(0, len(rows), BATCH):
        batch = normalise(pack.read(rows[start : start + BATCH]), torch.device("cpu"))
        with torch.no_grad():
            pictures.append(system.generate(batch))
        targets.append(batch[pack.target])
    return torch.cat(pictures), torch.cat(targets)


if __name__ == "__main__":
    main()
