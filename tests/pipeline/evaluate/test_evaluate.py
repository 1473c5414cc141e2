"""The whole stage, with systems whose pictures are known beforehand."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from made_systems import FormulaSystem
from made_tables import SIZE, STYLE, TEST, TRAIN, pictures_of, write_tables

from pipeline.baselines.baselines import write_baselines
from pipeline.common.evaluations import Evaluation, read_evaluation
from pipeline.common.images import decode
from pipeline.common.records import Method
from pipeline.common.score_frames import per_face, pooled
from pipeline.common.shards import QUARANTINE, quarantined, write_rows
from pipeline.common.subsets import subsets
from pipeline.evaluate.evaluate import evaluate, evaluate_system
from pipeline.evaluate.evaluate_settings import EvaluateSettings
from pipeline.pack.pack import write_pack
from sketchface_models.errors import SketchFaceError
from sketchface_models.metrics.untrained_baselines import derangement
from sketchface_models.systems.base import Output
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.pack_reader import Pack

SETTINGS = EvaluateSettings(samples=3, seed=2)
TASK = Task(("sketch", "photo"), "sketch", SIZE)
CPU = torch.device("cpu")


class Echo(FormulaSystem):
    """Generates one of its inputs."""

    def __init__(self, field: str, target: str = "sketch") -> None:
        self.field, self.outputs = field, {target: Output(target)}

    def generate(self, batch):
        return batch[self.field]


def card_of(task: Task, pack: Pack) -> dict:
    asked = dataclasses.asdict(task)
    return {"run": "echo", "seed": 4, "model": {"task": asked}, "channels": pack.channels}


def run(data: Path, work: Path, field: str, task: Task = TASK, **card: object) -> Evaluation:
    """Pack and evaluate; what `evaluate` wrote."""
    write_pack("echo", task, data, work / "pack")
    pack = Pack(work / "pack")
    about = card_of(task, pack) | card
    system = Echo(field, task.target)
    write_baselines(data, work / "pack", work / "baselines", SETTINGS.seed)
    evaluate_system(system, about, data, pack, work / "baselines", work / "out", SETTINGS, CPU)
    return read_evaluation(work / "out" / task.target, "evaluate@echo-4")


def values(evaluation: Evaluation, metric: str, method: Method = Method.SYSTEM) -> list[float]:
    table = per_face([evaluation], metric, method)
    assert list(table.columns) == list(TEST)
    return table.loc[4].tolist()


@pytest.fixture(scope="module")
def perfect(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    return run(tables, tmp_path_factory.mktemp("perfect"), "sketch")


def test_a_system_that_generates_the_targets_is_perfect_by_every_metric(perfect: Evaluation):
    assert perfect.methods == [Method.SYSTEM, Method.INPUT, Method.MEAN, Method.OTHER]
    assert perfect.faces["style"].tolist() == [STYLE[id] for id in TEST]
    assert set(values(perfect, "l1")) == {0.0}
    assert set(values(perfect, "rank")) == {1}
    summary = perfect.summary
    assert (summary.run, summary.seed, summary.n) == ("echo", 4, len(TEST))
    assert (summary.output, summary.target, summary.inputs) == ("sketch", "sketch", TASK.inputs)
    assert summary.missing == ()
    assert summary.means["system"]["rank_1"]["mean"] == 1.0
    masks = {str(subset): subset.mask(perfect.faces).sum() for subset in subsets(perfect.faces)}
    assert masks["without shared photos"] == len(TEST) - 1
    assert summary.not_learned[0] == "not better than the input itself on any metric"


def test_means_of_the_summary_are_those_of_the_scores(perfect: Evaluation):
    for measure in (each for each in perfect.summary.measures if not each.control):
        scores = per_face([perfect], measure.name, Method.MEAN)
        if not scores.size:
            scores = pooled([perfect], measure.name, Method.MEAN)
        expected = scores.to_numpy().mean()
        assert perfect.summary.means["mean"][measure.name]["mean"] == pytest.approx(expected)


def test_baselines_are_scored_face_by_face(perfect: Evaluation):
    targets = pictures_of(TEST, "sketch").astype(float)
    other = targets[derangement(len(TEST), SETTINGS.seed).numpy()]
    expected = np.abs(targets - other).mean((1, 2, 3)) / 255
    np.testing.assert_allclose(values(perfect, "l1", Method.OTHER), expected)


def test_generated_pictures_are_stored_under_their_ids(perfect: Evaluation):
    rows = pq.read_table(perfect.folder / "generated.parquet").to_pylist()
    assert [row["id"] for row in rows] == list(TEST)
    for row in rows:
        expected = pictures_of((row["id"],), "sketch")[0, 0]
        np.testing.assert_array_equal(decode(row["generated"]["bytes"]), expected)


@pytest.fixture
def empty_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Baselines are scored again, also where the file's other tests have scored the same."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))


@pytest.mark.usefixtures("empty_store")
def test_equal_inputs_give_equal_bytes_and_scores(
    perfect: Evaluation, tables: Path, tmp_path: Path
):
    again = run(tables, tmp_path, "sketch")
    names = sorted(path.name for path in again.folder.iterdir())
    tables_ = ["faces", "features", "generated", "resampled", "scores"]
    assert names == sorted(
        [*(f"{each}.parquet" for each in tables_), "samples.png", "summary.json"]
    )
    # The Fourier transform of FSIM rounds by where in memory its input lies.
    rounded = {"scores.parquet", "summary.json"}
    for name in (name for name in names if name not in rounded):
        assert (again.folder / name).read_bytes() == (perfect.folder / name).read_bytes(), name
    pd.testing.assert_frame_equal(again.scores, perfect.scores, rtol=1e-12, atol=1e-12)


def test_a_picture_in_colour_stays_in_colour_and_is_scored_in_grey(tables: Path, tmp_path: Path):
    evaluation = run(tables, tmp_path, "photo")
    for row in pq.read_table(evaluation.folder / "generated.parquet").to_pylist():
        expected = np.moveaxis(pictures_of((row["id"],), "photo")[0], 0, 2)
        np.testing.assert_array_equal(decode(row["generated"]["bytes"]), expected)
    photos = pictures_of(TEST, "photo").astype(float)
    grey = np.rint(np.einsum("nchw,c->nhw", photos, [0.299, 0.587, 0.114]))
    targets = pictures_of(TEST, "sketch")[:, 0]
    expected = np.abs(grey - targets).mean((1, 2)) / 255
    np.testing.assert_allclose(values(evaluation, "l1"), expected)
    assert evaluation.summary.protocol_details["channels"] == "grey"
    sheet = decode((evaluation.folder / "samples.png").read_bytes())
    top = 2 * 16 + 4  # "target sketch" has two lines
    generated = sheet[top : top + SIZE, 4 + 2 * (SIZE + 4) : 4 + 3 * (SIZE + 4) - 4]
    photo = np.moveaxis(pictures_of(TEST[:1], "photo")[0], 0, 2)
    np.testing.assert_array_equal(generated, photo)


@pytest.mark.parametrize("target", ["lines", "depth", "photo", "contour"])
def test_any_field_can_be_the_target(tables: Path, tmp_path: Path, target: str):
    field = "photo" if target == "photo" else "sketch"
    evaluation = run(tables, tmp_path, field, Task(("sketch", "photo"), target, SIZE))
    generated, targets = (pictures_of(TEST, each).astype(float) for each in (field, target))
    expected = np.abs(generated - targets).mean((1, 2, 3)) / 255
    np.testing.assert_allclose(values(evaluation, "l1"), expected, atol=1e-12)
    inputs = pictures_of(TEST, "sketch").astype(float)  # the first one
    expected = np.abs(inputs - targets).mean((1, 2, 3)) / 255
    np.testing.assert_allclose(values(evaluation, "l1", Method.INPUT), expected, atol=1e-12)


@pytest.mark.usefixtures("empty_store")
def test_baselines_do_not_depend_on_the_training_size(
    perfect: Evaluation, tables: Path, tmp_path: Path
):
    half = run(tables, tmp_path, "sketch", Task(TASK.inputs, TASK.target, SIZE // 2))
    assert half.summary.protocol == perfect.summary.protocol
    for method in (Method.INPUT, Method.MEAN, Method.OTHER):
        assert values(half, "ssim", method) == values(perfect, "ssim", method)
    assert values(half, "ssim") != values(perfect, "ssim")


def test_other_faces_never_share_a_protocol(perfect: Evaluation, tables: Path, tmp_path: Path):
    own = perfect.summary.protocol
    others = write_tables(tmp_path / "others", swap={TEST[0]: TRAIN[0], TRAIN[0]: TEST[0]})
    assert run(others, tmp_path / "a", "sketch").summary.protocol != own
    # Another training face changes what is learned, not what is scored.
    trained = write_tables(tmp_path / "trained", swap={TRAIN[1]: TRAIN[0]})
    assert run(trained, tmp_path / "b", "sketch").summary.protocol == own
    lines = Task(("sketch", "photo"), "lines", SIZE)
    assert run(tables, tmp_path / "c", "sketch", lines).summary.protocol != own


def test_faces_that_could_not_be_scored_are_named(tmp_path: Path):
    data = write_tables(tmp_path / "data", {"photo": [TEST[2]]})
    schema = pa.schema([*QUARANTINE, ("split", pa.string()), ("style", pa.int8())])
    lost = quarantined("zz", "faces", "zz.jpg: empty file") | {"split": "test", "style": 3}
    write_rows(data / "faces/quarantine.parquet", [lost], schema)
    summary = run(data, tmp_path, "sketch").summary
    assert summary.n == len(TEST) - 1
    assert [(face.id, face.reason) for face in summary.missing] == [
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
            evaluate_system(Echo("sketch"), card, tables, wrong, tmp_path, out, SETTINGS, CPU)
    assert not out.exists()


def test_missing_weights_are_one_line(tables: Path, tmp_path: Path):
    with pytest.raises(SketchFaceError, match=r"model\.safetensors"):
        folders = (tmp_path / name for name in ("pack", "weights", "baselines", "out"))
        evaluate(tables, *folders, SETTINGS)
