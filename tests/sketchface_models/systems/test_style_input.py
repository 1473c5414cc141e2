"""A style among the inputs: weights instead of a picture, from pack to trained card."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from made_packs import write_pack
from PIL import Image
from tiny_systems import Tiny, down, tiny_config, up
from torch import Tensor, nn

from sketchface_models.errors import SketchFaceError
from sketchface_models.styles import style_weights
from sketchface_models.systems import registry
from sketchface_models.systems.base import Batch
from sketchface_models.systems.run_settings import Augment, Task
from sketchface_models.training.feed import Feed
from sketchface_models.training.log import Lines
from sketchface_models.training.pack_reader import Pack, normalise
from sketchface_models.training.run import train

CPU = torch.device("cpu")
STYLES = [1 + row % 3 if row % 3 else 4 for row in range(24)]
"""2, 3 and 4: of 1 there is no face."""


class Painter(nn.Module):
    """Paints everything a little darker or lighter, style by style."""

    def __init__(self, styles: int) -> None:
        super().__init__()
        self.paint = nn.Sequential(down(3, 4), up(4))
        self.shade = nn.Linear(styles, 1, bias=False)

    def forward(self, photo: Tensor, style: Tensor) -> Tensor:
        return self.paint(photo) + self.shade(style)[..., None, None]


class Styled(Tiny):
    def __init__(self, settings, channels: dict[str, int]) -> None:
        super().__init__(settings, channels)
        self.networks["generator"] = Painter(channels["style"])

    def training_step(self, batch: Batch, clock, update) -> dict[str, Tensor]:
        loss = (self.generate(batch) - batch["sketch"]).abs().mean()
        return {"generator": update("generator", loss)}

    def generate(self, batch: Batch) -> Tensor:
        return self.networks["generator"](batch["photo"], batch["style"])


@pytest.fixture(scope="module")
def styled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_styles(tmp_path_factory.mktemp("styled") / "pack")


def with_styles(folder: Path, planes: int = 4, styles: list | None = None) -> Path:
    write_pack(folder)
    path = folder / "pack.json"
    about = json.loads(path.read_text())
    about["fields"] = {"photo": 3, "style": planes, "sketch": 1}
    about |= {"inputs": ["photo", "style"], "styles": styles or STYLES}
    path.write_text(json.dumps(about))
    return folder


def config_of(**engine: object) -> dict:
    config = tiny_config("styled", **engine)
    config["model"]["task"]["inputs"] = ["photo", "style"]
    return config


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.SYSTEMS, "styled", Styled)


def one_hot(rows: np.ndarray) -> Tensor:
    encoded = torch.zeros(len(rows), 4)
    for index, row in enumerate(rows):
        encoded[index, STYLES[row] - 1] = 1
    return encoded


def test_styles_are_read_as_one_plane_of_weights_each(styled: Path):
    pack = Pack(styled)
    assert pack.channels == {"photo": 3, "style": 4, "sketch": 1}
    assert pack.pictures == ["photo", "sketch"]
    rows = np.array([5, 0, 23, 5])
    raw = pack.read(rows)
    assert raw["style"].dtype == torch.uint8
    weights = normalise(raw, CPU)["style"]
    assert weights.dtype == torch.float32
    assert torch.equal(weights, one_hot(rows))
    assert set(pack.read(rows, ["sketch"])) == {"sketch"}


@pytest.mark.parametrize(("flip", "jitter"), [(False, 0), (True, 0), (False, 0.1), (True, 0.1)])
def test_however_faces_are_moved_their_style_goes_with_them(styled: Path, flip: bool, jitter):
    feed = Feed(Pack(styled), 8, Augment(flip, jitter), seed=3)
    for step in range(4):
        batch = normalise(feed.raw(step), CPU)
        assert torch.equal(batch["style"], one_hot(feed.rows(step)))
        assert batch["photo"].shape == (8, 3, 64, 64)


def test_moves_are_those_of_the_same_run_without_styles(styled: Path, pack: Path):
    with_style, without = (
        Feed(Pack(each), 8, Augment(True, 0.1), seed=3) for each in (styled, pack)
    )
    for name in ("photo", "sketch"):
        assert torch.equal(with_style.raw(2)[name], without.raw(2)[name])


@pytest.mark.parametrize(
    ("styles", "words"),
    [([None, *STYLES[1:]], "style None"), ([5, *STYLES[1:]], "style 5"), (["2"] * 24, "style '2'")],
)
def test_a_pack_whose_styles_do_not_fit_is_refused(tmp_path: Path, styles: list, words: str):
    folder = with_styles(tmp_path / "pack", styles=styles)
    with pytest.raises(SketchFaceError, match=f"{words}; allowed: 1 to 4.*pack stage"):
        Pack(folder)


def test_a_style_alone_is_nothing_to_draw_from():
    with pytest.raises(ValueError, match=r"inputs: \['style'\]; allowed: a picture among them"):
        Task(("style",), "sketch", 64)


def test_the_card_counts_training_faces_of_every_style(styled: Path, tmp_path: Path):
    train(config_of(), styled, tmp_path / "out", tmp_path / "store")
    card = json.loads((tmp_path / "out/weights/model.json").read_text())
    pack = Pack(styled)
    counted = [sum(STYLES[row] == label for row in pack.rows("train")) for label in (1, 2, 3, 4)]
    assert counted[0] == 0
    assert sum(counted) == 16
    assert card["styles"] == {str(1 + plane): n for plane, n in enumerate(counted)}
    assert card["channels"]["style"] == 4
    (sheet, *_) = (tmp_path / "out/logs/samples").iterdir()
    assert np.asarray(Image.open(sheet)).shape == (3 * 64, 4 * 64, 3)  # photo, generated, target


def test_without_a_style_the_card_has_none(pack: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setitem(registry.SYSTEMS, "tiny", Tiny)
    train(tiny_config("tiny"), pack, tmp_path / "out", tmp_path / "store")
    assert "styles" not in json.loads((tmp_path / "out/weights/model.json").read_text())


def test_an_interrupted_run_with_styles_ends_with_the_same_bytes(styled: Path, tmp_path: Path):
    def stop(lines: Lines) -> None:
        if lines[-1][0] >= 6:
            raise KeyboardInterrupt

    def weights(folder: Path) -> bytes:
        return (folder / "weights/model.safetensors").read_bytes()

    train(config_of(), styled, tmp_path / "straight", tmp_path / "one")
    with pytest.raises(KeyboardInterrupt):
        train(config_of(), styled, tmp_path / "resumed", tmp_path / "two", (stop,))
    train(config_of(), styled, tmp_path / "resumed", tmp_path / "two")
    notes = json.loads((tmp_path / "resumed/logs/run.json").read_text())
    assert notes["resumed_at"] > 0
    assert weights(tmp_path / "resumed") == weights(tmp_path / "straight")


COUNTS = {"1": 357, "2": 350, "3": 0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", [1, 0, 0]),
        (" 2 ", [0, 1, 0]),
        ("0.5,0.5,0", [0.5, 0.5, 0]),
        ("1, 0, 0", [1, 0, 0]),
        ("0.3337,0.6668,0", [0.3337 / 1.0005, 0.6668 / 1.0005, 0]),
    ],
)
def test_a_label_or_a_mixture_becomes_weights(text: str, expected: list[float]):
    weights = style_weights(text, COUNTS)
    assert weights == pytest.approx(expected, abs=1e-12)
    assert sum(weights) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "4",
        "-1",
        "1.0",
        "two",
        "²",
        "0.5,0.5",
        "0.5,0.6,0",
        "1.5,-0.5,0",
        "nan,1,0",
        "1,,0",
    ],
)
def test_what_is_no_style_is_refused_in_a_line_that_names_the_styles(text: str):
    with pytest.raises(SketchFaceError) as caught:
        style_weights(text, COUNTS)
    assert str(caught.value) == (
        f"style {text!r}; allowed: one of 1, 2, or 3 weights of them that are not negative and sum "
        "to one, such as 0.5,0.5,0"
    )


@pytest.mark.parametrize("text", ["3", "0,0,1", "0.9,0,0.1"])
def test_a_style_without_training_faces_is_refused_by_its_name(text: str):
    with pytest.raises(SketchFaceError) as caught:
        style_weights(text, COUNTS)
    assert str(caught.value) == (
        f"style {text!r}: no training face was drawn in style 3; allowed: 1, 2"
    )


def test_where_one_style_was_trained_the_example_is_that_one():
    with pytest.raises(SketchFaceError, match=r"such as 0,1$"):
        style_weights("x", {"1": 0, "2": 9})


def test_a_pack_of_any_labels_reads_as_written(tmp_path: Path):
    """Independent of the reader: the plane of 255s, looked up by hand."""
    folder = with_styles(tmp_path / "pack", planes=7, styles=[7] * 23 + [1])
    planes = Pack(folder).arrays["style"]
    assert planes[0].tolist() == [0, 0, 0, 0, 0, 0, 255]
    assert planes[23].tolist() == [255, 0, 0, 0, 0, 0, 0]
