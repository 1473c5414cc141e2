"""`sketchface translate`: a CycleGAN of photos and sketches draws in both directions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from cyclegan_settings import SIZE, small_model
from PIL import Image
from skimage import data
from written_pictures import pixels_of

import sketchface
from face_geometry.align import PORTRAIT
from sketchface_models.checkpoint import save_tensors
from sketchface_models.inference import load_trained
from sketchface_models.pixels import from_signed
from sketchface_models.systems.registry import build
from sketchface_models.training.pack_reader import normalise
from synthetic_faces import render

Run = Callable[..., tuple[int, str, str]]
CHANNELS = {"photo": 3, "sketch": 1}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of a small CycleGAN, with the card of a finished run."""
    folder, settings = tmp_path_factory.mktemp("run") / "weights", small_model()
    torch.manual_seed(0)
    faces = {"data": "fs2k", "size": SIZE, "framing": [list(p) for p in PORTRAIT.points]}
    card = {"run": "cyclegan", "seed": 0, "model": settings, "channels": CHANNELS, "faces": faces}
    networks = build(settings, CHANNELS).networks
    save_tensors(folder / "model.safetensors", networks.state_dict(), card)
    return folder


def test_a_sketch_reaches_the_network_back_as_packs_hold_it(
    tmp_path: Path, weights: Path, translate: Run
) -> None:
    sketch = cv2.cvtColor(render(0, 3, SIZE).photo, cv2.COLOR_RGB2GRAY)
    Image.fromarray(sketch).save(tmp_path / "sketch.png")
    asked = ("--to", "photo", "--weights", weights, "--aligned", "--show-input")
    status, printed, wrong = translate("sketch.png", "-o", "out", *asked)
    assert (status, wrong) == (0, "")
    assert "1 photo of 1 face in 1 picture" in printed
    np.testing.assert_array_equal(pixels_of(tmp_path / "out/sketch-input.png"), sketch)
    system, _ = load_trained(weights)
    raw = {"sketch": torch.from_numpy(sketch[None, None])}
    batch = normalise(raw, torch.device("cpu")) | {"photo": torch.rand(1, 3, SIZE, SIZE)}
    with torch.no_grad():
        expected = from_signed(system.generate_all(batch)["photo"])[0].permute(1, 2, 0)
    photo = pixels_of(tmp_path / "out/sketch.png")
    np.testing.assert_array_equal(photo, expected)
    assert photo.std() > 0


def test_sketches_are_framed_by_their_landmarks(
    tmp_path: Path, weights: Path, translate: Run
) -> None:
    grey = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)
    Image.fromarray(grey).save(tmp_path / "her.png")
    Image.fromarray(data.astronaut()).save(tmp_path / "colour.png")
    Image.fromarray(data.brick()).save(tmp_path / "wall.png")
    asked = ("-o", "out", "--weights", weights, "--show-input", "--to")
    status, printed, wrong = translate("her.png", "colour.png", "wall.png", *asked, "photo")
    assert status == 1
    assert "2 photos of 2 faces in 3 pictures; 1 not drawn" in printed
    no_face, coloured = wrong.splitlines()
    assert no_face == "error: wall.png: no face found; crop it nearer to the face"
    assert coloured.startswith("note: colour.png: in colour: sketches are expected here (--from s")
    # As the photo is framed that a sketch is made of.
    sketch = pixels_of(tmp_path / "out/her-input.png").astype(int)
    assert translate("her.png", *asked, "sketch")[0] == 0
    photo = pixels_of(tmp_path / "out/her-input.png").astype(int)
    assert np.abs(photo - sketch[..., None]).mean() < 2
    assert pixels_of(tmp_path / "out/her.png").shape == (SIZE, SIZE)


def test_the_library_takes_sketches_too(tmp_path: Path, weights: Path) -> None:
    Image.fromarray(data.astronaut()).save(tmp_path / "her.png")
    for kind in ("sketch", None):
        with warnings.catch_warnings():
            warnings.simplefilter("error" if kind else "ignore")
            options = {"weights": weights, "to": "photo", "kind": kind}
            [photo] = sketchface.translate(tmp_path / "her.png", **options)
        assert photo.shape == (SIZE, SIZE, 3)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (
            ("--from", "sketch"),
            "no generator that makes a photo of a sketch comes with the package",
        ),
        (
            ("--from", "sketch", "--weights", "hida"),
            "--from sketch: the shipped hida reads photo, depth, style",
        ),
    ],
)
def test_generators_that_ship_read_no_sketches(
    tmp_path: Path, asked: tuple[str, ...], reason: str, translate: Run
) -> None:
    Image.fromarray(data.astronaut()).save(tmp_path / "her.png")
    status, printed, wrong = translate("her.png", "-o", "out", *asked)
    assert (status, printed, len(wrong.splitlines())) == (1, "", 1)
    assert reason in wrong
