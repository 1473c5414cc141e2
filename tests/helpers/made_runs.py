"""A made-up `data` folder of exactly the layout that the stages before `report` write."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from pipeline.common.evaluations import SAMPLES_FILE, Evaluation, write_evaluation
from pipeline.common.images import encode_png
from pipeline.common.records import (
    RANK,
    Kind,
    Level,
    Measure,
    Method,
    MissingFace,
    NotMeasured,
    Summary,
)
from pipeline.common.score_frames import long_frame
from pipeline.common.shards import QUARANTINE, quarantined, write_rows
from pipeline.common.sheets import sheet
from pipeline.common.subsets import ALL, Subset, subsets
from pipeline.evaluate.summary import summarised
from sketchface_models.metrics.registry import Direction

TEST = 24
RESAMPLES = 50
LEVELS = {"l1": 0.2, "psnr": 15.0, "ssim": 0.5, "scoot": 0.5, "fsim": 0.7}
MEASURES = (
    Measure("l1", "L1 (0..1)", Direction.LOWER),
    Measure("psnr", "PSNR (dB)", Direction.HIGHER),
    Measure("ssim", "SSIM", Direction.HIGHER),
    Measure("scoot", "SCOOT", Direction.HIGHER),
    Measure("fsim", "FSIM", Direction.HIGHER),
    Measure("parser_frechet", "parser Fréchet", Direction.LOWER, Level.SET, 257),
    Measure("parser_kernel", "parser kernel", Direction.LOWER, Level.SET, 6),
)
NOT_MEASURED = tuple(
    NotMeasured(name, name.upper(), f"models/judges/{name}.pth: missing; put it there")
    for name in ("fid", "lpips")
)
BASELINES = (Method.INPUT, Method.MEAN, Method.OTHER)
IDS = tuple(f"face-{i:02d}" for i in range(TEST))
STYLES = tuple(1 + i % 2 for i in range(TEST))
SHARED = IDS[:3]
LOST = "c.jpg: empty file (0 bytes); fetch it again"
"""What happened to the one test face that never came to the tables."""
MISSING = (
    MissingFace("c", "test", 1, LOST),
    MissingFace("face-90", "test", 1, "without depth"),
    MissingFace("face-91", "test", 2, "without depth"),
)


def made_scores(skill: float, seed: int) -> dict[Method, dict[str, np.ndarray]]:
    """Method -> metric -> (TEST,): the system stands `skill` steps of 5 % above the baselines.

    Baselines know nothing of the seed, and some faces are harder than others in every row.
    """
    fixed = np.random.default_rng(7)
    difficulty = {name: fixed.normal(0, 0.02, TEST) for name in LEVELS}

    def row(offset: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
        return {
            name: level
            * (1 + (-offset if name == "l1" else offset) + difficulty[name])
            * (1 + rng.normal(0, 0.02, TEST))
            for name, level in LEVELS.items()
        }

    scores = {Method.SYSTEM: row(0.05 * skill, np.random.default_rng(seed))}
    scores |= {method: row(0.0, fixed) for method in BASELINES}
    for method, values in scores.items():
        guessed = np.arange(1, TEST + 1)
        learned = method is Method.SYSTEM and skill > 0
        values[RANK] = np.arange(TEST) % 3 + 1 if learned else guessed
    return scores


def made_sets(
    summary: Summary, skill: float, seed: int, faces: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and resamples of the set measures: the nearer, the greater the skill is."""
    shared = np.random.default_rng(9).normal(0, 0.0005, RESAMPLES)
    scores, resamples = [], []
    for method, steps in ((Method.SYSTEM, skill), (Method.INPUT, 0.0), (Method.MEAN, 0.0)):
        own = np.random.default_rng([seed if method is Method.SYSTEM else 0, 1])
        for subset in subsets(faces):
            for measure in summary.measures:
                if measure.level is Level.SET:
                    value = 0.1 - 0.02 * steps + own.normal(0, 0.0005)
                    draws = value + shared + own.normal(0, 0.0002, RESAMPLES)
                    scores.append(long_frame(summary, method, subset, measure.name, [], value))
                    frame = long_frame(summary, method, subset, measure.name, [], draws)
                    frame = frame.drop(columns="id").assign(resample=np.arange(RESAMPLES))
                    resamples.append(frame)
    return pd.concat(scores), pd.concat(resamples)


def write_faces(data: Path, name: str, shared: bool = False) -> None:
    about = {
        "name": name,
        "size": 64,
        "offered": 90,
        "accepted": 86,
        "quarantined": 4,
        "splits": {"train": 56, "val": 4, "test": 26},
        "styles": {"1": 43, "2": 43},
        "sources": {"photo_1": 86},
        "fields": {"photo": 84, "sketch": 86},
    }
    if shared:
        about["shared"] = list(SHARED)
    faces, landmarks = data / "faces", data / "landmarks"
    faces.mkdir(parents=True)
    (faces / "dataset.json").write_text(json.dumps(about))
    reasons = ["a.jpg: no face found; crop it", "b.jpg: no face found; crop it"]
    reasons += [LOST, "d|e.jpg: an odd | *reason*"]
    splits = ["train", None, "test", "val"]
    left_out = [
        quarantined(reason[0], "faces", reason) | {"split": split}
        for reason, split in zip(reasons, splits, strict=True)
    ]
    schema = pa.schema([*QUARANTINE, ("split", pa.string())])
    write_rows(faces / "quarantine.parquet", left_out, schema)
    schema = pa.schema([("id", pa.string()), ("points", pa.list_(pa.float32()))])
    points = [{"id": f"p{i}", "points": [1.0, 2.0]} for i in range(81)]
    write_rows(landmarks / "shards" / "0000.parquet", points[:40], schema)
    write_rows(landmarks / "shards" / "0001.parquet", points[40:], schema)
    unseen = [quarantined(f"q{i}", "landmarks", "no face found") for i in range(3)]
    unseen += [quarantined(f"r{i}", "landmarks", "no photo to look at") for i in range(2)]
    write_rows(landmarks / "quarantine.parquet", unseen, QUARANTINE)


def made_summary(
    run: str,
    seed: int,
    name: str = "made",
    size: int = 64,
    target: str = "sketch",
    inputs: Sequence[str] = ("photo",),
    missing: tuple[MissingFace, ...] = MISSING,
) -> Summary:
    tag = sum(map(ord, name + target)) * size
    return Summary(
        run=run,
        seed=seed,
        data=name,
        split="test",
        output=target,
        target=target,
        kind=Kind.IMAGE,
        inputs=tuple(inputs),
        size=size,
        n=TEST,
        protocol=f"{name}-{size}:{tag + sum(map(ord, ''.join(inputs))):08x}",
        protocol_any_inputs=f"{name}-{size}:{tag:08x}",
        protocol_details={
            "size": f"{size}x{size}",
            "resize": "bicubic",
            "channels": "grey",
            "data_range": 255.0,
            "precision": "float64",
            "networks": {},
        },
        measures=MEASURES,
        not_measured=NOT_MEASURED,
        missing=missing,
    )


def write_run(
    data: Path,
    run: str,
    seed: int,
    skill: float = 2.0,
    name: str = "made",
    size: int = 64,
    target: str = "sketch",
    inputs: Sequence[str] = ("photo",),
    shared: tuple[str, ...] = (),
    missing: tuple[MissingFace, ...] = MISSING,
    steps: int = 450,
) -> Path:
    """One run from one seed, as `train` and `evaluate` leave it; returns the output's folder."""
    summary = made_summary(run, seed, name, size, target, inputs, missing)
    faces = made_faces(shared)
    number = 1000 * sum(map(ord, run)) + seed
    sets, resamples = made_sets(summary, skill, number, faces)
    scores = [
        long_frame(summary, method, ALL, metric, IDS, values)
        for method, metrics in made_scores(skill, number).items()
        for metric, values in metrics.items()
    ]
    folder = data / "evaluate" / run / str(seed) / target
    folder.mkdir(parents=True)
    evaluation = Evaluation(folder, summary, faces, pd.concat([*scores, sets]), resamples)
    write_evaluation(summarised(evaluation))
    (folder / SAMPLES_FILE).write_bytes(encode_png(samples()))
    write_training(data / "train" / run / str(seed), run, seed, summary, steps)
    return folder


def made_faces(shared: Sequence[str] = ()) -> pd.DataFrame:
    styles = pd.array(STYLES, dtype="Int8")
    return pd.DataFrame(
        {
            "id": IDS,
            "style": styles,
            "shared": [id in shared for id in IDS],
            "traits": [[] for _ in IDS],
        }
    )


def with_measure(
    summary: Summary, measure: Measure, values: np.ndarray, subset: Subset = ALL
) -> pd.DataFrame:
    """Lines of a measure of faces that an evaluation adds."""
    return long_frame(summary, Method.SYSTEM, subset, measure.name, IDS, values)


def write_training(folder: Path, run: str, seed: int, summary: Summary, steps: int) -> None:
    (folder / "weights").mkdir(parents=True)
    (folder / "logs").mkdir()
    card = {
        "run": run,
        "seed": seed,
        "model": {
            "system": "pix2pix",
            "task": {"inputs": list(summary.inputs), "target": summary.target, "size": 64},
            "network": {"width": 32, "init_std": 0.02},
            "schedule": {"steps": steps, "batch": 8},
        },
        "parameters": {"generator": 1234567, "discriminator": 89},
        "steps": steps,
        "images": steps * 8,
    }
    environment = {
        "hardware": "Abacus <9000>, 2 cores",
        "precision": "32-true",
        "torch": "2.13.0",
        "commit": "0123456789abcdef" * 2,
        "images_per_second": 17.0 + seed,
        "resumed_at": 0,
        "threads": 2,
        "python": "3.11",
    }
    (folder / "weights" / "model.json").write_text(json.dumps(card))
    (folder / "logs" / "run.json").write_text(json.dumps(environment))
    rng = np.random.default_rng(seed)
    lines = []
    for step in range(steps):
        terms = {"generator": 10 / (1 + step / 50) + float(rng.normal(0, 0.3))}
        if step % 2 == 0:
            terms["discriminator"] = 1.3 + float(rng.normal(0, 0.1))
        if (step + 1) % 50 == 0:
            terms["val_ssim"] = 0.5 - 0.3 / (1 + step / 50)
        lines.append(json.dumps({"step": step} | terms))
    (folder / "logs" / "steps.jsonl").write_text("\n".join(lines) + "\n")


def samples() -> np.ndarray:
    """A sheet of plain colours: no person is on it."""
    groups = [[np.full((64, 64, 3), 40 * i + 20 * j, np.uint8) for j in range(3)] for i in range(6)]
    columns = ["photo", "generated", "target"]
    return sheet(groups, [f"face-{i:02d}" for i in range(6)], columns, 64, 2)
