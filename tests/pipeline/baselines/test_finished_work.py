"""Work of the `baselines` stage is done once for all runs that share it."""

from pathlib import Path

import pandas as pd
import pytest
from made_tables import SIZE

from pipeline.baselines.baselines import FEATURES_FILE, SCORES_FILE, write_baselines
from pipeline.baselines.finished_work import stored
from pipeline.common.evaluations import read_frame
from pipeline.common.records import Method
from pipeline.pack.pack import write_pack
from sketchface_models.systems.run_settings import Task


def baselines(tables: Path, work: Path, source: str, seed: int = 0) -> pd.DataFrame:
    """Write the baselines of a run that draws sketches of `source`; return their scores."""
    pack, out = work / f"pack-{source}", work / f"baselines-{source}-{seed}"
    if not pack.exists():
        write_pack("made", Task((source,), "sketch", SIZE), tables, pack)
    write_baselines(tables, pack, out, seed)
    assert not read_frame(out / "sketch" / FEATURES_FILE, "baselines").empty
    return read_frame(out / "sketch" / SCORES_FILE, "baselines")


def folders(work: Path) -> set[str]:
    return {path.name for path in (work / ".cache" / "baselines").iterdir()}


def test_runs_with_other_inputs_share_what_belongs_to_the_targets(tables: Path, tmp_path: Path):
    of_lines = baselines(tables, tmp_path, "lines")
    first = folders(tmp_path)
    assert len(first) == 1 + 4  # the whole; targets, input, mean target, another face
    of_photos = baselines(tables, tmp_path, "photo")
    assert len(folders(tmp_path) - first) == 1 + 1  # the whole; the input
    for method in (Method.MEAN, Method.OTHER):
        alike = [each[each["method"] == method] for each in (of_lines, of_photos)]
        pd.testing.assert_frame_equal(*(each.reset_index(drop=True) for each in alike))
    inputs = [each[each["method"] == Method.INPUT]["value"] for each in (of_lines, of_photos)]
    assert not inputs[0].reset_index(drop=True).equals(inputs[1].reset_index(drop=True))


def test_another_seed_chooses_other_faces(tables: Path, tmp_path: Path):
    one, other = (baselines(tables, tmp_path, "photo", seed) for seed in (0, 1))
    chosen = [each[each["method"] == Method.OTHER]["value"].tolist() for each in (one, other)]
    assert chosen[0] != chosen[1]


def test_unfinished_work_leaves_nothing(tmp_path: Path):
    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        stored(["a"], fail)
    assert not list(stored(["a"], lambda folder: None).iterdir())
