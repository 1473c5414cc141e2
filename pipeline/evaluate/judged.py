"""What the judge says of all drawings together: its features, and distances between their sets.

features.parquet holds row (model, target), id and features: what the judge sees in each picture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor
from tqdm import tqdm

from pipeline.common.pictures import BATCH
from pipeline.evaluate.layout import MODEL, OTHER, TARGET
from pipeline.evaluate.setfile import SetScores
from sketchface_models.metrics.judge import FEATURES, Judge
from sketchface_models.metrics.registry import SET_METRICS
from sketchface_models.metrics.sets import compare_sets, score_sets, set_interval


def judge_features(pictures: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    """What the judge sees: row -> (N, `FEATURES`) float32 of (N, C, S, S) uint8.

    Equal pictures are looked at once, in whichever rows they stand.
    """
    judge = Judge().to(device)
    place: dict[bytes, int] = {}
    different: list[Tensor] = []
    where: dict[str, list[int]] = {}
    for row, each in pictures.items():
        where[row] = []
        for picture in each:
            key = hashlib.blake2b(picture.numpy().tobytes(), digest_size=16).digest()
            if key not in place:
                place[key] = len(different)
                different.append(picture)
            where[row].append(place[key])
    seen = []
    for start in tqdm(range(0, len(different), BATCH), desc="judge", unit="batch", disable=None):
        batch = torch.stack(different[start : start + BATCH]).to(device)
        seen.append(judge(batch.float() / 127.5 - 1).cpu())
    features = torch.cat(seen)
    return {row: features[places] for row, places in where.items()}


def judge_sets(features: Mapping[str, Tensor], parts: Mapping[str, np.ndarray]) -> SetScores:
    """The distances of every row's features from the targets', in every part of the faces.

    Args:
        features: row -> (N, D), with `TARGET` among the rows.
        parts: name -> (N,) bool.
    """
    rows = [row for row in features if row != TARGET]
    found: SetScores = {row: {} for row in rows}
    for part, chosen in parts.items():
        faces = torch.from_numpy(np.flatnonzero(chosen))
        sets = {row: features[row][faces] for row in rows}
        for row, scores in score_sets(SET_METRICS, sets, features[TARGET][faces]).items():
            found[row][part] = scores
    return found


def with_sets(summary: dict[str, Any], found: SetScores) -> dict[str, Any]:
    """A summary whose scores and verdicts say the distances too.

    Whether a system has learned they do not say: they do not ask whose face it drew.
    """
    whole = next(iter(summary["parts"]))
    scores, verdicts = summary["scores"], summary["verdicts"]
    for row, parts in found.items():
        for part, measured in parts.items():
            scores[row][part] |= {m: asdict(set_interval([s])) for m, s in measured.items()}
        if row != MODEL:
            verdicts[row] |= {
                name: compare_sets(name, [score], [parts[whole][name]]).verdict
                for name, score in found[MODEL][whole].items()
            }
    return summary


def judged_pictures(candidates: Mapping[str, Tensor], targets: Tensor) -> dict[str, Tensor]:
    """What the judge is shown: the targets, and every row but other faces' targets.

    Those are the same set of pictures as the targets, at no distance by construction.
    """
    return {TARGET: targets} | {row: each for row, each in candidates.items() if row != OTHER}


def write_features(path: Path, features: Mapping[str, Tensor], ids: Sequence[str]) -> None:
    """Write `features.parquet`: the drawings' and the targets' features, float32."""
    tables = []
    for row in (MODEL, TARGET):
        values = pa.array(features[row].numpy().ravel())
        columns = pa.FixedSizeListArray.from_arrays(values, FEATURES)
        tables.append(pa.table({"row": [row] * len(ids), "id": ids, "features": columns}))
    pq.write_table(pa.concat_tables(tables), path, compression="zstd")
