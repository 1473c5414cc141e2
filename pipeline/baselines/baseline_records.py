"""What the `baselines` stage leaves of one output, and how its features are written and read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from pipeline.baselines.scoring import Features
from pipeline.common.evaluations import PARSED_FILE, SCHEMAS, read_frame
from pipeline.common.records import Method
from pipeline.common.score_frames import Scores
from sketchface_models.errors import SketchFaceError
from sketchface_models.training.pack_reader import Pack

ABOUT_FILE = "about.json"
STAGE = "baselines"


@dataclass(frozen=True)
class BaselineRecords:
    """What the stage wrote for one output: lines of scores, and features of the targets."""

    about: dict[str, Any]
    scores: Scores
    features: dict[str, Tensor]
    """Extractor -> (N, D) float32, in the order of `about["ids"]`."""
    parsed: Tensor | None = None
    """(N, S, S) uint8, the judge's labels of the true photos, for runs that read parsing maps."""

    def parsed_photos(self) -> Tensor:
        """Return `parsed`.

        Raises:
            SketchFaceError: if it is missing.
        """
        if self.parsed is None:
            raise SketchFaceError(f"{PARSED_FILE}: missing; run `dvc repro {STAGE}`")
        return self.parsed


def pictured_inputs(pack: Pack, target: str) -> tuple[str, ...]:
    """Return the fields that an output is made from and that are pictures.

    In an unpaired pack each domain's pictures are made from the other's.
    """
    fields = pack.inputs if target == pack.target else [pack.target]
    return tuple(name for name in fields if name in pack.pictures)


def write_features(
    path: Path, features: Features, ids: Sequence[str], methods: Sequence[Method]
) -> None:
    """Write `FEATURES` of those of the methods that have any."""
    tables = [SCHEMAS[path.name].empty_table()]
    for extractor, by_method in features.items():
        for method in (each for each in methods if each in by_method):
            vectors = by_method[method].numpy()
            lists = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
            columns = [[extractor] * len(ids), [str(method)] * len(ids), ids]
            arrays = [*map(pa.array, columns), lists.cast(pa.list_(pa.float32()))]
            tables.append(pa.Table.from_arrays(arrays, schema=SCHEMAS[path.name]))
    table = pa.concat_tables(tables).replace_schema_metadata(None)
    pq.write_table(table, path, compression="zstd")


def read_features(path: Path, stage: str) -> dict[str, Tensor]:
    """Read `FEATURES` of one method: extractor -> (N, D) float32.

    Raises:
        SketchFaceError: naming the stage, if the file is missing or damaged.
    """
    return {
        str(name): torch.from_numpy(np.stack(of["features"].to_numpy()))
        for name, of in read_frame(path, stage).groupby("extractor")
    }
