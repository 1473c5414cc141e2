"""Control from edit table to scores, with systems whose answers are known beforehand."""

import dataclasses
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from made_edits import CORNER, level, square, write_edits_table
from made_systems import FormulaSystem
from made_tables import IDS, SIZE, face_picture, write_tables

from pipeline.baselines.baselines import write_baselines
from pipeline.common.evaluations import VECTOR_MAPS_FILE, Evaluation, read_evaluation, read_frame
from pipeline.common.records import Method
from pipeline.common.score_frames import by_base_face, per_edit, per_face, pooled, resampled
from pipeline.common.subsets import (
    ALL,
    SubsetKind,
    edits_subset,
    measured_subsets,
    moved_subset,
)
from pipeline.evaluate.control import measured
from pipeline.evaluate.control.locality import change, dilated
from pipeline.evaluate.evaluate import evaluate_system
from pipeline.evaluate.evaluate_settings import EvaluateSettings
from pipeline.evaluate.summary import baseline_verdicts
from pipeline.pack.pack import write_pack
from sketchface_models.errors import SketchFaceError
from sketchface_models.labels import as_labels
from sketchface_models.systems.base import Output
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.pack_reader import Pack

SETTINGS = EvaluateSettings(samples=3, seed=2)
TASK = Task(("contour",), "photo", SIZE)
SHIFT, ROTATION = SubsetKind.SHIFT, SubsetKind.ROTATION
FACES = [f"made-edit-{number:06d}" for number in range(3)]


class Copier(FormulaSystem):
    """Paints its drawing, and lightens everything by a part of the drawing's mean darkness."""

    def __init__(self, leak: float = 0.0, layers: bool = False) -> None:
        self.leak, self.layers, self.outputs = leak, layers, {"photo": Output("photo")}

    def generate(self, batch):
        contour = batch["contour"]
        dark = (1 - contour).mean(dim=(1, 2, 3), keepdim=True)
        return (contour * 0.5 + self.leak * dark).expand(-1, 3, -1, -1)

    def features(self, batch):
        if not self.layers:
            return {}
        contour = batch["contour"]
        dark = (1 - contour).mean(dim=(2, 3), keepdim=True)
        near = torch.cat([contour, contour**2], 1)
        return {"L0": near, "L1": F.avg_pool2d(torch.cat([near, dark + 0 * contour], 1), 2)}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_tables(tmp_path_factory.mktemp("data"))
    write_edits_table(folder, SIZE)
    return folder


def run(
    data: Path,
    work: Path,
    system: object,
    monkeypatch: pytest.MonkeyPatch,
    task: Task = TASK,
    settings: EvaluateSettings = SETTINGS,
) -> Evaluation:
    write_pack("copier", task, data, work / "pack")
    pack = Pack(work / "pack")
    model = {"task": dataclasses.asdict(task)}
    card = {"run": "copier", "seed": 4, "model": model, "channels": pack.channels}
    monkeypatch.setattr(measured, "untrained", lambda _: Copier(layers=True))
    write_baselines(data, work / "pack", work / "baselines", SETTINGS.seed)
    out, cpu = work / "out", torch.device("cpu")
    evaluate_system(system, card, data, pack, work / "baselines", out, settings, cpu)
    return read_evaluation(out / task.target, "evaluate@copier-4")


@pytest.fixture(scope="module")
def copied(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    with pytest.MonkeyPatch.context() as patch:
        return run(data, tmp_path_factory.mktemp("copied"), Copier(layers=True), patch)


def test_a_system_that_paints_only_what_changed_leaks_nothing(copied: Evaluation):
    leakage = per_edit([copied], "leakage")
    assert leakage.shape == (1, 3 * 3 * 2)
    assert not leakage.to_numpy().any()
    assert (per_edit([copied], "answered").to_numpy() == 1).all()


def test_changes_are_those_of_the_two_photos(copied: Evaluation):
    inside = per_edit([copied], "inside", subset=edits_subset("G1"))
    place = dilated(square("G1"))
    part = square("G1").sum() / place.sum()
    for face, name in enumerate(FACES):
        for variant in (0, 1):
            before, after = (
                np.round(127.5 * (0.5 * (v / 127.5 - 1) + 1)) for v in (255, level(face, variant))
            )
            expected = part * (before - after) / 255
            assert inside[f"{name}/G1/{variant:02d}"].item() == pytest.approx(expected, abs=0.003)
    true = per_edit([copied], "true_inside", subset=edits_subset("G1")).to_numpy()
    assert true == pytest.approx(part * 200 / 255)


class Painter(FormulaSystem):
    """Paints hair black and all else light grey."""

    outputs: ClassVar = {"photo": Output("photo")}

    def generate(self, batch):
        hair = (as_labels(batch["parsing"]) == 13)[:, None]
        return torch.where(hair, -1.0, 0.5).expand(-1, 3, -1, -1)


def test_edits_of_a_parsing_map_are_where_its_labels_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # Test faces of two classes: fewer measures of classes, which are no matter here.
    maps = {(id, "parsing"): face_picture(id, "parsing") % 2 for id in IDS}
    data = write_tables(tmp_path / "data", pictures=maps)
    write_edits_table(data, SIZE)
    task = Task(("parsing",), "photo", SIZE)
    painted = run(data, tmp_path, Painter(), monkeypatch, task)
    # Graffiti change no label: such edits are neither answered nor unanswered, and do not leak.
    answered = per_edit([painted], "answered")
    assert {id.split("/")[1] for id in answered} == {"G1", "G5"}
    assert (answered.to_numpy() == 1).all()
    assert {id.split("/")[1] for id in per_edit([painted], "leakage")} == {"G1", "G5"}
    assert not per_edit([painted], "leakage").to_numpy().any()
    assert painted.summary.control["edits"] == 3 * 2 * 2
    part = square("G1").sum() / dilated(square("G1")).sum()
    inside = per_edit([painted], "inside", subset=edits_subset("G1")).to_numpy()
    assert inside == pytest.approx(part * 0.75, abs=0.005)


def test_graffiti_ask_for_no_answer_but_may_leak(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    leaking = run(data, tmp_path, Copier(leak=0.5), monkeypatch)
    assert {id.split("/")[1] for id in per_edit([leaking], "answered")} == {"G1", "G5"}
    leakage = by_base_face(per_edit([leaking], "leakage", subset=edits_subset("G7")))
    assert list(leakage.columns) == FACES
    assert (leakage.to_numpy() > 0).all()
    assert set(leaking.scores["metric"]).isdisjoint({"spread_L0", "spread_L1"})
    assert not (leaking.folder / VECTOR_MAPS_FILE).exists()


def test_a_layer_that_sees_the_corner_alone_spreads_only_where_the_eye_changes(copied: Evaluation):
    assert square("G5")[CORNER[1], CORNER[0]]
    assert not square("G1")[CORNER[1], CORNER[0]]
    near = {g: pooled([copied], "spread_L0", subset=edits_subset(g)).item() for g in ("G1", "G5")}
    assert near["G1"] == 0
    assert near["G5"] > 0.2
    assert pooled([copied], "spread_L0").item() == 0  # over the groups that leave the eye alone
    assert pooled([copied], "spread_L1").item() > 0  # it sees the mean of the whole drawing
    draws = resampled([copied], "spread_L1", subset=ALL)
    assert draws.shape[1] > 100
    untrained = pooled([copied], "spread_L1", Method.UNTRAINED).item()
    assert untrained == pooled([copied], "spread_L1").item()


def test_maps_hold_every_drawing_of_every_layer(copied: Evaluation):
    maps = read_frame(copied.folder / VECTOR_MAPS_FILE, "evaluate")
    drawings = 3 * 3 * (1 + 2)
    assert maps.groupby(["layer", "map"]).size().tolist() == [drawings] * 4
    assert set(maps["face"]) == set(FACES)
    assert sorted(set(maps["drawing"])) == [0, 1, 2]


def test_the_summary_says_what_was_asked_and_the_protocol_of_which_edits(
    copied: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    summary = copied.summary
    assert (summary.control["faces"], summary.control["edits"]) == (3, 18)
    names = [measure.name for measure in summary.measures if measure.control]
    textures = ["mouth_texture", "forehead_texture"]
    assert names == ["answered", "leakage", "spread_L0", "spread_L1", *textures, "face_detected"]
    assert summary.means["system"]["leakage"]["n"] == 3
    others = write_tables(tmp_path / "data")
    write_edits_table(others, SIZE, faces=2)
    other = run(others, tmp_path / "other", Copier(), monkeypatch).summary
    assert other.protocol != summary.protocol
    assert other.protocol_any_inputs == summary.protocol_any_inputs


def test_control_does_not_decide_whether_something_was_learned(copied: Evaluation):
    said = baseline_verdicts(copied)
    assert said.keys() == {Method.INPUT, Method.MEAN, Method.OTHER}
    judged = {metric for words in said.values() for metric in words}
    assert "ssim" in judged
    assert judged.isdisjoint(m.name for m in copied.summary.measures if m.control)


@pytest.mark.parametrize(
    "task", [Task(("sketch",), "photo", SIZE), Task(("contour", "depth"), "photo", SIZE)]
)
def test_runs_that_read_other_fields_are_not_asked(
    task: Task, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class Grey(Copier):
        def generate(self, batch):
            return next(iter(batch.values())).expand(-1, 3, -1, -1) * 0.5

    evaluation = run(data, tmp_path, Grey(), monkeypatch, task)
    names = {measure.name for measure in evaluation.summary.measures if measure.control}
    detected = {"face_detected"} if "contour" in task.inputs else set()
    assert names == {"mouth_texture", "forehead_texture"} | detected
    assert ("moved" in evaluation.summary.control) is ("contour" in task.inputs)
    assert per_edit([evaluation], "leakage").empty


def test_data_without_edits_are_not_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = write_tables(tmp_path / "data")
    summary = run(data, tmp_path, Copier(), monkeypatch).summary
    assert "edits" not in summary.control
    assert "leakage" not in {measure.name for measure in summary.measures}


def test_a_missing_table_names_its_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = write_tables(tmp_path / "data")
    (data / "edits" / "edits.json").unlink()
    with pytest.raises(SketchFaceError, match=r"edits.json: missing or damaged; run `dvc repro e"):
        run(data, tmp_path, Copier(), monkeypatch)


def test_changes_of_equal_photos_are_none():
    photo = np.full((64, 64, 3), 9, np.uint8)
    assert change(photo, photo, square("G1")).inside == 0


def test_unmoved_contours_score_as_ever_and_moved_ones_otherwise(copied: Evaluation):
    still, whole = (
        per_face([copied], "l1", subset=subset) for subset in (moved_subset(SHIFT, 0), ALL)
    )
    assert still.equals(whole)
    names = [str(each) for each in measured_subsets(copied.scores["subset"])]
    parts = ("0.25", "0.5", "0.75", "1")
    expected = ["shift 0", *(f"shift {p}" for p in parts), *(f"rotation {p}" for p in parts)]
    assert [name for name in names if not name.startswith("edits")] == expected
    for name in (SHIFT, ROTATION):
        moved = per_face([copied], "l1", subset=moved_subset(name, 1.0))
        assert list(moved.columns) == list(whole.columns)
        assert not moved.equals(whole)
    assert copied.summary.control["moved"] == len(copied.ids)


def test_no_more_faces_are_moved_than_asked_for(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    few = dataclasses.replace(SETTINGS, moved_faces=3)
    evaluation = run(data, tmp_path, Copier(), monkeypatch, settings=few)
    moved = per_face([evaluation], "ssim", subset=moved_subset(SHIFT, 0.5))
    assert moved.shape == (1, 3)
    assert set(moved.columns) <= set(evaluation.ids)
