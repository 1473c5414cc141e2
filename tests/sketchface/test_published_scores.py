"""`sketchface score` where the networks that others publish lie in `models/judges/`."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from made_published import (
    ALEXNET_LAYOUT,
    ALEXNET_MAPS,
    compact_weights,
    inception_layout,
    linear_layout,
    random_weights,
)
from PIL import Image
from score_command import run

from sketchface_models.errors import SketchFaceError
from sketchface_models.metrics import lpips as lpips_module
from sketchface_models.pretrained import published

COUNT, SIDE = 10, 64
NOISE = {"near": 10, "far": 60}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that the command runs in, with pictures and files of random weights."""
    monkeypatch.chdir(tmp_path)
    # Made files cannot have the published hashes that their names carry.
    monkeypatch.setattr(published, "HASH_IN_NAME", re.compile("(?!)"))
    published.JUDGES.mkdir(parents=True)
    linear = {name: torch.rand(shape) for name, shape in linear_layout(ALEXNET_MAPS).items()}
    for file, weights in (
        (published.INCEPTION, random_weights(inception_layout())),
        (published.ALEXNET, compact_weights(ALEXNET_LAYOUT)),
        (published.LPIPS_ALEX, linear),
    ):
        torch.save(weights, published.JUDGES / file.name)
    rng = np.random.default_rng(0)
    for folder in ("real", *NOISE):
        (tmp_path / folder).mkdir()
    for i in range(COUNT):
        real = np.kron(rng.integers(0, 256, (8, 8)), np.ones((8, 8)))
        Image.fromarray(real.astype(np.uint8)).save(tmp_path / "real" / f"{i}.png")
        for folder, noise in NOISE.items():
            noisy = (real + rng.normal(0, noise, real.shape)).clip(0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(tmp_path / folder / f"{i}.png")
    lpips_module._network.cache_clear()
    yield tmp_path
    lpips_module._network.cache_clear()


@pytest.mark.slow
def test_fid_and_lpips_are_measured_where_their_networks_are(project: Path):
    table = run("real", "near", "--metrics", "fid,lpips")
    assert re.search(r"^LPIPS ↓ +\d\.\d+ +\d", table, re.MULTILINE)
    assert re.search(r"^FID ↓ +\d+\.\d+ +\d", table, re.MULTILINE)
    assert f"{COUNT} pairs, protocol score:" in table
    scored = json.loads(run("real", *NOISE, "real", "--metrics", "fid,lpips", "--json"))
    near, far, same = (scored["folders"][folder]["metrics"] for folder in (*NOISE, "real"))
    assert set(near) == {"fid", "lpips"}
    for name in near:
        assert 0 < near[name]["mean"] < far[name]["mean"]
        assert abs(same[name]["mean"]) < 1e-3 * near[name]["mean"]


def test_what_lacks_a_file_is_refused_with_its_name(project: Path):
    (published.JUDGES / published.LPIPS_ALEX.name).unlink()
    with pytest.raises(SketchFaceError, match=r"^--metrics lpips: .*alex\.pth: No such"):
        run("real", "near", "--metrics", "fid,lpips")
