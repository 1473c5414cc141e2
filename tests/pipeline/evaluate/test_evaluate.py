"""The whole stage, with systems whose drawings are known beforehand."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from made_tables import SIZE, STYLE, TEST, TRAIN, pictures_of, write_tables

from pipeline.common.images import decode
from pipeline.common.shards import QUARANTINE, quarantined, write_rows
from pipeline.evaluate.evaluate import EvaluateSettings, evaluate, evaluate_system
from pipeline.pack.pack import write_pack
from sketchface_models.errors import SketchFaceError
from sketchface_models.metrics.trivial import derangement
from sketchface_models.systems.base import Task
from sketchface_models.training.pack import Pack

SETTINGS = EvaluateSettings(samples=3, seed=2)
TASK = Task(("sketch", "photo"), "sketch", SIZE)
CPU = torch.device("cpu")


class Echo:
    """Draws one of its inputs."""

    def __init__(self, field: str) -> None:
        self.field = field

    def generate(self, batch):
        return batch[self.field]


def card_of(task: Task, pack: Pack) -> dict:
    asked = dataclasses.asdict(task)
    return {"run": "echo", "seed": 4, "model": {"task": asked}, "channels": pack.channels}


def run(data: Path, work: Path, field: str, task: Task = TASK, **card: object) -> Path:
    """Pack and evaluate; the folder that `evaluate` wrote."""
    write_pack("echo", task, data, work / "pack")
    pack = Pack(work / "pack")
    about = card_of(task, pack) | card
    evaluate_system(Echo(field), about, data, pack, work / "out", SETTINGS, CPU)
    return work / "out"


def summary_of(out: Path) -> dict:
    return json.loads((out / "summary.json").read_text())


@pytest.fixture(scope="module")
def perfect(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tables, tmp_path_factory.mktemp("perfect"), "sketch")


def test_who_draws_the_targets_is_perfect_in_every_table(perfect: Path):
    rows = pq.read_table(perfect / "per_image.parquet").to_pylist()
    assert {row["row"] for row in rows} == {"model", "input", "mean", "other"}
    own = [row for row in rows if row["row"] == "model"]
    assert [row["id"] for row in own] == list(TEST)
    assert [row["style"] for row in own] == [STYLE[id] for id in TEST]
    assert {row["l1"] for row in own} == {0.0}
    assert {row["rank"] for row in own} == {1}
    summary = summary_of(perfect)
    assert (summary["run"], summary["seed"], summary["n"]) == ("echo", 4, len(TEST))
    assert summary["missing"] == []
    assert summary["retrieval"]["model"] == {"rank_1": 1.0, "rank_5": 1.0}
    assert summary["parts"]["without shared photos"] == len(TEST) - 1
    assert summary["not_learned"] == [
        "not better than the input itself on any metric"  # for here they are the same
    ]


def test_trivial_values_are_those_of_the_faces_themselves(perfect: Path):
    rows = pq.read_table(perfect / "per_image.parquet").to_pylist()
    targets = pictures_of(TEST, "sketch").astype(float)
    other = targets[derangement(len(TEST), SETTINGS.seed).numpy()]
    found = [row["l1"] for row in rows if row["row"] == "other"]
    np.testing.assert_allclose(found, np.abs(targets - other).mean((1, 2, 3)) / 255)


def test_drawings_are_stored_under_their_ids(perfect: Path):
    for row in pq.read_table(perfect / "drawings.parquet").to_pylist():
        expected = pictures_of((row["id"],), "sketch")[0, 0]
        np.testing.assert_array_equal(decode(row["drawing"]["bytes"]), expected)


def test_equal_inputs_give_equal_bytes(perfect: Path, tables: Path, tmp_path: Path):
    again = run(tables, tmp_path, "sketch")
    names = sorted(path.name for path in again.iterdir())
    files = ["drawings.parquet", "features.parquet", "per_image.parquet", "sets.parquet"]
    assert names == sorted([*files, "samples.png", "summary.json"])
    for name in names:
        assert (again / name).read_bytes() == (perfect / name).read_bytes()


def test_a_drawing_in_colour_stays_in_colour_and_is_scored_in_grey(tables: Path, tmp_path: Path):
    out = run(tables, tmp_path, "photo")
    rows = pq.read_table(out / "drawings.parquet").to_pylist()
    for row in rows:
        expected = np.moveaxis(pictures_of((row["id"],), "photo")[0], 0, 2)
        np.testing.assert_array_equal(decode(row["drawing"]["bytes"]), expected)
    photos = pictures_of(TEST, "photo").astype(float)
    grey = np.rint(np.einsum("nchw,c->nhw", photos, [0.299, 0.587, 0.114]))
    targets = pictures_of(TEST, "sketch")[:, 0]
    table = pq.read_table(out / "per_image.parquet").to_pylist()
    found = [row["l1"] for row in table if row["row"] == "model"]
    np.testing.assert_allclose(found, np.abs(grey - targets).mean((1, 2)) / 255)
    assert summary_of(out)["protocol_details"]["channels"] == "grey"
    sheet = decode((out / "samples.png").read_bytes())
    drawn = sheet[20 : 20 + SIZE, 4 + 2 * (SIZE + 4) : 4 + 3 * (SIZE + 4) - 4]
    np.testing.assert_array_equal(drawn, np.moveaxis(pictures_of(TEST[:1], "photo")[0], 0, 2))


@pytest.mark.parametrize("target", ["lines", "depth", "parsing", "photo", "contour"])
def test_any_field_can_be_the_target(tables: Path, tmp_path: Path, target: str):
    drawn = "photo" if target == "photo" else "sketch"
    out = run(tables, tmp_path, drawn, Task(("sketch", "photo"), target, SIZE))
    table = pq.read_table(out / "per_image.parquet").to_pylist()
    drawings, targets = (pictures_of(TEST, field).astype(float) for field in (drawn, target))
    found = [row["l1"] for row in table if row["row"] == "model"]
    np.testing.assert_allclose(found, np.abs(drawings - targets).mean((1, 2, 3)) / 255, atol=1e-12)
    inputs = pictures_of(TEST, "sketch").astype(float)  # the first one
    found = [row["l1"] for row in table if row["row"] == "input"]
    np.testing.assert_allclose(found, np.abs(inputs - targets).mean((1, 2, 3)) / 255, atol=1e-12)


def test_trivial_rows_know_nothing_of_the_training_size(
    perfect: Path, tables: Path, tmp_path: Path
):
    half = run(tables, tmp_path, "sketch", Task(TASK.inputs, TASK.target, SIZE // 2))
    ours, theirs = summary_of(half), summary_of(perfect)
    assert ours["protocol"] == theirs["protocol"]
    for row in ("input", "mean", "other"):
        assert ours["scores"][row] == theirs["scores"][row]
    assert ours["scores"]["model"] != theirs["scores"]["model"]


def test_other_faces_never_share_a_protocol(perfect: Path, tables: Path, tmp_path: Path):
    own = summary_of(perfect)["protocol"]
    others = write_tables(tmp_path / "others", swap={TEST[0]: TRAIN[0], TRAIN[0]: TEST[0]})
    assert summary_of(run(others, tmp_path / "a", "sketch"))["protocol"] != own
    # Another training face changes what is learned, not what is scored.
    trained = write_tables(tmp_path / "trained", swap={TRAIN[1]: TRAIN[0]})
    assert summary_of(run(trained, tmp_path / "b", "sketch"))["protocol"] == own
    lines = Task(("sketch", "photo"), "lines", SIZE)
    assert summary_of(run(tables, tmp_path / "c", "sketch", lines))["protocol"] != own


def test_faces_that_could_not_be_drawn_are_named(tmp_path: Path):
    data = write_tables(tmp_path / "data", {"photo": [TEST[2]]})
    schema = pa.schema([*QUARANTINE, ("split", pa.string()), ("style", pa.int8())])
    lost = quarantined("zz", "faces", "zz.jpg: empty file") | {"split": "test", "style": 3}
    write_rows(data / "faces/quarantine.parquet", [lost], schema)
    summary = summary_of(run(data, tmp_path, "sketch"))
    assert summary["n"] == len(TEST) - 1
    assert [(face["id"], face["reason"]) for face in summary["missing"]] == [
        (TEST[2], "without photo"),
        ("zz", "zz.jpg: empty file"),
    ]


def refused(tables: Path, work: Path, said: str, **card: object) -> None:
    with pytest.raises(SketchFaceError, match=said) as raised:
        run(tables, work, "sketch", **card)
    assert "\n" not in str(raised.value)
    assert not (work / "out").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target": "lines"}, r"pack: sketch, photo -> sketch at 64 .* for sketch, photo -> lines"),
        ({"size": 32}, "but the weights of run echo were trained for .* at 32 pixels"),
        ({"inputs": ["photo", "sketch"]}, "trained for photo, sketch -> sketch"),
    ],
)
def test_weights_of_another_task_are_refused(tables: Path, tmp_path: Path, change: dict, said: str):
    task = dataclasses.asdict(TASK) | change
    refused(tables, tmp_path, said, model={"task": task})


def test_weights_for_other_channels_are_refused(tables: Path, tmp_path: Path):
    refused(tables, tmp_path, "channels", channels={"photo": 1, "sketch": 1})


def spoilt(pack: Path, **changes: object) -> Pack:
    about = json.loads((pack / "pack.json").read_text()) | changes
    (pack / "pack.json").write_text(json.dumps(about))
    return Pack(pack)


def test_packs_of_other_faces_or_none_are_refused(tables: Path, tmp_path: Path):
    write_pack("echo", TASK, tables, tmp_path / "pack")
    pack = Pack(tmp_path / "pack")
    card, out = card_of(TASK, pack), tmp_path / "out"
    ids = ["stranger", *pack.ids[1:]] if pack.splits[0] == "test" else [*pack.ids]
    ids[pack.ids.index(TEST[1])] = "stranger"
    for changes, said in (
        ({"ids": ids}, "faces: no sketch of 1 of 8 test faces \\(stranger\\)"),
        ({"ids": pack.ids, "splits": ["train"] * len(ids)}, "no test face in it; pack again"),
        ({"splits": pack.splits, "missing": None}, "does not say which faces are missing"),
    ):
        wrong = spoilt(tmp_path / "pack", **changes)
        with pytest.raises(SketchFaceError, match=said):
            evaluate_system(Echo("sketch"), card, tables, wrong, out, SETTINGS, CPU)
    assert not out.exists()


def test_missing_weights_are_one_line(tables: Path, tmp_path: Path):
    with pytest.raises(SketchFaceError, match=r"model\.safetensors"):
        evaluate(tables, tmp_path / "pack", tmp_path / "weights", tmp_path / "out", SETTINGS)
