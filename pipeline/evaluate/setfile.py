"""`sets.parquet`: the distances between sets of drawings and of targets, row by row.

One line a row, part of the faces and metric: value, n, and the values of the faces drawn again, by
which runs are compared.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sketchface_models.metrics.registry import SET_METRICS
from sketchface_models.metrics.sets import SetScore

SETS_FILE = "sets.parquet"
SETS = pa.schema(
    [
        ("row", pa.string()),
        ("part", pa.string()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("n", pa.int32()),
        ("resamples", pa.list_(pa.float64())),
    ]
)

SetScores = dict[str, dict[str, dict[str, SetScore]]]
"""Row -> part -> metric -> score."""


def write_sets(path: Path, found: SetScores) -> None:
    """Write the scores of one run and seed."""
    rows = [
        {"row": row, "part": part, "metric": metric, "value": score.value, "n": score.n}
        | {"resamples": score.resamples.tolist()}
        for row, parts in found.items()
        for part, measured in parts.items()
        for metric, score in measured.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows, SETS), path, compression="zstd")


def read_sets(path: Path) -> SetScores:
    """What `write_sets` wrote, of the metrics that there are.

    Raises:
        OSError, ValueError, KeyError: if the file is damaged.
    """
    found: SetScores = {}
    for row in pq.read_table(path).to_pylist():
        if row["metric"] in SET_METRICS:
            score = SetScore(row["value"], np.array(row["resamples"], float), row["n"])
            found.setdefault(row["row"], {}).setdefault(row["part"], {})[row["metric"]] = score
    return found
