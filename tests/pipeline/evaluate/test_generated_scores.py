"""Generated pictures, their grey versions, and their scores."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from made_systems import FormulaSystem
from made_tables import FIELDS, SIZE, TEST, block_values, pictures_of
from PIL import Image

from pipeline.baselines.scoring import score_faces
from pipeline.baselines.targets import read_pictures
from pipeline.common.scored_pictures import default_device, scaled, with_channels_of
from pipeline.evaluate.generate import generate
from pipeline.pack.pack import write_pack
from sketchface_models.errors import SketchFaceError
from sketchface_models.metrics.registry import metric_names, score_batch
from sketchface_models.metrics.retrieval import retrieve
from sketchface_models.systems.base import Output
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.pack_reader import Pack

CPU = torch.device("cpu")


class Echo(FormulaSystem):
    """A system that generates one of its inputs, altered by `change`."""

    def __init__(self, field: str, change=lambda picture: picture) -> None:
        self.field, self.change = field, change
        self.outputs = {"lines": Output("lines")}

    def generate(self, batch):
        return self.change(batch[self.field])


@pytest.fixture(scope="module")
def pack(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = tmp_path_factory.mktemp("packs") / "pack"
    write_pack("echo", Task(("sketch", "photo"), "lines", SIZE), tables, folder)
    return Pack(folder)


@pytest.mark.parametrize("field", FIELDS)
def test_targets_scored_against_themselves_are_perfect(tables: Path, field: str):
    targets = read_pictures(tables, field, TEST, SIZE)
    scores = score_faces(targets, targets, CPU)
    assert list(scores) == [*metric_names(targets.shape[1]), "rank"]
    assert (scores["l1"] == 0).all()
    assert (scores["psnr"] == np.inf).all()
    assert scores["rank"].tolist() == [1] * len(TEST)
    np.testing.assert_allclose(scores["ssim"], 1)


def test_scores_are_those_of_the_metrics_face_by_face():
    draw_from = torch.Generator().manual_seed(0)
    ours, theirs = (
        torch.randint(0, 256, (35, 3, 24, 24), generator=draw_from, dtype=torch.uint8)
        for _ in range(2)
    )
    scores = score_faces(ours, theirs, CPU)
    for name, values in score_batch(theirs.double(), ours.double()).items():
        np.testing.assert_allclose(scores[name], values.numpy(), rtol=1e-12)
    difference = np.abs(ours.numpy().astype(float) - theirs.numpy()).mean((1, 2, 3)) / 255
    np.testing.assert_allclose(scores["l1"], difference)
    assert scores["rank"].tolist() == retrieve(ours.double(), theirs.double()).ranks.tolist()
    assert len(set(scores["rank"].tolist())) > 5


def test_the_order_of_faces_matters(tables: Path):
    targets = read_pictures(tables, "sketch", TEST, SIZE)
    scores = score_faces(targets.flip(0), targets, CPU)
    assert (scores["l1"] > 0.1).all()
    assert (scores["rank"] > 1).all()


def test_a_generated_picture_is_what_its_file_would_hold(pack: Pack):
    rows = pack.rows("test")
    ids = tuple(pack.ids[row] for row in rows)
    for field in ("sketch", "photo"):
        generated = generate(Echo(field), pack, rows, SIZE, CPU)
        np.testing.assert_array_equal(generated.numpy(), pictures_of(ids, field))
    bright = generate(Echo("sketch", lambda picture: picture + 9), pack, rows, SIZE, CPU)
    assert (bright == 255).all()


def test_more_faces_than_a_batch_keep_their_order(pack: Pack):
    rows = np.array([*range(len(pack.ids)), *range(len(pack.ids))[::-1]])
    generated = generate(Echo("sketch"), pack, rows, SIZE, CPU)
    np.testing.assert_array_equal(
        generated.numpy(), pictures_of(tuple(pack.ids[row] for row in rows), "sketch")
    )


def test_scaling_is_bicubic_and_stays_in_range():
    black_and_white = (block_values(TEST[0], "sketch")[0] > 127) * np.uint8(255)
    blocks = np.kron(black_and_white, np.ones((8, 8), np.uint8))
    for size in (48, 96):
        found = scaled(torch.from_numpy(blocks)[None, None].double(), size)[0, 0].numpy()
        way = Image.Resampling.BICUBIC
        real = Image.fromarray(blocks.astype(np.float32)).resize((size, size), way)
        expected = np.clip(np.asarray(real), 0, 255)
        assert found.dtype == np.uint8
        assert np.abs(found - expected).max() <= 0.5 + 1e-3
        overshoots = np.asarray(real).min() < 0 and np.asarray(real).max() > 255
        assert overshoots


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda picture: picture[:, :2].repeat(1, 2, 1, 1),
            r"generates \(8, 2, 64, 64\); expected",
        ),
        (
            lambda picture: picture[..., :32],
            r"generates \(8, 1, 64, 32\); expected pictures \(8, 1 o",
        ),
        (lambda picture: picture[1:], r"for 8 faces the system generates \(7, 1, 64, 64\)"),
        (lambda picture: picture[:, 0], r"generates \(8, 64, 64\)"),
        (lambda picture: picture * float("nan"), "NaN or infinite values; train this run again"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_line(pack: Pack, change, said: str):
    with pytest.raises(SketchFaceError, match=said) as raised:
        generate(Echo("sketch", change), pack, pack.rows("test"), SIZE, CPU)
    assert "\n" not in str(raised.value)


def test_colour_is_scored_in_grey_where_the_target_is_grey(tables: Path):
    photos, sketches = (read_pictures(tables, field, TEST, SIZE) for field in ("photo", "sketch"))
    grey = with_channels_of(sketches, photos, "sketch")
    expected = np.einsum("nchw,c->nhw", photos.numpy().astype(float), [0.299, 0.587, 0.114])
    np.testing.assert_array_equal(grey.numpy(), np.rint(expected)[:, None])
    assert with_channels_of(photos, photos, "photo") is photos


def test_what_cannot_be_compared_is_refused_in_one_line():
    grey, colour = torch.zeros(2, 1, 8, 8).byte(), torch.zeros(2, 3, 8, 8).byte()
    with pytest.raises(SketchFaceError, match=r"^2 generated pictures of shape \(1, 8, 8\) .*ph"):
        with_channels_of(colour, grey, "photo")
    with pytest.raises(SketchFaceError, match="1 targets sketch"):
        with_channels_of(grey[:1], colour, "sketch")
    with pytest.raises(SketchFaceError, match="cannot be scored"):
        with_channels_of(grey, colour[..., :4], "sketch")


@pytest.mark.parametrize("available", [True, False])
def test_a_gpu_is_used_where_there_is_one(monkeypatch: pytest.MonkeyPatch, available: bool):
    monkeypatch.setattr(torch, "cuda", SimpleNamespace(is_available=lambda: available))
    assert default_device() == torch.device("cuda" if available else "cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_values(tables: Path):
    targets = read_pictures(tables, "photo", TEST, SIZE)
    here = score_faces(targets.flip(0), targets, CPU)
    there = score_faces(targets.flip(0), targets, torch.device("cuda"))
    for name, values in here.items():
        np.testing.assert_allclose(there[name], values, rtol=1e-9)
