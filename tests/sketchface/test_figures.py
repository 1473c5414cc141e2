"""`sketchface figures`: what HIDA's decoder does with a face, and one face in all styles."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from made_generators import SIDE, make_weights
from PIL import Image
from skimage import data

from pipeline.depth.depth import DepthSettings
from pipeline.translation import figures
from pipeline.translation.drawing import batch_of, draw
from pipeline.translation.inputs import Preparation, Prepared
from pipeline.translation.recipe import Recipe, Style, open_weights
from sketchface import main
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems.base import System

CPU = torch.device("cpu")
MIXED = Style("0.5,0.25,0.25", (0.5, 0.25, 0.25))


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "someone.png"
    Image.fromarray(data.astronaut()).save(path)
    return path


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> tuple[System, Recipe]:
    styles = {"1": 3, "2": 4, "3": 5}
    system, recipe, _ = open_weights(make_weights(tmp_path_factory.mktemp("run"), styles=styles))
    return system, recipe


@pytest.fixture(scope="module")
def face(photo: Path, opened: tuple[System, Recipe]) -> Prepared:
    (prepared,) = Preparation(opened[1], DepthSettings("facemesh"), "faces", "largest")(photo)
    assert isinstance(prepared, Prepared)
    return prepared


def test_maps_are_what_the_layers_compute(opened: tuple[System, Recipe], face: Prepared) -> None:
    """The outermost layer, computed by hand from what goes into it."""
    system = opened[0]
    job = (face, MIXED)
    layer = system.networks["generator"].decoder[-1]
    into: list[tuple[torch.Tensor, ...]] = []
    hook = layer.register_forward_hook(lambda module, given, result: into.append((*given, result)))
    with torch.no_grad():
        system.generate(batch_of([job], CPU))
        hook.remove()
        _, planes, source, result = into[0]
        conditions = torch.cat([*planes, layer.appearance(source)], dim=1)
        theta, gamma, beta = layer.adaptation.branches(layer.adaptation.trunk(conditions)).chunk(
            3, dim=1
        )
    expected = {
        "activation": result,
        "theta": 1 / (1 + torch.exp(-theta)),
        "gamma": gamma,
        "beta": beta,
    }
    found = figures.layer_maps(system, CPU, job)
    assert [maps.side for maps in found] == [2, 4, 8, 16, 32]
    assert found[-1].maps.keys() == expected.keys()
    for name, tensor in expected.items():
        mean = tensor[0].mean(dim=0).numpy()
        np.testing.assert_allclose(found[-1].maps[name], mean, rtol=1e-4, atol=1e-6)
    # The hooks are gone: drawing once more keeps nothing.
    before = {id(maps): dict(maps.maps) for maps in found}
    draw(system, CPU, "w", [(face, Style("1", (1.0, 0.0, 0.0)))], SIDE)
    assert all(maps.maps.keys() == before[id(maps)].keys() for maps in found)
    assert not layer._forward_hooks
    assert not layer.adaptation._forward_hooks


def test_the_map_figure_shows_the_layers_asked_for(
    opened: tuple[System, Recipe], face: Prepared
) -> None:
    system, recipe = opened

    def shape(*layers: int) -> tuple[int, int]:
        png = figures.maps_figure(system, CPU, recipe, (face, MIXED), layers)
        return Image.open(io.BytesIO(png)).size

    assert shape(3, 4) == (4 * 192, 691)  # activation, theta, gamma, beta; inputs above
    assert shape() == (4 * 192, 1152)
    with pytest.raises(SketchFaceError, match="layer 5: allowed: 0 to 4"):
        shape(5)


def test_mixtures_go_from_style_to_style(opened: tuple[System, Recipe], face: Prepared) -> None:
    places = figures._triangle(["1", "2", "3"], ["1", "2", "3"])
    weights = np.array([place[2] for place in places])
    assert weights.shape == (15, 3)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert len(np.unique(weights, axis=0)) == 15
    corners = {place[2]: place[:2] for place in places if max(place[2]) == 1}
    assert corners == {(1, 0, 0): (0, 2.0), (0, 1, 0): (4, 0.0), (0, 0, 1): (4, 4.0)}
    two = figures._rows(["1", "3"], ["1", "2", "3"])  # the second style was never trained
    assert [place[2] for place in two] == [(1 - s, 0.0, s) for s in (0, 0.25, 0.5, 0.75, 1)]
    system, recipe = opened
    png = figures.styles_figure(system, CPU, recipe, face)
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
    # Above the middle of the triangle's left side there is nothing.
    height, width = picture.shape
    assert (picture[: height // 5, : width // 3] == 255).all()
    assert (picture[-height // 5 :, : width // 5] < 255).any()


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sketchface", "figures", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main.main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return run


def test_the_command_writes_both_figures(tmp_path: Path, photo: Path, run: Run) -> None:
    weights = make_weights(tmp_path / "w")  # of three styles two were trained
    status, said, _ = run(photo, "-o", "f", "--weights", weights, "--style", "2", "--layer", "4")
    assert (status, said) == (0, "f/someone-maps.png\nf/someone-styles.png\n")
    first = {path.name: path.read_bytes() for path in (tmp_path / "f").iterdir()}
    assert Image.open(io.BytesIO(first["someone-styles.png"])).size == (960, 220)  # a row of five
    assert run(photo, "-o", "g", "--weights", weights, "--style", "2", "--layer", "4")[0] == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "g").iterdir()} == first


def test_what_it_cannot_show_is_refused_in_one_line(tmp_path: Path, photo: Path, run: Run) -> None:
    weights = make_weights(tmp_path / "w")
    Image.new("RGB", (300, 200), "white").save(tmp_path / "nobody.png")
    (tmp_path / "file").write_text("")
    for arguments, words in (
        ((photo, "-o", "f", "--weights", weights, "--layer", "7"), "layer 7: allowed: 0 to 4"),
        ((photo, "-o", "f", "--weights", weights, "--style", "9"), "style '9'; allowed"),
        (("nobody.png", "-o", "f", "--weights", weights), "nobody.png: no face found"),
        (("gone.png", "-o", "f", "--weights", weights), "gone.png: No such file"),
        ((photo, "-o", "file", "--weights", weights), "file: a file; give -o a folder"),
    ):
        status, _, wrong = run(*arguments)
        assert (status, len(wrong.splitlines())) == (1, 1)
        assert words in wrong
    assert not (tmp_path / "f").exists()
