"""The style classifier, and fidelity to styles, on textures that cannot be mistaken."""

import dataclasses
import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from made_systems import FormulaSystem

from pipeline.baselines.baselines import write_baselines
from pipeline.common.evaluations import STYLES_FILE, Evaluation, read_evaluation
from pipeline.common.images import encode_png
from pipeline.common.records import Origin
from pipeline.common.score_frames import per_face
from pipeline.common.shards import IMAGE, QUARANTINE, image_cell, shard_name, shard_of, write_rows
from pipeline.common.subsets import style_subset
from pipeline.evaluate.evaluate import evaluate_system
from pipeline.evaluate.evaluate_settings import EvaluateSettings
from pipeline.evaluate.evaluated_system import EvaluatedSystem
from pipeline.evaluate.style_fidelity import style_fidelity
from pipeline.pack.pack import write_pack
from pipeline.style.classifier import StyleClassifier
from pipeline.style.classifier_training import StyleSettings, accuracy, train_styles
from pipeline.style.crops import corners, face_box, lowpassed, pieces, training_piece
from pipeline.style.faces import of_main_source, spread, styled_faces
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems.base import Output
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.pack_reader import Pack

SIZE = 64
SETTINGS = StyleSettings(steps=70, batch=24, piece=0.25, faces=100, seed=0)
EVALUATE = EvaluateSettings(samples=2, seed=0, style_faces=5)
TASK = Task(("photo", "style"), "sketch", SIZE)
CPU = torch.device("cpu")
TRAIN, TEST = range(24), range(24, 42)
SPLIT = {number: "train" if number in TRAIN else "test" for number in (*TRAIN, *TEST)}
BOX = (10.0, 9.0, 54.0, 58.0)


def points(shift: float = 0.0) -> np.ndarray:
    """Landmarks of a face in `BOX`: jaw from side to side and down to the chin, brows at 30."""
    landmarks = np.full((68, 2), (32.0, 40.0), np.float32)
    landmarks[:17, 0] = np.linspace(10, 54, 17)
    landmarks[:17, 1] = 58 - np.abs(np.linspace(-20, 20, 17))
    landmarks[17:27, 1] = 30
    return landmarks + shift


def texture(style: int, seed: int) -> np.ndarray:
    """Upright lines, a slanted hatching or dots, dark on light, (SIZE, SIZE) uint8."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE] + draw.uniform(0, 9)
    wave = {
        1: np.cos(x * 2 * np.pi / 12),
        2: np.cos((x + y) * 2 * np.pi / 5),
        3: np.cos(x * 2 * np.pi / 7) * np.cos(y * 2 * np.pi / 7),
    }[style]
    return (200 - 90 * (wave > 0.5) + draw.normal(0, 5, wave.shape)).clip(0, 255).astype(np.uint8)


def style_of(number: int) -> int:
    return 1 + number % 3


def source_of(number: int) -> str:
    return "north" if number % 9 else "south"


def write_data(
    data: Path, styles: tuple[int, ...] = (1, 2, 3), unseen: tuple[int, ...] = ()
) -> Path:
    """Tables of faces with those styles (others have none); `unseen` have no landmarks."""
    rows = [
        {
            "id": f"face-{number:02d}",
            "split": SPLIT[number],
            "style": style_of(number) if style_of(number) in styles else None,
            "source": source_of(number),
            "photo": image_cell(encode_png(np.full((SIZE, SIZE, 3), number, np.uint8)), "p.png"),
            "sketch": image_cell(encode_png(texture(style_of(number), number)), "s.png"),
        }
        for number in SPLIT
    ]
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("id", "split", "source")),
            ("style", pa.int8()),
            ("photo", IMAGE),
            ("sketch", IMAGE),
        ]
    )
    marks = pa.schema([("id", pa.string()), ("points", pa.list_(pa.float32()))])
    for number in range(2):
        part = [row for row in rows if shard_of(row["id"], 2) == number]
        write_rows(data / "faces/shards" / shard_name(number), part, schema)
        seen = [
            {"id": row["id"], "points": points().ravel().tolist()}
            for row in part
            if int(row["id"][-2:]) not in unseen
        ]
        write_rows(data / "landmarks/shards" / shard_name(number), seen, marks)
    index = [{k: v for k, v in row.items() if k != "photo"} | {"sketch": True} for row in rows]
    index = [row | {"traits": []} for row in index]
    pq.write_table(pa.Table.from_pylist(index), data / "faces/index.parquet")
    write_rows(data / "faces/quarantine.parquet", [], QUARANTINE)
    (data / "faces/dataset.json").write_text(json.dumps({"name": "made", "size": SIZE}))
    return data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables, and the classifier that was trained on them."""
    data = write_data(tmp_path_factory.mktemp("styles") / "data")
    train_styles(data / "faces", data / "landmarks", data / "style", SETTINGS)
    return data


@pytest.fixture(scope="module")
def card(data: Path) -> dict:
    return json.loads((data / "style/style.json").read_text())


def test_the_classifier_knows_real_test_sketches(card: dict):
    assert card["trained_on"] == {"1": 8, "2": 8, "3": 8}
    assert card["side"] == 16
    scores = card["test"]["as they are"]
    assert scores["n"] == len(TEST)
    assert scores["accuracy"] == scores["balanced_accuracy"] == 1.0
    assert scores["counts"]["2"] == {"1": 0, "2": 6, "3": 0}
    assert scores["by_source"]["south"]["n"] == sum(source_of(n) == "south" for n in TEST)
    assert card["test"]["softened"]["accuracy"] > 0.8


def test_it_is_made_alike_twice_and_otherwise_from_another_seed(data: Path, tmp_path: Path):
    def weights(name: str, threads: int = 1, **changes: int) -> bytes:
        torch.set_num_threads(threads)
        settings = dataclasses.replace(SETTINGS, **{"steps": 3} | changes)
        train_styles(data / "faces", data / "landmarks", tmp_path / name, settings)
        assert torch.get_num_threads() == threads
        return (tmp_path / name / "model.safetensors").read_bytes()

    torch.manual_seed(99)
    first = weights("one")
    before = torch.get_rng_state()
    assert weights("two", threads=2) == first
    assert torch.equal(torch.get_rng_state(), before)
    assert weights("three", seed=1) != first
    about = [(tmp_path / name / "style.json").read_bytes() for name in ("one", "two")]
    assert about[0] == about[1]


@pytest.mark.parametrize("styles", [(), (2,)])
def test_without_two_styles_there_is_a_note_and_nothing_to_do(tmp_path: Path, styles: tuple):
    data = write_data(tmp_path / "data", styles)
    long = dataclasses.replace(SETTINGS, steps=10**9)
    train_styles(data / "faces", data / "landmarks", data / "style", long)
    assert [path.name for path in (data / "style").iterdir()] == ["style.json"]
    assert "fewer than two styles" in json.loads((data / "style/style.json").read_text())["note"]


def test_faces_are_chosen_by_split_style_and_landmarks(tmp_path: Path):
    data = write_data(tmp_path / "data", styles=(1, 3), unseen=(24, 26))
    faces = styled_faces(data / "faces", data / "landmarks", "test", 4)
    assert {face.style for face in faces} == {1, 3}
    numbers = [int(face.id[-2:]) for face in faces]
    assert numbers == sorted(numbers)
    assert not {24, 26} & set(numbers)
    assert [number for number in numbers if style_of(number) == 1] == [27, 30, 36, 39]
    assert {face.box for face in faces} == {BOX}


def test_most_faces_come_from_the_main_source(data: Path):
    ids = [f"face-{number:02d}" for number in TEST]
    source, chosen = of_main_source(data / "faces", ids)
    assert source == "north"
    assert chosen == [f"face-{number:02d}" for number in TEST if number % 9]


def test_spread_takes_both_ends_and_equal_distances():
    assert spread(range(11), 3) == [0, 5, 10]
    assert spread([4, 5], 9) == [4, 5]


def test_accuracies_by_hand():
    assert accuracy([1, 1, 1, 1, 3, 3], [1, 1, 1, 2, 3, 1], (1, 2, 3)) == {
        "n": 6,
        "accuracy": 4 / 6,
        "balanced_accuracy": (3 / 4 + 1 / 2) / 2,
        "rates": {"1": 3 / 4, "2": None, "3": 1 / 2},
        "counts": {
            "1": {"1": 3, "2": 1, "3": 0},
            "2": {"1": 0, "2": 0, "3": 0},
            "3": {"1": 1, "2": 0, "3": 1},
        },
    }
    assert accuracy([], [], (1, 2))["accuracy"] is None


def test_the_box_holds_face_and_hair():
    assert face_box(points()) == BOX  # chin at 58, brows at 30: three quarters of 28 above them
    assert face_box(points(3)) == tuple(edge + 3 for edge in BOX)


def test_pieces_lie_in_the_box_and_show_nothing_outside_it():
    picture = texture(2, 0)
    places = corners(BOX, 16, SIZE)
    assert places.min(axis=0).tolist() == [10, 9]
    assert places.max(axis=0).tolist() == [54 - 16, 58 - 16]
    spoilt = np.random.default_rng(0).integers(0, 256, picture.shape).astype(np.uint8)
    spoilt[9:58, 10:54] = picture[9:58, 10:54]
    assert np.array_equal(pieces(picture, BOX, 16), pieces(spoilt, BOX, 16))


@pytest.mark.parametrize("box", [(-30.0, -5.0, 10.0, 90.0), (30.0, 30.0, 34.0, 34.0)])
def test_pieces_of_odd_faces_lie_in_the_picture(box: tuple):
    assert pieces(texture(1, 0), box, 16).shape == (12, 16, 16)
    draw = np.random.default_rng(0)
    for _ in range(20):
        piece = training_piece(texture(1, 0), box, 16, draw)
        assert (piece.shape, piece.dtype) == ((16, 16), np.uint8)


def test_training_pieces_are_a_function_of_the_draw():
    first, again, other = (
        training_piece(texture(1, 0), BOX, 16, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_softening_takes_the_finest_lines():
    stripes = np.tile(np.array([0, 255], np.uint8), (SIZE, SIZE // 2))
    soft = lowpassed(stripes, SIZE // 2)
    assert soft.shape == stripes.shape
    assert soft[8:-8, 8:-8].std() < 2


class Obedient(FormulaSystem):
    """Generates in the style asked for, or in the one that `instead` puts in its place."""

    outputs: ClassVar = {"sketch": Output("sketch")}

    def __init__(self, **instead: int) -> None:
        self.instead = {int(style[1:]): other for style, other in instead.items()}
        self.asked: list[list[float]] = []

    def generate(self, batch):
        textures = []
        for face, weights in enumerate(batch["style"].tolist()):
            self.asked.append(weights)
            style = 1 + int(np.argmax(weights))
            textures.append(texture(self.instead.get(style, style), 1000 + face))
        return torch.from_numpy(np.stack(textures))[:, None] / 127.5 - 1


def evaluated(
    data: Path, work: Path, system, task: Task = TASK, settings: EvaluateSettings = EVALUATE
) -> Evaluation:
    write_pack("made", task, data, work / "pack")
    pack = Pack(work / "pack")
    counted = {"1": 8, "2": 8, "3": 8}
    model = {"task": dataclasses.asdict(task)}
    card = {"run": "made", "seed": 0, "model": model, "channels": pack.channels, "styles": counted}
    write_baselines(data, work / "pack", work / "baselines", settings.seed)
    evaluate_system(system, card, data, pack, work / "baselines", work / "out", settings, CPU)
    return read_evaluation(work / "out" / "sketch", "evaluate@made-0")


def fidelity_of(data: Path, work: Path, system, **styles: int) -> dict:
    """What `style_fidelity` alone says, without all the other scores."""
    write_pack("made", TASK, data, work / "pack")
    counted = {str(label): styles.get(f"s{label}", 8) for label in (1, 2, 3)}
    evaluated = EvaluatedSystem(
        system, {"styles": counted}, data, Pack(work / "pack"), work / "baselines", [], 0, CPU
    )
    fidelity = style_fidelity(evaluated, 5, Origin("made", 0, "sketch"))
    assert fidelity is not None
    assert (fidelity.picture is None) == (fidelity.scores is None) == ("note" in fidelity.about)
    return fidelity.about


def test_a_system_that_does_as_asked_is_wholly_faithful(data: Path, tmp_path: Path):
    system = Obedient()
    evaluation = evaluated(data, tmp_path, system)
    fidelity = evaluation.summary.style
    assert fidelity is not None
    assert (fidelity["source"], fidelity["faces"]) == ("north", 5)
    assert fidelity["asked"] == {
        str(a): {str(b): 5 * (a == b) for b in (1, 2, 3)} for a in (1, 2, 3)
    }
    assert fidelity["fidelity"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
    assert fidelity["chance"] == pytest.approx(1 / 3)
    hits = per_face([evaluation], "style_fidelity")
    assert hits.loc[0].tolist() == [1.0] * 5
    assert all(int(id[-2:]) % 9 for id in hits.columns)
    assert evaluation.summary.measure("style_fidelity").direction == "higher"
    assert fidelity["real"]["accuracy"] == 1.0
    assert fidelity["classifier"]["as they are"]["n"] == len(TEST)
    mixed = {tuple(weights) for weights in system.asked if max(weights) < 1}
    assert mixed == {(0.5, 0.5, 0.0), (0.0, 0.5, 0.5)}
    assert (evaluation.folder / STYLES_FILE).stat().st_size > 0


def test_faces_asked_for_in_every_style_are_part_of_the_protocol(data: Path, tmp_path: Path):
    """As many as there are: 16 test faces come from one source, so more change nothing."""
    summaries = {}
    for most in (5, 16, 100):
        settings = dataclasses.replace(EVALUATE, style_faces=most)
        work = tmp_path / str(most)
        summaries[most] = evaluated(data, work, Obedient(), settings=settings).summary
    assert [each.style["faces"] for each in summaries.values()] == [5, 16, 16]
    assert summaries[5].protocol != summaries[16].protocol == summaries[100].protocol
    assert len({each.protocol_any_inputs for each in summaries.values()}) == 1
    assert summaries[5].protocol_details["metrics"]["style_fidelity"]["faces"] == 5


def test_a_system_that_ignores_the_style_is_right_by_chance(data: Path, tmp_path: Path):
    fidelity = fidelity_of(data, tmp_path, Obedient(s1=2, s3=2))
    assert fidelity["rates"] == {"1": 0.0, "2": 1.0, "3": 0.0}
    assert fidelity["fidelity"]["mean"] == pytest.approx(1 / 3)


def test_fidelity_to_one_style_counts_pictures_that_were_asked_for_in_it(
    data: Path, tmp_path: Path
):
    evaluation = evaluated(data, tmp_path, Obedient(s1=2, s3=2))
    rates = [
        per_face([evaluation], "style_fidelity", subset=style_subset(style)).to_numpy().mean()
        for style in (1, 2, 3)
    ]
    assert rates == [0.0, 1.0, 0.0]
    overall = per_face([evaluation], "style_fidelity").to_numpy()
    np.testing.assert_allclose(overall, 1 / 3)


def test_a_system_that_confuses_the_styles_is_never_right(data: Path, tmp_path: Path):
    fidelity = fidelity_of(data, tmp_path, Obedient(s1=2, s2=3, s3=1))
    assert fidelity["asked"]["1"] == {"1": 0, "2": 5, "3": 0}
    assert fidelity["fidelity"]["mean"] == 0


def test_styles_that_were_never_trained_are_not_asked_for(data: Path, tmp_path: Path):
    fidelity = fidelity_of(data, tmp_path, Obedient(), s2=0)
    assert set(fidelity["rates"]) == {"1", "3"}
    assert fidelity["fidelity"]["mean"] == 1
    (tmp_path / "one").mkdir()
    fidelity = fidelity_of(data, tmp_path / "one", Obedient(), s2=0, s3=0)
    assert "fewer than two styles" in fidelity["note"]


def test_a_run_without_styles_has_no_fidelity(data: Path, tmp_path: Path):
    class Grey(FormulaSystem):
        outputs: ClassVar = {"sketch": Output("sketch")}

        def generate(self, batch):
            return batch["photo"][:, :1]

    evaluation = evaluated(data, tmp_path, Grey(), Task(("photo",), "sketch", SIZE))
    assert not (evaluation.folder / STYLES_FILE).exists()
    assert evaluation.summary.style is None
    assert per_face([evaluation], "style_fidelity").empty


def test_a_missing_or_foreign_classifier_is_named(data: Path, tmp_path: Path):
    with pytest.raises(SketchFaceError, match=r"model\.safetensors"):
        StyleClassifier.load(tmp_path)
    copy = write_data(tmp_path / "data")
    with pytest.raises(SketchFaceError, match=r"style\.json: missing.*dvc repro style"):
        fidelity_of(copy, tmp_path, Obedient())
