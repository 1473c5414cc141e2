"""A made-up `data` folder of exactly the layout that the stages before `report` write."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from pipeline.common.images import encode_png
from pipeline.common.shards import QUARANTINE, quarantined, write_rows
from pipeline.common.sheets import sheet
from pipeline.evaluate.judged import judge_sets, with_sets
from pipeline.evaluate.layout import MODEL, TRIVIAL
from pipeline.evaluate.old_summary import parts_of, summarise
from pipeline.evaluate.setfile import SETS_FILE, write_sets
from sketchface_models.metrics.protocol import Protocol, measures
from sketchface_models.metrics.registry import metric_names

TEST = 24
LEVELS = {"l1": 0.2, "psnr": 15.0, "ssim": 0.5, "scoot": 0.5, "fsim": 0.7, "fsimc": 0.7}
LOWER = ("l1",)
IDS = tuple(f"face-{i:02d}" for i in range(TEST))
STYLES = tuple(1 + i % 2 for i in range(TEST))
SHARED = IDS[:3]
LOST = "c.jpg: empty file (0 bytes); fetch it again"
"""What happened to the one test face that never came to the tables."""
MISSING = (
    {"id": "c", "split": "test", "style": 1, "reason": LOST},
    {"id": "face-90", "split": "test", "style": 1, "reason": "without depth"},
    {"id": "face-91", "split": "test", "style": 2, "reason": "without depth"},
)


def made_scores(skill: float, seed: int, channels: int = 1) -> dict[str, dict[str, np.ndarray]]:
    """Row -> metric -> (TEST,): the system stands `skill` steps of 5 % above the trivial rows.

    Trivial rows know nothing of the seed, and some faces are harder than others in every row.
    """
    names = metric_names(channels)
    fixed = np.random.default_rng(7)
    difficulty = {name: fixed.normal(0, 0.02, TEST) for name in names}

    def row(offset: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
        return {
            name: LEVELS[name]
            * (1 + (-offset if name in LOWER else offset) + difficulty[name])
            * (1 + rng.normal(0, 0.02, TEST))
            for name in names
        }

    scores = {MODEL: row(0.05 * skill, np.random.default_rng(seed))}
    scores |= {name: row(0.0, fixed) for name in TRIVIAL}
    for name, values in scores.items():
        guessed = np.arange(1, TEST + 1)
        values["rank"] = np.arange(TEST) % 3 + 1 if name == MODEL and skill > 0 else guessed
    return scores


def made_features(skill: float, seed: int) -> dict[str, torch.Tensor]:
    """Row -> (TEST, 6): the system's lie the nearer to the targets the greater its skill is."""
    fixed = np.random.default_rng(9)
    target = fixed.normal(size=(TEST, 6))
    far = 2 - 0.5 * skill
    own = target + 0.1 * np.random.default_rng(seed).normal(size=(TEST, 6)) + far
    rows = {"target": target, "model": own, "input": target[::-1] + 2, "mean": 0 * target + 2}
    return {row: torch.from_numpy(np.ascontiguousarray(values)) for row, values in rows.items()}


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


def write_run(
    data: Path,
    run: str,
    seed: int,
    skill: float = 2.0,
    name: str = "made",
    channels: int = 1,
    size: int = 64,
    target: str = "sketch",
    shared: tuple[str, ...] = (),
    missing: tuple[dict[str, object], ...] = MISSING,
    steps: int = 450,
) -> None:
    """One run from one seed, as `train` and `evaluate` leave it."""
    kind = "grey" if channels == 1 else "rgb"
    protocol = Protocol(
        f"{name}-{size}",
        f"{size}x{size}",
        "bicubic",
        kind,
        f"{name}/test/{TEST}",
        metrics=measures(kind),
    )
    scores = made_scores(skill, 1000 * len(run) + seed, channels)
    sets = judge_sets(
        made_features(skill, 1000 * len(run) + seed),
        parts_of(list(STYLES), list(IDS), list(shared)),
    )
    summary = {
        "run": run,
        "seed": seed,
        "data": name,
        "split": "test",
        "target": target,
        "protocol": protocol.tag,
        "protocol_details": asdict(protocol),
        "n": TEST,
        "missing": list(missing),
        **with_sets(summarise(scores, list(STYLES), list(IDS), list(shared), 0), sets),
    }
    scored = data / "evaluate" / run / str(seed)
    scored.mkdir(parents=True)
    (scored / "summary.json").write_text(json.dumps(summary))
    tables = [
        pa.table({"row": [row] * TEST, "id": IDS, "style": pa.array(STYLES, pa.int8()), **values})
        for row, values in scores.items()
    ]
    pq.write_table(pa.concat_tables(tables), scored / "per_image.parquet")
    write_sets(scored / SETS_FILE, sets)
    (scored / "samples.png").write_bytes(encode_png(samples()))
    write_training(data / "train" / run / str(seed), run, seed, target, steps)


def write_training(folder: Path, run: str, seed: int, target: str, steps: int) -> None:
    (folder / "weights").mkdir(parents=True)
    (folder / "logs").mkdir()
    card = {
        "run": run,
        "seed": seed,
        "model": {
            "system": "pix2pix",
            "task": {"inputs": ["photo"], "target": target, "size": 64},
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
    return sheet(groups, [f"face-{i:02d}" for i in range(6)], ["photo", "drawn", "target"], 64, 2)
