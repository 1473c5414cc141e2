"""Runs whose test faces have no partner: photos of some people, drawings of others."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from made_systems import FormulaSystem
from made_tables import IDS, SIZE, SPLIT, pictures_of, write_tables

from pipeline.baselines.baselines import write_baselines
from pipeline.baselines.one_way import OneWayPack, without_partners
from pipeline.common.evaluations import CODES_FILE, CYCLES_FILE, Evaluation, read_evaluation
from pipeline.common.records import Level, Method
from pipeline.common.score_frames import per_face, pooled, resampled
from pipeline.evaluate.evaluate import evaluate_system
from pipeline.evaluate.evaluate_settings import EvaluateSettings
from pipeline.pack.pack import write_pack
from sketchface_models.metrics.judge import Judge
from sketchface_models.metrics.kernel import squared_mmd
from sketchface_models.systems.base import Output
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.feed import stream_seed
from sketchface_models.training.pack_reader import Pack

SETTINGS = EvaluateSettings(samples=3, seed=2, sampled_faces=2)
TASK = Task(("photo",), "sketch", SIZE, unpaired=True)
DRAWN = tuple(id for id in IDS if IDS.index(id) % 3 == 0)
"""Faces with a sketch and no photo; all others have a photo alone."""
PHOTOGRAPHED = tuple(id for id in IDS if id not in DRAWN)
TEST = {
    "sketch": tuple(id for id in DRAWN if SPLIT[id] == "test"),
    "photo": tuple(id for id in PHOTOGRAPHED if SPLIT[id] == "test"),
}
OTHER = {"sketch": "photo", "photo": "sketch"}


class Darkened(FormulaSystem):
    """Translates a picture into the other kind by darkening it; codes make it darker still."""

    def __init__(self) -> None:
        self.outputs = {field: Output(field) for field in ("sketch", "photo")}

    def generate(self, batch):
        return self.generate_all(batch)["sketch"]

    def generate_all(self, batch, by=0.25):
        made = {"sketch": batch["photo"][:, :1], "photo": batch["sketch"].repeat(1, 3, 1, 1)}
        return {field: (picture - by).clamp(min=-1) for field, picture in made.items()}

    def sample(self, batch, generator):
        return self.generate_all(batch, float(torch.rand((), generator=generator)))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lacking = {"sketch": list(PHOTOGRAPHED), "photo": list(DRAWN)}
    return write_tables(tmp_path_factory.mktemp("data"), lacking)


@pytest.fixture(scope="module")
def work(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    write_pack("two", TASK, data, folder / "pack")
    pack = Pack(folder / "pack")
    card = {"run": "two", "seed": 4, "model": {"task": dataclasses.asdict(TASK)}}
    card |= {"channels": pack.channels}
    write_baselines(data, folder / "pack", folder / "baselines", SETTINGS.seed)
    folders = (folder / "baselines", folder / "out")
    evaluate_system(Darkened(), card, data, pack, *folders, SETTINGS, torch.device("cpu"))
    return folder


@pytest.fixture(scope="module")
def evaluations(work: Path) -> dict[str, Evaluation]:
    return {field: read_evaluation(work / "out" / field, "evaluate@two-4") for field in OTHER}


def features(pictures: np.ndarray) -> torch.Tensor:
    return torch.cat([Judge()(torch.from_numpy(p)[None].float() / 127.5 - 1) for p in pictures])


def darkened(pictures: np.ndarray) -> np.ndarray:
    return np.round(np.maximum(pictures - 0.25 * 127.5, 0)).astype(np.uint8)


@pytest.mark.parametrize("field", OTHER)
def test_a_set_is_compared_with_the_real_set_of_its_kind(
    evaluations: dict[str, Evaluation], field: str
):
    evaluation, source = evaluations[field], OTHER[field]
    assert evaluation.ids == TEST[source]
    assert len(TEST[source]) != len(TEST[field])
    inputs, real = pictures_of(TEST[source], source), pictures_of(TEST[field], field)
    shown = np.broadcast_to(inputs[:, :1], (len(inputs), *real.shape[1:]))
    measured = pooled([evaluation], "parser_kernel").loc[4]
    expected = squared_mmd(features(darkened(shown)), features(real))
    assert measured == pytest.approx(expected, rel=1e-3)
    unchanged = pooled([evaluation], "parser_kernel", Method.INPUT).iloc[0]
    grey = inputs.mean(1, keepdims=True) if field == "sketch" else shown
    if field == "photo":  # a grey picture in three channels; luma is tested with the baseline
        assert unchanged == pytest.approx(squared_mmd(features(grey), features(real)), rel=1e-3)
    assert resampled([evaluation], "parser_kernel").shape == (1, 200)


def test_there_are_no_measures_of_faces_and_no_retrieval(evaluations: dict[str, Evaluation]):
    for field, evaluation in evaluations.items():
        summary = evaluation.summary
        compared = [each for each in summary.measures if not each.control]
        assert {each.level for each in compared} == {Level.SET}
        assert "rank" not in set(evaluation.scores["metric"])
        assert per_face([evaluation], "l1").empty
        assert summary.references == len(TEST[field])
        assert summary.not_learned == summary.missing == ()
        assert {each.name for each in summary.not_measured} <= {"fid", "kid"}
        methods = [Method.SYSTEM, Method.INPUT, Method.MEAN, Method.TRAINING]
        assert evaluation.methods == methods


def test_the_protocol_says_that_pictures_have_no_partner(evaluations: dict[str, Evaluation]):
    for field, evaluation in evaluations.items():
        summary = evaluation.summary
        assert summary.protocol.startswith("made-64-unpaired:")
        metrics = summary.protocol_details["metrics"]
        assert not {"l1", "ssim", "retrieval"} & set(metrics)
        assert metrics["unpaired"]["generated from"].startswith(f"{len(TEST[OTHER[field]])}/")


def test_reconstructions_are_compared_with_what_they_were(
    evaluations: dict[str, Evaluation], work: Path
):
    for field, evaluation in evaluations.items():
        source = OTHER[field]
        real = pictures_of(TEST[source], source).astype(float)
        generator = torch.Generator().manual_seed(stream_seed("cycles", SETTINGS.seed, 0))
        by = sum(float(torch.rand((), generator=generator)) for _ in range(2))  # codes are sampled
        back = np.maximum(real[:, :1] - by * 127.5, 0)
        difference = np.abs(real - back).mean((1, 2, 3)) / 255
        measured = per_face([evaluation], f"cycle_{source}_l1").loc[4]
        assert tuple(measured.index) == TEST[source]
        np.testing.assert_allclose(measured, difference, atol=0.003)
        assert f"cycle_{field}_l1" not in set(evaluation.scores["metric"])
        distance = pooled([evaluation], f"cycle_{source}_parser_kernel").loc[4]
        same = np.broadcast_to(np.round(back).astype(np.uint8), real.shape)
        expected = squared_mmd(features(same), features(real.astype(np.uint8)))
        assert distance == pytest.approx(expected, rel=0.05)
        for sheet in (CYCLES_FILE, CODES_FILE, "samples.png"):
            assert (work / "out" / field / sheet).exists()


def test_codes_are_compared_for_faces_without_partners(evaluations: dict[str, Evaluation]):
    for field, evaluation in evaluations.items():
        table = per_face([evaluation], "diversity_codes_l1").loc[4]
        assert set(table.index) <= set(TEST[OTHER[field]])
        assert (table > 0).all()


def test_stand_ins_depend_on_the_row_alone(work: Path):
    pack = Pack(work / "pack")
    assert without_partners(pack, "test")
    side = OneWayPack(pack, "photo", "test")
    rows = side.rows("test")
    assert [side.ids[row] for row in rows] == list(TEST["sketch"])
    together = side.read_faces(rows, ["sketch", "photo"])
    np.testing.assert_array_equal(together["sketch"], pictures_of(TEST["sketch"], "sketch"))
    for number, row in enumerate(rows):
        alone = side.read_faces(np.array([row]), ["photo"])["photo"][0]
        assert torch.equal(together["photo"][number], alone)


def test_baselines_of_other_faces_are_refused(data: Path, work: Path, tmp_path: Path):
    about = work / "baselines" / "photo" / "about.json"
    values = json.loads(about.read_text())
    assert set(values["training"]) <= {id for id in PHOTOGRAPHED if SPLIT[id] == "train"}
    assert len(values["training"]) == min(len(TEST["sketch"]), len(PHOTOGRAPHED))
