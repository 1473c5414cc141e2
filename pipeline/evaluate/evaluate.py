"""The `evaluate` stage: generate the test faces of a run and score every output of its system.

What it writes is described in `pipeline.common.evaluations`, one folder for each output. A run that
takes a style also leaves `styles.png`, some test faces in every style; a system with random codes
`codes.png`, some from each of several codes; one that translates both ways `cycles.png`, some there
and back.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from pipeline.baselines.one_way import OneWayPack, without_partners
from pipeline.baselines.targets import TEST
from pipeline.common.fields import NEEDS
from pipeline.common.records import Kind
from pipeline.common.scored_pictures import default_device
from pipeline.evaluate.evaluate_settings import EvaluateSettings, LargestMoves
from pipeline.evaluate.evaluated_system import EvaluatedSystem
from pipeline.evaluate.image_scores import evaluate_images
from pipeline.evaluate.label_maps import evaluate_label_maps
from pipeline.evaluate.unpaired_images import evaluate_unpaired_images
from sketchface_models.atomic import atomic_dir
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import BEST_FILE, WEIGHTS_FILE, load_trained
from sketchface_models.runtime import keep_freed_memory
from sketchface_models.systems.base import System
from sketchface_models.training.pack_reader import Pack

EVALUATORS = {Kind.IMAGE: evaluate_images, Kind.LABELS: evaluate_label_maps}
WITHOUT_PARTNERS = {Kind.IMAGE: evaluate_unpaired_images}
"""Where no test face is in both domains of an unpaired run: see `OneWayPack`."""


def evaluate(
    data: Path,
    pack_folder: Path,
    weights: Path,
    baselines: Path,
    out: Path,
    settings: EvaluateSettings,
    moves: LargestMoves | None = None,
) -> None:
    """Score one trained run on the test split.

    A run of label maps is scored with the weights that did best on the validation faces, where
    training kept them.

    Args:
        data: folder with the stages' folders: targets at scoring size.
        pack_folder: the run's pack: inputs at training size.
        weights: folder with the trained weights.
        baselines: folder that the `baselines` stage wrote for the run.
        out: folder to write.
        settings: the `evaluate` section.
        moves: how far contours are moved at most, from the `augment` section; its defaults if None.

    Raises:
        SketchFaceError: if weights, pack or tables are missing, damaged or of different runs.
    """
    keep_freed_memory()
    device = default_device()
    file = WEIGHTS_FILE
    system, card = load_trained(weights, device)
    if (weights / BEST_FILE).exists() and all(
        o.kind == Kind.LABELS for o in system.outputs.values()
    ):
        file = BEST_FILE
        system, card = load_trained(weights, device, file)
    card = card | {"file": file}
    pack = Pack(pack_folder)
    evaluate_system(system, card, data, pack, baselines, out, settings, device, moves)


def evaluate_system(
    system: System,
    card: Mapping[str, Any],
    data: Path,
    pack: Pack,
    baselines: Path,
    out: Path,
    settings: EvaluateSettings,
    device: torch.device,
    moves: LargestMoves | None = None,
) -> None:
    """`evaluate` with a system at hand.

    Args:
        system: in eval mode, on `device`.
        card: what it was trained for: `run`, `seed`, `model.task` and `channels`.
        data: folder with the stages' folders.
        pack: the run's.
        baselines: folder that the `baselines` stage wrote for the run.
        out: folder to write.
        settings: the `evaluate` section.
        device: on which to generate and score.
        moves: as for `evaluate`.

    Raises:
        SketchFaceError: as `evaluate`.
    """
    _check_fits(card, pack)
    evaluated = EvaluatedSystem(
        system,
        card,
        data,
        pack,
        baselines,
        _lacking(pack),
        settings.seed,
        device,
        moves or LargestMoves(),
    )
    alone = without_partners(pack, TEST)
    evaluators = WITHOUT_PARTNERS if alone else EVALUATORS
    with atomic_dir(out) as folder:
        for name, output in system.outputs.items():
            kind = Kind(output.kind)
            if kind not in evaluators:
                raise SketchFaceError(
                    f"{pack.folder}: no test face has both {_fields(pack)}, so nothing says how "
                    f"right {name} is; score the run on data with pairs"
                )
            (folder / name).mkdir()
            side = OneWayPack(pack, output.field, TEST) if alone else pack
            of_output = dataclasses.replace(evaluated, pack=side)
            evaluators[kind](of_output, name, output.field, folder / name, settings)


def _check_fits(card: Mapping[str, Any], pack: Pack) -> None:
    """Refuse weights of another task than the pack's, and a pack without test faces."""
    task, channels = card["model"]["task"], dict(card["channels"])
    trained = (list(task["inputs"]), task["target"], task["size"], channels)
    if trained != (list(pack.inputs), pack.target, pack.size, pack.channels):
        raise SketchFaceError(
            f"{pack.folder}: {_task(pack.inputs, pack.target, pack.size)}, but the weights of run "
            f"{card['run']} were trained for {_task(task['inputs'], task['target'], task['size'])} "
            f"with channels {channels}; train this run again"
        )
    unknown = [name for name in (*pack.inputs, pack.target) if name not in NEEDS]
    if unknown:
        raise SketchFaceError(f"{pack.folder}: no table holds its field {unknown[0]}; pack again")
    if not len(pack.paired_rows(TEST)[0]) and not without_partners(pack, TEST):
        raise SketchFaceError(f"{pack.folder}: no test face in it; pack again")


def _fields(pack: Pack) -> str:
    return " and ".join(", ".join(domain.fields) for domain in pack.domains)


def _task(inputs: Any, target: str, size: int) -> str:
    return f"{', '.join(inputs)} -> {target} at {size} pixels"


def _lacking(pack: Pack) -> list[dict[str, Any]]:
    path = pack.folder / "pack.json"
    try:
        return list(json.loads(path.read_text(encoding="utf-8"))["missing"])
    except (KeyError, TypeError):
        raise SketchFaceError(f"{path}: does not say which faces are missing; pack again") from None
