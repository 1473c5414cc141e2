"""Figures of HIDA: the maps of its decoder layers, and one face in all styles."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from made_generators import SIDE, make_weights
from PIL import Image
from skimage import data

from pipeline.depth.depth import DepthSettings
from pipeline.translation import hida_figures
from pipeline.translation.inputs import Preparation, PreparedFace
from pipeline.translation.requirements import Style
from pipeline.translation.trained_generator import Generator, open_weights
from sketchface_models.errors import SketchFaceError

MIXED = Style("0.5,0.25,0.25", (0.5, 0.25, 0.25))


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "someone.png"
    Image.fromarray(data.astronaut()).save(path)
    return path


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    styles = {"1": 3, "2": 4, "3": 5}
    return open_weights(make_weights(tmp_path_factory.mktemp("run"), styles=styles))


@pytest.fixture(scope="module")
def face(photo: Path, generator: Generator) -> PreparedFace:
    (prepared,) = Preparation(
        generator.requirements, DepthSettings("facemesh"), "faces", "largest"
    )(photo)
    assert isinstance(prepared, PreparedFace)
    return prepared


def test_maps_are_what_the_layers_compute(generator: Generator, face: PreparedFace) -> None:
    """The outermost layer, computed by hand from what goes into it."""
    job = (face, MIXED)
    layer = generator.system.networks["generator"].decoder[-1]
    into: list[tuple[torch.Tensor, ...]] = []
    hook = layer.register_forward_hook(lambda module, given, result: into.append((*given, result)))
    with torch.no_grad():
        generator.system.generate(generator.batch([job]))
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
    found = hida_figures.layer_maps(generator, job)
    assert [maps.side for maps in found] == [2, 4, 8, 16, 32]
    assert found[-1].maps.keys() == expected.keys()
    for name, tensor in expected.items():
        mean = tensor[0].mean(dim=0).numpy()
        np.testing.assert_allclose(found[-1].maps[name], mean, rtol=1e-4, atol=1e-6)
    # The hooks are gone: drawing once more keeps nothing.
    before = {id(maps): dict(maps.maps) for maps in found}
    generator.generate([(face, Style("1", (1.0, 0.0, 0.0)))], SIDE)
    assert all(maps.maps.keys() == before[id(maps)].keys() for maps in found)
    assert not layer._forward_hooks
    assert not layer.adaptation._forward_hooks


def test_the_map_figure_shows_the_layers_asked_for(
    generator: Generator, face: PreparedFace
) -> None:
    def shape(*layers: int) -> tuple[int, int]:
        png = hida_figures.maps_figure(generator, (face, MIXED), layers)
        return Image.open(io.BytesIO(png)).size

    assert shape(3, 4) == (4 * 192, 691)  # activation, theta, gamma, beta; inputs above
    assert shape() == (4 * 192, 1152)
    with pytest.raises(SketchFaceError, match="layer 5: allowed: 0 to 4"):
        shape(5)


def test_mixtures_go_from_style_to_style(generator: Generator, face: PreparedFace) -> None:
    places = hida_figures._triangle(["1", "2", "3"], ["1", "2", "3"])
    weights = np.array([place[2] for place in places])
    assert weights.shape == (15, 3)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert len(np.unique(weights, axis=0)) == 15
    corners = {place[2]: place[:2] for place in places if max(place[2]) == 1}
    assert corners == {(1, 0, 0): (0, 2.0), (0, 1, 0): (4, 0.0), (0, 0, 1): (4, 4.0)}
    two = hida_figures._rows(["1", "3"], ["1", "2", "3"])  # the second style was never trained
    assert [place[2] for place in two] == [(1 - s, 0.0, s) for s in (0, 0.25, 0.5, 0.75, 1)]
    png = hida_figures.styles_figure(generator, face)
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
    # Above the middle of the triangle's left side there is nothing.
    height, width = picture.shape
    assert (picture[: height // 5, : width // 3] == 255).all()
    assert (picture[-height // 5 :, : width // 5] < 255).any()
