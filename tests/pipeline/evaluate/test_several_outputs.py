"""Systems with two outputs, on packs whose domains hold other faces in other rows."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from made_systems import FormulaSystem
from made_tables import IDS, SIZE, TEST, TRAIN, pictures_of, write_tables

from face_geometry.palette import colourise
from pipeline.baselines.baselines import write_baselines
from pipeline.common.evaluations import Evaluation, read_evaluation
from pipeline.common.images import decode
from pipeline.common.records import Kind
from pipeline.common.score_frames import per_face, pooled
from pipeline.common.sheets import CAPTION, GAP
from pipeline.evaluate.evaluate import evaluate_system
from pipeline.evaluate.evaluate_settings import EvaluateSettings
from pipeline.evaluate.evaluated_system import EvaluatedSystem
from pipeline.pack.pack import write_pack
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems.base import Output
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.pack_reader import Pack

SETTINGS = EvaluateSettings(samples=3, seed=2)
LACKING = [TRAIN[0], TRAIN[2], TEST[1]]
"""Faces without a sketch: from the first on, rows of the two domains differ."""
SCORED = tuple(id for id in TEST if id not in LACKING)


class Exchange(FormulaSystem):
    """Generates each picture from the other domain's."""

    def __init__(self, first: Output, second: Output) -> None:
        self.outputs = {output.field: output for output in (first, second)}

    def generate(self, batch):
        return self.generate_all(batch)[next(iter(self.outputs))]

    def generate_all(self, batch):
        first, second = self.outputs
        made = {first: batch[second], second: batch[first]}
        return {field: self._as(field, picture) for field, picture in made.items()}

    def _as(self, field, picture):
        if self.outputs[field].kind == "labels":  # the upper half is skin, the rest background
            labels = torch.zeros_like(picture)
            labels[:, :, : SIZE // 2] = 1
            return labels / 127.5 - 1
        return picture.repeat(1, 3, 1, 1) if field == "photo" else picture[:, :1]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tables(tmp_path_factory.mktemp("data"), {"sketch": LACKING})


def run(
    data: Path, work: Path, task: Task, *outputs: Output, paired: bool = True
) -> list[Evaluation]:
    """Pack, score the baselines and evaluate; what `evaluate` wrote of each output."""
    write_pack("two", task, data, work / "pack")
    pack = Pack(work / "pack")
    if paired:
        first, second = (domain.ids for domain in pack.domains)
        assert [first.index(id) for id in SCORED] != [second.index(id) for id in SCORED]
    model = {"task": dataclasses.asdict(task)}
    card = {"run": "two", "seed": 4, "model": model, "channels": pack.channels}
    write_baselines(data, work / "pack", work / "baselines", SETTINGS.seed)
    folders = (work / "baselines", work / "out")
    evaluate_system(Exchange(*outputs), card, data, pack, *folders, SETTINGS, torch.device("cpu"))
    return [read_evaluation(work / "out" / each.field, "evaluate@two-4") for each in outputs]


def tiles(evaluation: Evaluation, row: int, column: int) -> list[np.ndarray]:
    """The three tiles of one face on the sample sheet; two faces to a row."""
    sheet = decode((evaluation.folder / "samples.png").read_bytes())
    height = SIZE + GAP + CAPTION
    headings = (len(sheet) - GAP) % height
    top = headings + GAP + row * height
    left = GAP + column * (3 * (SIZE + GAP) + 2 * GAP)
    starts = [left + number * (SIZE + GAP) for number in range(3)]
    return [sheet[top : top + SIZE, start : start + SIZE] for start in starts]


def as_tile(id: str, field: str) -> np.ndarray:
    picture = np.moveaxis(pictures_of((id,), field)[0], 0, 2)
    return np.repeat(picture, 4 - picture.shape[2], axis=2) if picture.shape[2] == 1 else picture


def test_both_pictures_of_an_unpaired_run_are_scored_and_shown(data: Path, tmp_path: Path):
    task = Task(("photo",), "sketch", SIZE, unpaired=True)
    evaluations = run(data, tmp_path, task, Output("sketch"), Output("photo"))
    photos, sketches = (pictures_of(SCORED, field) for field in ("photo", "sketch"))
    generated = {"sketch": photos[:, :1], "photo": sketches.repeat(3, axis=1)}
    targets = {"sketch": sketches, "photo": photos}
    shown = [SCORED[number] for number in np.unique(np.linspace(0, len(SCORED) - 1, 3).astype(int))]
    for evaluation, source in zip(evaluations, ("photo", "sketch"), strict=True):
        output = evaluation.summary.output
        # Every test face is accounted for: the report refuses what is neither scored nor missing.
        (missing,) = evaluation.summary.missing
        assert (missing.id, missing.reason) == (TEST[1], "without sketch")
        assert {missing.id, *evaluation.ids} == set(TEST)
        assert evaluation.ids == SCORED
        assert evaluation.summary.inputs == (source,)
        difference = np.abs(generated[output].astype(float) - targets[output])
        table = per_face([evaluation], "l1")
        assert list(table.columns) == list(SCORED)
        np.testing.assert_allclose(table.loc[4], difference.mean((1, 2, 3)) / 255)
        for position, id in enumerate(shown):
            first, _, last = tiles(evaluation, *divmod(position, 2))
            np.testing.assert_array_equal(first, as_tile(id, source))
            np.testing.assert_array_equal(last, as_tile(id, output))


def test_a_face_that_lacks_parts_of_both_domains_is_missing_once(tmp_path: Path):
    lacking = {"sketch": LACKING, "depth": [TEST[1]], "parsing": [TEST[2]]}
    data = write_tables(tmp_path / "data", lacking)
    task = Task(("photo", "parsing", "depth"), "sketch", SIZE, unpaired=True)
    write_pack("two", task, data, tmp_path / "pack")
    card = {"run": "two", "seed": 0, "model": {"task": dataclasses.asdict(task)}}
    evaluated = EvaluatedSystem(
        Exchange(Output("sketch"), Output("photo")),
        card,
        data,
        Pack(tmp_path / "pack"),
        tmp_path / "baselines",
        json.loads((tmp_path / "pack" / "pack.json").read_text())["missing"],
        SETTINGS.seed,
        torch.device("cpu"),
    )
    missing = {face.id: face.reason for face in evaluated.missing()}
    assert missing == {TEST[1]: "without depth", TEST[2]: "without parsing"}
    assert sorted([*evaluated.ids, *missing]) == sorted(TEST)


def test_label_maps_without_a_face_in_common_cannot_be_scored(tmp_path: Path):
    sketchless = [id for id in IDS if IDS.index(id) % 2]
    maskless = [id for id in IDS if id not in sketchless]
    data = write_tables(tmp_path / "data", {"sketch": sketchless, "parsing": maskless})
    task = Task(("parsing",), "sketch", SIZE, unpaired=True)
    words = "no test face has both parsing and sketch, so nothing says how right parsing is"
    with pytest.raises(SketchFaceError, match=words):
        run(data, tmp_path, task, Output("sketch"), Output("parsing", "labels"), paired=False)


def test_label_maps_of_a_second_output_are_compared_with_their_own_field(
    data: Path, tmp_path: Path
):
    task = Task(("parsing",), "sketch", SIZE, unpaired=True)
    outputs = (Output("sketch"), Output("parsing", "labels"))
    _, evaluation = run(data, tmp_path, task, *outputs)
    assert evaluation.summary.kind is Kind.LABELS
    assert evaluation.summary.inputs == ("sketch",)
    truth = pictures_of(SCORED, "parsing")[:, 0]
    predicted = np.zeros_like(truth)
    predicted[:, : SIZE // 2] = 1
    accuracies = (truth == predicted).mean((1, 2))
    assert pooled([evaluation], "accuracy").to_numpy()[0] == pytest.approx(accuracies.mean())
    np.testing.assert_allclose(per_face([evaluation], "face_accuracy").loc[4], accuracies)
    # The worst faces come first, each beside the sketch that its labels were generated from.
    for position, number in enumerate(np.argsort(accuracies, kind="stable")[:3]):
        first, second, last = tiles(evaluation, *divmod(position, 2))
        np.testing.assert_array_equal(first, as_tile(SCORED[number], "sketch"))
        np.testing.assert_array_equal(second, colourise(predicted[number]))
        np.testing.assert_array_equal(last, colourise(truth[number]))


def test_a_pack_reads_any_field_by_rows_of_its_first_domain(data: Path, tmp_path: Path):
    task = Task(("photo", "parsing"), "sketch", SIZE, unpaired=True)
    write_pack("two", task, data, tmp_path / "pack")
    pack = Pack(tmp_path / "pack")
    assert pack.ids == sorted(IDS)
    chosen = [SCORED[2], SCORED[0], SCORED[1]]
    rows = np.array([pack.ids.index(id) for id in chosen])
    batch = pack.read_faces(rows, ["sketch", "photo"])
    assert list(batch) == ["sketch", "photo"]
    for field, pictures in batch.items():
        np.testing.assert_array_equal(pictures, pictures_of(tuple(chosen), field))
