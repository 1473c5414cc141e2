"""Photos made from parsing maps: the judge parses them, and the real photos are the ceiling."""

import dataclasses
from typing import ClassVar

import numpy as np
import pytest
import torch
from made_systems import FormulaSystem
from made_tables import IDS, SIZE, SPLIT, write_tables

from pipeline.baselines import resegmentation
from pipeline.baselines.baselines import write_baselines
from pipeline.baselines.resegmentation import Truth, resegmentation_scores
from pipeline.baselines.targets import face_frame
from pipeline.common.evaluations import Evaluation, read_evaluation
from pipeline.common.records import Level, Method, Origin
from pipeline.common.score_frames import pooled
from pipeline.evaluate.evaluate import evaluate_system
from pipeline.evaluate.evaluate_settings import EvaluateSettings
from pipeline.pack.pack import write_pack
from sketchface_models.labels import as_labels
from sketchface_models.systems.base import Output
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.pack_reader import Pack
from synthetic_faces import render

MEASURES = ("resegmentation_accuracy", "resegmentation_mean_iou")
PARSED = ("parsed_photo_accuracy", "parsed_photo_mean_iou")
SETTINGS = EvaluateSettings(samples=2, seed=2)
TASK = Task(("parsing",), "photo", SIZE)


class Colourless(FormulaSystem):
    """Generates a photo of nothing but its labels' numbers."""

    outputs: ClassVar = {"photo": Output("photo")}

    def generate(self, batch):
        labels = as_labels(batch["parsing"])[:, None].float()
        return (labels / 9 - 1).repeat(1, 3, 1, 1)


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """A run on rendered faces, whose maps are true."""
    work = tmp_path_factory.mktemp("resegmentation")
    pictures = {}
    for id in (id for id in IDS if SPLIT[id] != "val"):
        face = render(71, id, SIZE)
        pictures[id, "photo"] = np.moveaxis(face.photo, 2, 0)
        pictures[id, "parsing"] = face.labels[None]
    data = write_tables(work / "data", pictures=pictures)
    write_pack("maps", TASK, data, work / "pack")
    pack = Pack(work / "pack")
    card = {"run": "maps", "seed": 0, "channels": pack.channels}
    card["model"] = {"task": dataclasses.asdict(TASK)}
    write_baselines(data, work / "pack", work / "baselines", SETTINGS.seed)
    folders = (work / "baselines", work / "out")
    evaluate_system(Colourless(), card, data, pack, *folders, SETTINGS, torch.device("cpu"))
    return read_evaluation(work / "out" / "photo", "evaluate@maps-0")


@pytest.mark.parametrize("measure", MEASURES)
def test_no_photos_are_parsed_better_than_the_real_ones(evaluation: Evaluation, measure: str):
    assert Method.REAL in evaluation.methods
    values = {m: pooled([evaluation], measure, m).to_numpy()[0] for m in evaluation.methods}
    assert values[Method.REAL] > 1.2 * values[Method.OTHER]
    assert max(values, key=lambda method: values[method]) == Method.REAL
    assert evaluation.summary.measure(measure).level is Level.POOLED


def test_real_photos_have_no_other_scores(evaluation: Evaluation):
    real = evaluation.scores[evaluation.scores["method"] == str(Method.REAL)]
    classes = {name for name in real["metric"] if name.startswith("resegmentation_iou_")}
    assert "resegmentation_iou_skin" in classes
    assert set(real["metric"]) == {*MEASURES, *classes}


def test_parsed_photos_are_compared_with_the_parsed_true_photos(evaluation: Evaluation):
    for measure in PARSED:
        values = {
            method: pooled([evaluation], measure, method)
            for method in (Method.SYSTEM, Method.OTHER, Method.REAL)
        }
        assert values[Method.REAL].empty  # it would be 1
        assert 0 < values[Method.OTHER].item() < 1


def test_numbers_are_those_of_confusion_matrices_added_up():
    truth = Truth(torch.zeros(6, 2, 2, dtype=torch.uint8), torch.ones(6, 2, 2, dtype=torch.uint8))
    truth.maps[:, 0] = 1  # half background, half skin
    truth.maps[0, 0, 0] = 13  # hair in one face alone: no number of its own
    assert truth.classes == ["background", "skin"]
    names = [measure.name for measure in truth.measures]
    assert names == [*MEASURES, *PARSED, *(f"resegmentation_iou_{n}" for n in truth.classes)]
    # A parser that calls all of every photo skin.
    frame = face_frame([f"f{n}" for n in range(6)], [None] * 6, {"splits": {}}, [()] * 6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resegmentation, "parse", lambda photos: torch.ones_like(truth.maps))
        scores = resegmentation_scores(
            Origin("run", 0, "photo"), Method.SYSTEM, torch.zeros(6, 3, 2, 2), truth, frame
        )
    values = scores.scores.set_index("metric")["value"]
    assert values["resegmentation_accuracy"] == pytest.approx(11 / 24)
    assert values["resegmentation_mean_iou"] == pytest.approx((0 + 11 / 24 + 0) / 3)
    assert values["resegmentation_iou_skin"] == pytest.approx(11 / 24)
    assert values["resegmentation_iou_background"] == 0
    assert values["parsed_photo_accuracy"] == 1
    assert values["parsed_photo_mean_iou"] == 1
    assert not scores.resampled["value"].isna().any()


def test_a_subset_has_no_number_of_a_class_that_its_faces_lack(monkeypatch: pytest.MonkeyPatch):
    maps = torch.ones(12, 2, 2, dtype=torch.uint8)
    maps[:6, 0] = 16  # a necklace in the faces of style 1 alone
    truth = Truth(maps, maps)
    monkeypatch.setattr(resegmentation, "parse", lambda photos: half_parsed(maps))
    frame = face_frame(
        [f"f{n:02}" for n in range(12)], [1] * 6 + [2] * 6, {"splits": {}}, [()] * 12
    )
    photos = torch.zeros(12, 3, 2, 2)
    scores = resegmentation_scores(Origin("run", 0, "photo"), Method.SYSTEM, photos, truth, frame)
    name = "resegmentation_iou_neck_l"
    lines = scores.scores[scores.scores["metric"] == name]
    values = dict(zip(lines["subset"], lines["value"], strict=True))
    assert values == {"all": pytest.approx(9 / 12), "style 1": pytest.approx(9 / 12)}
    spread = scores.resampled[scores.resampled["metric"] == name].groupby("subset")["value"].std()
    assert set(spread.index) == set(values)
    assert (spread > 0).all()  # resamples have numbers of their own


def half_parsed(maps: torch.Tensor) -> torch.Tensor:
    """Labels that miss half of the necklace in every second face."""
    labels = maps.clone()
    labels[0:6:2, 0, 0] = 1
    return labels
