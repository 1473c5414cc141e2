"""Put trained weights into the package, in half precision and with a card.

    python -m sketchface_models.ship parser NAME WEIGHTS SCORES PACK
    python -m sketchface_models.ship generator NAME WEIGHTS SCORES [SCORES ...]
                                               [--learned-from DATA_SET ...] [--note TEXT]

WEIGHTS is a run's `weights` folder, SCORES the `summary.json` that `evaluate` wrote for it, each
output's where there are several, PACK its pack. Of a parser, the best weights on the validation
faces are taken; of a system that generates, the last ones, without the networks that only training
needs. Where a folder of pictures was learned from, `--learned-from` names the data sets that they
came from. `--note` says on the card what else a reader must know of the training.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sketchface_models.atomic import atomic_file
from sketchface_models.checkpoint import load_tensors
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import (
    BEST_FILE,
    GENERATOR_FOLDER,
    WEIGHTS_FILE,
    load_trained,
    without_training_networks,
)
from sketchface_models.labels import CLASSES
from sketchface_models.parser_cards import parser_markdown
from sketchface_models.pretrained import store
from sketchface_models.pretrained.parsers import (
    PARSER_FOLDER,
    PARSER_NETWORKS,
    PARSER_SIZE,
    read_card,
    write_parser,
)

MOST_BYTES = 30 * 10**6
"""Size in bytes that the weights of a shipped generator may have at most."""
RANKS = ("rank_1", "rank_5")
"""Retrieval in a summary: whether the own target is the first one, or among the first five."""
DETAILS = ("resegmentation_iou_",)
"""What the names of scores begin with that stand in a card's JSON file alone."""
ROWS = {"real": "real photos", "own_style": "own style (sees the target)"}
"""Names of rows in a card, where they say more than a summary's."""
DATA_SETS = {
    "celebamask": (
        "CelebAMask-HQ (Lee, Liu, Wu, Luo, CVPR 2020): real faces, photos with 19-class masks",
        "CelebAMask-HQ is available for non-commercial research purposes only, and so are these "
        "weights, which were learned from it; they contain none of its pictures",
    ),
    "quickdraw": (
        "QuickDraw's category of faces (Google, CC BY 4.0): doodles by people who had seconds",
        "the doodles are Google's, under CC BY 4.0: name it where you pass these weights on",
    ),
    "fs2k": (
        "FS2K (Fan, Huang, Zheng, Liu, Qin, Van Gool, Machine Intelligence Research 2022): photos "
        "with sketches in three styles, the publisher's split",
        "FS2K's repository is under the MIT licence, but its photos come from others (most from "
        "CASIA-WebFace, released for research), so use these weights, which were learned from "
        "them, for research only; they contain none of the pictures",
    ),
    "synthetic": (
        "the built-in faces of SketchFace: drawn faces of nobody, with drawn sketches",
        "MIT, as the package itself: these faces are drawn and show nobody, so nobody else has any "
        "rights in them or in what was learned from them",
    ),
}
"""Data set -> what it is, and the terms under which what was learned from it may be used."""
PERCEPTUAL = {
    "parser": "in training, a frozen parser that had learned from CelebAMask-HQ compared generated "
    "with true photos; neither its weights nor pictures of that set are in this file",
    "vgg19": "in training, a frozen VGG19 that had learned from ImageNet compared generated with "
    "true photos; neither its weights nor pictures of that set are in this file",
}
"""Network of a perceptual loss -> what a card says of it."""


def ship_parser(
    name: str,
    weights: Path,
    summary: Path,
    splits: Mapping[str, int],
    folder: Path = PARSER_FOLDER,
) -> Path:
    """Write a parser run's best weights and their cards into `folder`; return the weights' path.

    Args:
        name: a key of `PARSER_NETWORKS`.
        weights: folder that training wrote.
        summary: `summary.json` of the run's evaluation.
        splits: split -> number of faces.
        folder: to write to.

    Raises:
        SketchFaceError: if a file is missing or damaged, or the run is another network's.
    """
    path = weights / (BEST_FILE if (weights / BEST_FILE).exists() else WEIGHTS_FILE)
    tensors, trained = load_tensors(path)
    try:
        scores = json.loads(summary.read_text(encoding="utf-8"))
        card = parser_card(name, trained, scores, splits)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SketchFaceError(
            f"{summary}: not the scores of a parser run ({error}); run its evaluate stage"
        ) from None
    network = {  # a run's tensors are named NETWORK.PARAMETER
        key.removeprefix("parser."): t for key, t in tensors.items() if key.startswith("parser.")
    }
    path = write_parser(name, network, card, folder)
    with atomic_file(folder / f"{name}.md") as temporary:
        temporary.write_text(parser_markdown(read_card(name, folder)), encoding="utf-8")
    return path


def parser_card(
    name: str, trained: Mapping[str, Any], scores: Mapping[str, Any], splits: Mapping[str, int]
) -> dict[str, Any]:
    """Return the card of a shipped parser.

    Args:
        name: a key of `PARSER_NETWORKS`.
        trained: the card inside the run's weights.
        scores: `summary.json` of `evaluate`: `data`, `means`, `classes`, `validation`, ...
        splits: split -> number of faces.
    """
    what, terms = _data_set(scores["data"])
    size = PARSER_SIZE
    return {
        "name": name,
        "network": PARSER_NETWORKS[name].__name__,
        "parameters": sum(trained["parameters"].values()),
        "reads": f"RGB photos of one face in [-1, 1], (B, 3, H, W); trained at {size} x {size}",
        "gives": "logits (B, 19, H, W)",
        "classes": list(CLASSES),
        "precision": "matrices in 16 bits, vectors in 32; computes in either",
        "data": {"what": what, "faces": dict(splits), "pack": trained["pack"]},
        "terms": terms,
        "training": {key: trained[key] for key in ("model", "seed", "steps", "images")},
        "scores": {
            "validation": scores["validation"],
            "test": {
                **{name: each["mean"] for name, each in scores["means"]["system"].items()},
                "faces": scores["n"],
                "side": scores["size"],
                "classes": scores["classes"],
            },
        },
    }


def ship_generator(
    name: str,
    weights: Path,
    summaries: Sequence[Path],
    folder: Path = GENERATOR_FOLDER,
    learned_from: Sequence[str] = (),
    note: str = "",
) -> Path:
    """Write a run's generator and its cards into `folder`; return the path of the weights.

    Args:
        name: of the files.
        weights: folder that training wrote.
        summaries: `summary.json` of the run's evaluation, of each of its outputs.
        folder: to write to.
        learned_from: keys of `DATA_SETS`; none for the data set that the scores name.
        note: sentences on the training that neither weights nor scores tell.

    Raises:
        SketchFaceError: if a file is missing or damaged, the scores are another run's, or the
            weights are too many or too large for half precision.
    """
    system, trained = load_trained(weights)
    tensors = without_training_networks(system).networks.state_dict()
    size = sum(t.numel() * store.half(t).element_size() for t in tensors.values())
    if size > MOST_BYTES:
        raise SketchFaceError(
            f"{weights / WEIGHTS_FILE}: {size / 1e6:.1f} MB in half precision; a package carries "
            f"at most {MOST_BYTES / 1e6:.0f} MB: train a narrower network"
        )
    scores = [_read_scores(path, trained) for path in summaries]
    parameters = sum(p.numel() for p in system.networks.parameters())
    card = generator_card(name, trained, scores, parameters, learned_from)
    card["training"] |= {"note": note} if note else {}
    path = store.write(folder, name, tensors, card)
    text = "\n".join(_markdown(card, path.stat().st_size)) + "\n"
    with atomic_file(folder / f"{name}.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def generator_card(
    name: str,
    trained: Mapping[str, Any],
    scores: Sequence[Mapping[str, Any]],
    parameters: int,
    learned_from: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the card of a shipped generator.

    Args:
        name: of its files.
        trained: the card inside the run's weights.
        scores: of each output, as `_read_scores` returns them.
        parameters: number of them in the networks that are shipped.
        learned_from: keys of `DATA_SETS`; none for the data set that the scores name.
    """
    what, terms = map(
        "; ".join, zip(*map(_data_set, learned_from or [scores[0]["data"]]), strict=True)
    )
    perceptual = PERCEPTUAL.get(trained["model"]["loss"].get("perceptual", ""))
    return {
        "name": name,
        "model": trained["model"],
        "channels": trained["channels"],
        "styles": trained.get("styles", {}),
        "faces": trained.get("faces", {}),
        "parameters": parameters,
        "precision": "matrices in 16 bits, vectors in 32; computes in 32",
        "data": {"what": what, "pack": trained["pack"]},
        "terms": f"{terms}; {perceptual}" if perceptual else terms,
        "training": {key: trained[key] for key in ("run", "seed", "steps", "images")},
        "scores": scores[0],
        "other_scores": list(scores[1:]),
    }


def _read_scores(path: Path, trained: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a card keeps of the `summary.json` of one output.

    Raises:
        SketchFaceError: if it is missing, damaged, or of another run than the weights' card says.
    """
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
        for key in ("run", "seed"):
            if scores[key] != trained[key]:
                raise SketchFaceError(
                    f"scores of {key} {scores[key]}, weights of {key} {trained[key]}; name the "
                    "summary.json that evaluate wrote for these weights"
                )
        return _kept(scores)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SketchFaceError(
            f"{path}: not the scores of a run that draws ({error}); run its evaluate stage"
        ) from None


def _kept(scores: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "data": scores["data"],
        "output": scores["output"],
        "protocol": scores["protocol"],
        "split": scores["split"],
        "faces": scores["n"],
        "rows": {row: _without_ranks(means) for row, means in scores["means"].items()},
        "retrieval": {
            row: {rank: means[rank]["mean"] for rank in RANKS}
            for row, means in scores["means"].items()
            if set(RANKS) <= means.keys()
        },
        "not_learned": scores["not_learned"],
    }


def _markdown(card: Mapping[str, Any], size: int) -> Iterator[str]:
    """Yield the lines of a generator's card in Markdown; `size` of the weights in bytes."""
    task, training, faces = card["model"]["task"], card["training"], card["faces"]
    back = ", and back" if task.get("unpaired") else ""
    yield f"# Generator `{card['name']}`"
    yield ""
    yield (
        f"Draws a {task['target']} of {', '.join(task['inputs'])} at {task['size']} x "
        f"{task['size']} pixels{back}. {card['parameters']:,} parameters, {size / 1e6:.1f} MB; "
        f"{card['precision']}. Settings stand in `{card['name']}.json`."
    )
    yield ""
    yield f"**Terms.** {card['terms']}."
    yield ""
    yield (
        f"**Training.** On {card['data']['what']}. Run `{training['run']}`, seed "
        f"{training['seed']}: {training['steps']:,} steps, {training['images']:,} images."
        f"{' ' if 'note' in training else ''}{training.get('note', '')}"
    )
    if card["styles"]:
        counts = (f"{label}: {number:,} training faces" for label, number in card["styles"].items())
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
    if "contour" in task["inputs"]:
        augment = card["model"]["augment"]
        shift, rotation = augment["contour_shift"], augment["contour_rotation"]
        yield ""
        yield (
            "**Drawings.** Contours of 68 landmarks, dark on white, in lines of 2 pixels on "
            f"pictures of 512. Training moved them by up to {shift:g} of those pixels and "
            f"{rotation:g} degrees. `sketchface translate` brings eyes and mouth of any drawing to "
            "the framing."
        )
    others = card.get("other_scores", [])
    for scores in (card["scores"], *others):
        yield from _score_lines(scores, f"Scores of the {scores['output']}" if others else "Scores")


def _score_lines(scores: Mapping[str, Any], heading: str) -> Iterator[str]:
    """Yield the lines of a card that tell the scores of one output."""
    yield ""
    yield (
        f"**{heading}.** Protocol `{scores['protocol']}`, "
        f"{scores['faces']:,} faces of {scores['split']}; 95 % intervals."
    )
    yield ""
    metrics = [name for name in scores["rows"]["system"] if not name.startswith(DETAILS)]
    yield f"| row | {' | '.join(metrics)} | rank 1 | rank 5 |"
    yield f"|{'---|' * (len(metrics) + 3)}"
    for row, values in scores["rows"].items():
        cells = [_cell(values.get(metric)) for metric in metrics]
        ranks = scores["retrieval"].get(row)
        cells += [f"{ranks[rank]:.3f}" if ranks else "-" for rank in RANKS]
        yield f"| {ROWS.get(row, row)} | {' | '.join(cells)} |"
    if scores["not_learned"]:
        yield ""
        yield f"**Not learned:** {'; '.join(scores['not_learned'])}."


def _without_ranks(means: Mapping[str, Any]) -> dict[str, Any]:
    return {name: mean for name, mean in means.items() if name not in RANKS}


def _cell(measured: Mapping[str, float] | None) -> str:
    if measured is None:  # another face's target is of the very set that it would be compared with
        return "-"
    return "{mean:.4f} ({low:.4f} to {high:.4f})".format(**measured)


def _data_set(name: str) -> tuple[str, str]:
    return DATA_SETS.get(name, (f"the data set {name}", f"those of the data set {name}"))


def _splits(pack: Path) -> dict[str, int]:
    path = pack / "pack.json"
    try:
        splits = json.loads(path.read_text(encoding="utf-8"))["splits"]
    except (OSError, ValueError, KeyError) as error:
        raise SketchFaceError(f"{path}: not a whole pack ({error}); rerun its pack stage") from None
    return {split: splits.count(split) for split in ("train", "val", "test")}


def main() -> None:
    """Parse the command line and ship."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind in ("parser", "generator"):
        command = kinds.add_parser(kind)
        choices = tuple(PARSER_NETWORKS) if kind == "parser" else None
        command.add_argument("name", choices=choices, help="of the files, such as hida")
        command.add_argument("weights", type=Path, help="the run's weights folder")
        of_scores = "summary.json of its evaluate stage"
        if kind == "parser":
            command.add_argument("scores", type=Path, help=of_scores)
            command.add_argument("pack", type=Path, help="the run's pack folder")
        else:
            command.add_argument(
                "scores", type=Path, nargs="+", help=f"{of_scores}, of each output"
            )
            command.add_argument(
                "--learned-from",
                nargs="+",
                choices=tuple(DATA_SETS),
                default=(),
                help="the data sets, where the scores name a folder",
            )
            command.add_argument("--note", default="", help="sentences on the training")
    arguments = parser.parse_args()
    name, weights, scores = arguments.name, arguments.weights, arguments.scores
    try:
        if arguments.kind == "parser":
            print(ship_parser(name, weights, scores, _splits(arguments.pack)))
        else:
            more = {"learned_from": arguments.learned_from, "note": arguments.note}
            print(ship_generator(name, weights, scores, **more))
    except SketchFaceError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
