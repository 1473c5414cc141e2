"""Put a trained generator into the package.

    python -m sketchface_models.pretrained.ship_generator NAME WEIGHTS SCORES

WEIGHTS is the `weights` folder of a run that draws sketches, SCORES the `summary.json` that
`evaluate` wrote for it. The weights that were scored are taken, in half precision, without the
networks that only training needs, with a card.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sketchface_models.atomic import atomic_file
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import WEIGHTS, load_trained
from sketchface_models.pretrained import store
from sketchface_models.pretrained.generators import GENERATORS, drawing_part

MOST_BYTES = 30 * 10**6
"""What a package should carry at most."""
SOURCES = {
    "fs2k": (
        "FS2K (Fan, Huang, Zheng, Liu, Qin, Van Gool, Machine Intelligence Research 2022): photos "
        "with sketches in three styles, the publisher's split",
        "FS2K's repository is under the MIT licence, but its photos come from others (most from "
        "CASIA-WebFace, released for research), so use these weights, which were learned from "
        "them, for research only; they contain none of the pictures",
    ),
    "synthetic": (
        "the built-in faces of SketchFace: drawn faces of nobody, with drawn sketches",
        "MIT, as the package itself",
    ),
}
"""Data set -> what it is, and the terms under which what was learned from it may be used."""


def card(
    name: str, trained: Mapping[str, Any], scores: Mapping[str, Any], parameters: int
) -> dict[str, Any]:
    """What is to be known of a shipped generator.

    Args:
        name: of its files.
        trained: the card inside the run's weights.
        scores: of `evaluate`.
        parameters: of the networks that are shipped.

    Raises:
        SketchFaceError: if the scores are of another run.
    """
    for key in ("run", "seed"):
        if scores[key] != trained[key]:
            raise SketchFaceError(
                f"scores of {key} {scores[key]}, weights of {key} {trained[key]}; name the "
                "summary.json that evaluate wrote for these weights"
            )
    data = scores["data"]
    what, terms = SOURCES.get(data, (f"the data set {data}", f"those of the data set {data}"))
    return {
        "name": name,
        "model": trained["model"],
        "channels": trained["channels"],
        "styles": trained.get("styles", {}),
        "faces": trained.get("faces", {}),
        "parameters": parameters,
        "precision": "matrices in 16 bits, vectors in 32; computes in 32",
        "data": {"what": what, "pack": trained["pack"]},
        "terms": terms,
        "training": {key: trained[key] for key in ("run", "seed", "steps", "images")},
        "scores": {
            "protocol": scores["protocol"],
            "split": scores["split"],
            "faces": scores["n"],
            "rows": {row: values["all"] for row, values in scores["scores"].items()},
            "retrieval": scores["retrieval"],
            "not_learned": scores["not_learned"],
        },
    }


def ship_generator(name: str, weights: Path, summary: Path, folder: Path | None = None) -> Path:
    """Write a run's generator and its cards into `folder`; returns the file of weights.

    Args:
        name: of the files.
        weights: folder that training wrote.
        summary: `summary.json` of the run's evaluation.
        folder: to write to; the package's own where it is None.

    Raises:
        SketchFaceError: if a file is missing or damaged, the scores are another run's, or the
            weights are too large or too wide for half precision.
    """
    folder = folder or GENERATORS
    system, trained = load_trained(weights)
    tensors = drawing_part(system).networks.state_dict()
    size = sum(t.numel() * store.half(t).element_size() for t in tensors.values())
    if size > MOST_BYTES:
        raise SketchFaceError(
            f"{weights / WEIGHTS}: {size / 1e6:.1f} MB in half precision; a package carries at "
            f"most {MOST_BYTES / 1e6:.0f} MB: train a narrower network"
        )
    try:
        scores = json.loads(summary.read_text(encoding="utf-8"))
        parameters = sum(p.numel() for p in system.networks.parameters())
        made = card(name, trained, scores, parameters)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SketchFaceError(
            f"{summary}: not the scores of a run that draws ({error}); run its evaluate stage"
        ) from None
    path = store.write(folder, name, tensors, made)
    with atomic_file(folder / f"{name}.md") as temporary:
        temporary.write_text("\n".join(_lines(made, path.stat().st_size)) + "\n", encoding="utf-8")
    return path


def _lines(made: Mapping[str, Any], size: int) -> Iterator[str]:
    """The card for people, in Markdown."""
    task, training, scores = made["model"]["task"], made["training"], made["scores"]
    faces = made["faces"]
    yield f"# Generator `{made['name']}`"
    yield ""
    yield (
        f"Draws a {task['target']} of {', '.join(task['inputs'])} at {task['size']} x "
        f"{task['size']} pixels. {made['parameters']:,} parameters, {size / 1e6:.1f} MB; "
        f"{made['precision']}. Settings stand in `{made['name']}.json`."
    )
    yield ""
    yield f"**Terms.** {made['terms']}."
    yield ""
    yield (
        f"**Training.** On {made['data']['what']}. Run `{training['run']}`, seed "
        f"{training['seed']}: {training['steps']:,} steps, {training['images']:,} images."
    )
    if made["styles"]:
        counts = (f"{label}: {number:,} training faces" for label, number in made["styles"].items())
        yield ""
        yield f"**Styles.** {'; '.join(counts)}."
    if faces.get("framing"):
        eyes = " and ".join(f"({x:.3f}, {y:.3f})" for x, y in faces["framing"][:2])
        x, y = faces["framing"][2]
        yield ""
        yield (
            f"**Framing.** Eyes at {eyes}, mouth at ({x:.3f}, {y:.3f}), as parts of the side; "
            f"aligned at {faces['size']} pixels."
        )
    yield ""
    yield (
        f"**Scores.** Protocol `{scores['protocol']}`, {scores['faces']:,} faces of "
        f"{scores['split']}; 95 % intervals."
    )
    yield ""
    metrics = list(scores["rows"]["model"])
    yield f"| row | {' | '.join(metrics)} | rank 1 | rank 5 |"
    yield f"|{'---|' * (len(metrics) + 3)}"
    for row, values in scores["rows"].items():
        cells = [_cell(values.get(metric)) for metric in metrics]
        ranks = [f"{scores['retrieval'][row][rank]:.3f}" for rank in ("rank_1", "rank_5")]
        yield f"| {row} | {' | '.join([*cells, *ranks])} |"
    if scores["not_learned"]:
        yield ""
        yield f"**Not learned:** {'; '.join(scores['not_learned'])}."


def _cell(measured: Mapping[str, float] | None) -> str:
    if measured is None:  # another face's target is of the very set that it would be compared with
        return "-"
    return "{mean:.4f} ({low:.4f} to {high:.4f})".format(**measured)


def main() -> None:
    """Parse the command line and ship."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("name", help="of the files, such as hida")
    parser.add_argument("weights", type=Path, help="the run's weights folder")
    parser.add_argument("scores", type=Path, help="summary.json of its evaluate stage")
    given = parser.parse_args()
    try:
        print(ship_generator(given.name, given.weights, given.scores))
    except SketchFaceError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
