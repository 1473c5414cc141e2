"""Evaluations that several tests read."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_evaluations import write_three_faces

from pipeline.common.evaluations import Evaluation, read_evaluations


@pytest.fixture
def evaluations(tmp_path: Path) -> list[Evaluation]:
    for seed in (0, 1):
        write_three_faces(tmp_path, seed)
    return [*read_evaluations(tmp_path, "hida", 0), *read_evaluations(tmp_path, "hida", 1)]
