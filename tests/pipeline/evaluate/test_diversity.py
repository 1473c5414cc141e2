"""Pictures from random codes: how much they differ by code and by face, and their sheet."""

import dataclasses
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from made_systems import FormulaSystem
from made_tables import SIZE, TEST, pictures_of
from torch import Tensor

from pipeline.baselines.baselines import write_baselines
from pipeline.common.evaluations import CODES_FILE, Evaluation, read_evaluation
from pipeline.common.images import decode
from pipeline.common.records import Method
from pipeline.common.score_frames import per_face
from pipeline.common.sheets import CAPTION, GAP
from pipeline.evaluate.diversity import CODES
from pipeline.evaluate.evaluate import evaluate_system
from pipeline.evaluate.evaluate_settings import EvaluateSettings
from pipeline.pack.pack import write_pack
from sketchface_models.systems.base import Output
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.pack_reader import Pack

TASK = Task(("photo",), "sketch", SIZE)
CODE, FACE = "diversity_codes_l1", "diversity_faces_l1"
Made = Callable[[Tensor, float], Tensor]
"""Photos in [-1, 1] and a code in [0, 1) -> sketches in [-1, 1]."""


class Coded(FormulaSystem):
    """Generates sketches from photos and a random number, by a formula."""

    def __init__(self, formula: Made) -> None:
        self.outputs, self.formula = {"sketch": Output("sketch")}, formula
        self.codes: list[float] = []

    def generate(self, batch):
        return batch["photo"][:, :1]

    def sample(self, batch, generator):
        self.codes.append(float(torch.rand((), generator=generator)))
        return {"sketch": self.formula(batch["photo"][:, :1], self.codes[-1])}


def run(data: Path, work: Path, system: object, seed: int = 2, faces: int = 120) -> Evaluation:
    settings = EvaluateSettings(samples=3, seed=seed, sampled_faces=faces)
    write_pack("coded", TASK, data, work / "pack")
    pack = Pack(work / "pack")
    model = {"task": dataclasses.asdict(TASK)}
    card = {"run": "coded", "seed": 4, "model": model, "channels": pack.channels}
    write_baselines(data, work / "pack", work / "baselines", seed)
    folders = (work / "baselines", work / "out")
    evaluate_system(system, card, data, pack, *folders, settings, torch.device("cpu"))
    return read_evaluation(work / "out" / "sketch", "evaluate@coded-4")


def value(evaluation: Evaluation, metric: str) -> np.ndarray:
    return per_face([evaluation], metric, Method.SYSTEM).loc[4].to_numpy()


def test_differences_are_those_of_all_pairs_of_codes_and_of_pairs_of_faces(
    tables: Path, tmp_path: Path
):
    system = Coded(lambda photo, code: 0.5 * photo + 0.4 * code)
    evaluation = run(tables, tmp_path, system)
    codes = np.array(system.codes).reshape(len(TEST), CODES)
    assert len(set(codes[0])) == CODES
    assert (codes == codes[0]).all()  # the same for all faces
    photos = pictures_of(TEST, "photo")[:, :1] / 127.5 - 1
    pictures = np.stack([0.5 * photos + 0.4 * code for code in codes[0]])
    levels = np.rint((pictures + 1) * 127.5) / 255
    pairs = [np.abs(levels[i] - levels[j]) for i, j in combinations(range(CODES), 2)]
    np.testing.assert_allclose(
        value(evaluation, CODE), np.mean(pairs, axis=0).mean((1, 2, 3)), atol=1e-3
    )
    half = len(TEST) // 2
    between = np.abs(levels[:, :half] - levels[:, half : 2 * half]).mean((0, 2, 3, 4))
    np.testing.assert_allclose(value(evaluation, FACE), between, atol=1e-3)


@pytest.mark.parametrize(
    ("formula", "codes_matter", "faces_matter"),
    [
        (lambda photo, code: torch.full_like(photo, code), True, False),
        (lambda photo, code: photo, False, True),
    ],
)
def test_a_system_that_ignores_its_code_or_its_photo_has_no_diversity_by_it(
    tables: Path, tmp_path: Path, formula: Made, codes_matter: bool, faces_matter: bool
):
    evaluation = run(tables, tmp_path, Coded(formula))
    assert (value(evaluation, CODE) > 0).all() == codes_matter
    assert (value(evaluation, FACE) > 0).all() == faces_matter
    for name in (CODE, FACE):
        assert evaluation.summary.measure(name).control  # nothing is learned by it


def test_seed_and_number_of_faces_stand_in_the_protocol(tables: Path, tmp_path: Path):
    def formula(photo: Tensor, code: float) -> Tensor:
        return code * photo

    first, again, other, few = (
        run(tables, tmp_path / name, Coded(formula), **changes)
        for name, changes in {
            "first": {},
            "again": {},
            "other": {"seed": 3},
            "few": {"faces": 2},
        }.items()
    )
    assert value(first, CODE).tolist() == value(again, CODE).tolist()
    assert value(first, CODE).tolist() != value(other, CODE).tolist()
    assert per_face([few], CODE, Method.SYSTEM).shape == (1, 2)
    tags = {each.summary.protocol for each in (first, again, other, few)}
    assert len(tags) == 3


def test_the_sheet_has_a_line_a_face_and_a_column_a_code(tables: Path, tmp_path: Path):
    system = Coded(lambda photo, code: torch.full_like(photo, code))
    sheet = decode((run(tables, tmp_path, system).folder / CODES_FILE).read_bytes())
    middle = CAPTION + GAP + SIZE // 2
    columns = [GAP + number * (max(SIZE, 96) + GAP) + SIZE // 2 for number in range(1, CODES + 1)]
    levels = [round((code + 1) * 127.5) for code in system.codes[:CODES]]
    assert [sheet[middle, column].tolist() for column in columns] == [[x] * 3 for x in levels]


def test_a_system_without_codes_is_not_asked(tables: Path, tmp_path: Path):
    system = Coded(lambda photo, code: photo)
    system.sample = lambda batch, generator: {}  # type: ignore[method-assign]
    evaluation = run(tables, tmp_path, system)
    assert not [m for m in evaluation.summary.measures if m.name.startswith("diversity")]
    assert not (evaluation.folder / CODES_FILE).exists()
