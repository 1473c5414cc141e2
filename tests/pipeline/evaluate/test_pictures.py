"""Pictures that other code made are a run like any other."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from made_tables import SIZE, TEST, pictures_of
from PIL import Image

from pipeline.baselines.baselines import write_baselines
from pipeline.common.evaluations import Evaluation, read_evaluation
from pipeline.common.records import Method
from pipeline.common.score_frames import per_face
from pipeline.evaluate.evaluate import evaluate
from pipeline.evaluate.evaluate_settings import EvaluateSettings
from pipeline.pack.pack import write_pack
from sketchface_models.config import load
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import load_trained
from sketchface_models.systems.pictures import PicturesSettings
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.run import train

TASK = Task(("photo",), "sketch", SIZE)
ENGINE = {
    "device": "cpu",
    "precision": "32-true",
    "validate_every": 2,
    "best": "val_ssim",
    "checkpoint_every": 100,
}


def write_pictures(folder: Path, ids: tuple[str, ...] = TEST, name: str = "{}_fake_B.png") -> Path:
    """The true sketches, as another program might leave them: in colour, twice as large."""
    folder.mkdir()
    for id in ids:
        picture = Image.fromarray(pictures_of((id,), "sketch")[0, 0]).convert("RGB")
        side = (2 * SIZE, 2 * SIZE)
        picture.resize(side, Image.Resampling.NEAREST).save(folder / name.format(id))
    return folder


def evaluated(data: Path, work: Path, folder: Path, pattern: str = "*_fake_B") -> Evaluation:
    """`train` and `evaluate` of a run of pictures."""
    write_pack("theirs", TASK, data, work / "pack")
    model = {"system": "pictures", "folder": str(folder), "pattern": pattern}
    model["task"] = dataclasses.asdict(TASK)
    config = {"run": "theirs", "seed": 0, "model": model, "engine": ENGINE}
    train(config, work / "pack", work / "trained", work / "store")
    write_baselines(data, work / "pack", work / "baselines", 0)
    folders = (work / "pack", work / "trained" / "weights", work / "baselines", work / "out")
    evaluate(data, *folders, EvaluateSettings(samples=2, seed=0))
    return read_evaluation(work / "out" / "sketch", "evaluate@theirs-0")


def test_pictures_are_scored_like_those_of_a_system(tables: Path, tmp_path: Path):
    evaluation = evaluated(tables, tmp_path, write_pictures(tmp_path / "theirs"))
    assert evaluation.ids == TEST
    assert evaluation.methods == [Method.SYSTEM, Method.INPUT, Method.MEAN, Method.OTHER]
    assert (per_face([evaluation], "l1").to_numpy() < 0.05).all()
    assert set(per_face([evaluation], "rank").to_numpy().ravel()) == {1}
    assert evaluation.summary.weights == {"file": "model.safetensors", "steps": 0, "images": 0}


def test_faces_without_a_picture_are_counted_and_named(tables: Path, tmp_path: Path):
    evaluation = evaluated(tables, tmp_path, write_pictures(tmp_path / "theirs", TEST[1:]))
    assert evaluation.ids == TEST[1:]
    assert [(face.id, face.reason) for face in evaluation.summary.missing] == [
        (TEST[0], "no picture among those that other code made")
    ]
    expected = pictures_of(TEST[1:], "sketch").astype(float)
    photos = pictures_of(TEST[1:], "photo").astype(float)
    grey = np.rint(np.einsum("nchw,c->nhw", photos, [0.299, 0.587, 0.114]))[:, None]
    inputs = per_face([evaluation], "l1", Method.INPUT).to_numpy()[0]
    np.testing.assert_allclose(inputs, np.abs(grey - expected).mean((1, 2, 3)) / 255)


def test_pictures_of_other_sizes_or_shapes_are_refused_by_name(tables: Path, tmp_path: Path):
    folder = write_pictures(tmp_path / "theirs")
    Image.new("L", (SIZE, SIZE)).save(folder / f"{TEST[2]}_fake_B.png")
    with pytest.raises(SketchFaceError, match=rf"{TEST[2]}_fake_B\.png: 64 x 64 pixels; expected"):
        evaluated(tables, tmp_path, folder)


def test_a_folder_without_pictures_of_the_faces_says_how_to_name_them(tables: Path, tmp_path: Path):
    folder = write_pictures(tmp_path / "theirs", name="{}.png")
    with pytest.raises(SketchFaceError, match=rf"such as {min(TEST)}_fake_B\.png"):
        evaluated(tables, tmp_path, folder)


def test_pictures_are_not_made_for_other_photos(tables: Path, tmp_path: Path):
    evaluated(tables, tmp_path, write_pictures(tmp_path / "theirs"))
    system, _ = load_trained(tmp_path / "trained" / "weights")
    with pytest.raises(SketchFaceError, match="it makes no new ones"):
        system.generate({"photo": torch.zeros(1, 3, SIZE, SIZE)})


@pytest.mark.parametrize("pattern", ["fake", "*_*", ""])
def test_a_pattern_has_one_place_for_the_id(pattern: str):
    task = dataclasses.asdict(TASK)
    with pytest.raises(SketchFaceError, match="pattern"):
        load(
            PicturesSettings,
            {"system": "pictures", "task": task, "folder": "x", "pattern": pattern},
        )
