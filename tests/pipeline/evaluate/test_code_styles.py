"""Pictures in other styles: whose style each row has, which rows see the target, and the sheet."""

import dataclasses
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from made_systems import FormulaSystem
from made_tables import SIZE, TEST, pictures_of

from pipeline.baselines.baselines import write_baselines
from pipeline.common.evaluations import TRANSFER_FILE, Evaluation, read_evaluation
from pipeline.common.images import decode
from pipeline.common.records import Method
from pipeline.common.score_frames import per_face
from pipeline.common.sheets import GAP
from pipeline.evaluate.code_styles import SHOWN
from pipeline.evaluate.evaluate import evaluate_system
from pipeline.evaluate.evaluate_settings import EvaluateSettings
from pipeline.pack.pack import write_pack
from sketchface_models.systems.base import Output
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.pack_reader import Pack

TASK = Task(("photo",), "sketch", SIZE)
STYLED = (Method.ANOTHER_STYLE, Method.RANDOM_STYLE, Method.OWN_STYLE)


class Tinted(FormulaSystem):
    """Paints everything in its style: the mean grey of a picture, or a random grey."""

    outputs: ClassVar = {"sketch": Output("sketch")}

    def generate(self, batch):
        return torch.zeros_like(batch["photo"][:, :1])

    def sample(self, batch, generator):
        greys = torch.rand(len(batch["photo"]), 1, 1, 1, generator=generator)
        return {"sketch": torch.zeros_like(batch["photo"][:, :1]) + greys}

    def in_style_of(self, batch, photos):
        return torch.zeros_like(batch["photo"][:, :1]) + photos.mean((1, 2, 3), keepdim=True)


def run(data: Path, work: Path, system: object) -> Evaluation:
    settings = EvaluateSettings(samples=3, seed=2, sampled_faces=2)
    write_pack("tinted", TASK, data, work / "pack")
    pack = Pack(work / "pack")
    model = {"task": dataclasses.asdict(TASK)}
    card = {"run": "tinted", "seed": 4, "model": model, "channels": pack.channels}
    write_baselines(data, work / "pack", work / "baselines", settings.seed)
    folders = (work / "baselines", work / "out")
    evaluate_system(system, card, data, pack, *folders, settings, torch.device("cpu"))
    return read_evaluation(work / "out" / "sketch", "evaluate@tinted-4")


@pytest.fixture(scope="module")
def evaluation(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    return run(tables, tmp_path_factory.mktemp("tinted"), Tinted())


def l1(evaluation: Evaluation, method: Method) -> np.ndarray:
    return per_face([evaluation], "l1", method).loc[4].to_numpy()


def of_grey(grey: float, target: np.ndarray) -> float:
    return float(np.abs(np.rint(grey) - target).mean() / 255)


def test_each_row_is_scored_in_its_own_style(evaluation: Evaluation):
    sketches = pictures_of(TEST, "sketch").astype(float)
    greys = sketches.mean((1, 2, 3))
    own = [of_grey(grey, sketch) for grey, sketch in zip(greys, sketches, strict=True)]
    np.testing.assert_allclose(l1(evaluation, Method.OWN_STYLE), own, atol=3e-3)
    for face, score in enumerate(l1(evaluation, Method.ANOTHER_STYLE)):
        of_others = [of_grey(greys[i], sketches[face]) for i in range(len(TEST)) if i != face]
        assert np.abs(np.array(of_others) - score).min() < 3e-3
    assert len(set(l1(evaluation, Method.RANDOM_STYLE).round(6))) == len(TEST)


def test_styles_are_rows_beside_the_system(evaluation: Evaluation):
    assert evaluation.methods[:4] == [Method.SYSTEM, *STYLED]
    for method in STYLED:
        assert set(evaluation.summary.means[method]) >= {"l1", "ssim", "rank_1"}


def test_the_sheet_shows_the_style_of_a_column_on_the_input_of_a_line(evaluation: Evaluation):
    sheet = decode((evaluation.folder / TRANSFER_FILE).read_bytes())
    greys = [round(float(sketch.mean())) for sketch in pictures_of(TEST, "sketch").astype(float)]
    shown = np.unique(np.linspace(0, len(greys) - 1, SHOWN).astype(int))
    assert len({greys[row] for row in shown}) > 2  # styles can be told apart
    side = max(SIZE, 96)
    for line in range(len(shown)):
        for column, row in enumerate(np.roll(shown, 1)):
            y, x = (GAP + (n + 1) * (side + GAP) + side // 2 for n in (line, column))
            assert abs(float(sheet[16 + y, x, 0]) - greys[row]) <= 1


def test_a_system_without_styles_has_no_such_rows(tables: Path, tmp_path: Path):
    class Plain(FormulaSystem):
        outputs: ClassVar = {"sketch": Output("sketch")}

        def generate(self, batch):
            return batch["photo"][:, :1]

    evaluation = run(tables, tmp_path, Plain())
    assert not set(STYLED) & set(evaluation.methods)
    assert not (evaluation.folder / TRANSFER_FILE).exists()
