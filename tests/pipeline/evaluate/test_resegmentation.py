"""Photos made from parsing maps: the judge parses them, and the real photos are the ceiling."""

import dataclasses
from typing import ClassVar

import numpy as np
import pytest
import torch
from made_tables import IDS, SIZE, SPLIT, write_tables

from pipeline.baselines.baselines import write_baselines
from pipeline.common.evaluations import Evaluation, read_evaluation
from pipeline.common.records import Level, Method
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
SETTINGS = EvaluateSettings(samples=2, seed=2)
TASK = Task(("parsing",), "photo", SIZE)


class Colourless:
    """Generates a photo of nothing but its labels' numbers."""

    trained = True

    def sample(self, batch, generator):
        return {}

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
    assert set(real["metric"]) == set(MEASURES)
