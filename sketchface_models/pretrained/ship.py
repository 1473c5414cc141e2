"""Put a trained parser into the package.

    python -m sketchface_models.pretrained.ship NAME RUN SCORES PACK

RUN is the `weights` folder of a `parser` run, SCORES the `summary.json` that `evaluate` wrote for
it, PACK its pack. Its best weights on the validation faces are taken, in half precision, with a
card.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sketchface_models.checkpoint import load_tensors
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import BEST, WEIGHTS
from sketchface_models.labels import CLASSES
from sketchface_models.pretrained.shipped import FOLDER, NETWORKS, SIDE, ship

PREFIX = "parser."
"""What the names of a run's tensors begin with: its only network's name."""
SOURCES = {
    "celebamask": (
        "CelebAMask-HQ (Lee, Liu, Wu, Luo, CVPR 2020): real faces, photos with 19-class masks",
        "CelebAMask-HQ is available for non-commercial research purposes only, and so are these "
        "weights, which were learned from it; they contain none of its pictures",
    )
}
"""Data set -> what it is, and the terms under which what was learned from it may be used."""


def card(
    name: str, trained: Mapping[str, Any], scores: Mapping[str, Any], faces: Mapping[str, int]
) -> dict[str, Any]:
    """What is to be known of a shipped parser.

    Args:
        name: of `NETWORKS`.
        trained: the card inside the run's weights.
        scores: of `evaluate`: `data`, `scores`, `classes`, `validation`, `n`, `size`.
        faces: split -> number of faces.
    """
    what, terms = SOURCES.get(
        scores["data"],
        (f"the data set {scores['data']}", f"those of the data set {scores['data']}"),
    )
    return {
        "name": name,
        "network": NETWORKS[name].__name__,
        "parameters": sum(trained["parameters"].values()),
        "reads": f"RGB photos of one face in [-1, 1], (B, 3, H, W); trained at {SIDE} x {SIDE}",
        "gives": "logits (B, 19, H, W)",
        "classes": list(CLASSES),
        "precision": "matrices in 16 bits, vectors in 32; computes in either",
        "data": {"what": what, "faces": dict(faces), "pack": trained["pack"]},
        "terms": terms,
        "training": {
            "model": trained["model"],
            "seed": trained["seed"],
            "steps": trained["steps"],
            "images": trained["images"],
        },
        "scores": {
            "validation": scores["validation"],
            "test": {
                **scores["scores"],
                "faces": scores["n"],
                "side": scores["size"],
                "classes": scores["classes"],
            },
        },
    }


def ship_run(
    name: str, weights: Path, summary: Path, splits: Mapping[str, int], folder: Path = FOLDER
) -> Path:
    """Write a run's best weights and their card into `folder`.

    Raises:
        SketchFaceError: if a file is missing or damaged, or the run is another network's.
    """
    path = weights / (BEST if (weights / BEST).exists() else WEIGHTS)
    tensors, about = load_tensors(path)
    try:
        scores = json.loads(summary.read_text(encoding="utf-8"))
        made = card(name, about, scores, splits)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SketchFaceError(
            f"{summary}: not the scores of a parser run ({error}); run its evaluate stage"
        ) from None
    own = {key.removeprefix(PREFIX): t for key, t in tensors.items() if key.startswith(PREFIX)}
    return ship(name, own, made, folder)


def main() -> None:
    """Parse the command line and ship."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("name", choices=tuple(NETWORKS))
    parser.add_argument("weights", type=Path, help="the run's weights folder")
    parser.add_argument("scores", type=Path, help="summary.json of its evaluate stage")
    parser.add_argument("pack", type=Path, help="the run's pack folder")
    given = parser.parse_args()
    try:
        splits = json.loads((given.pack / "pack.json").read_text(encoding="utf-8"))["splits"]
        counts = {split: splits.count(split) for split in ("train", "val", "test")}
        print(ship_run(given.name, given.weights, given.scores, counts))
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"error: {given.pack}/pack.json: not a whole pack ({error}); rerun its pack stage")
    except SketchFaceError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
