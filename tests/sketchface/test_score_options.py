"""Measures, sizes and colour that are asked for, and those that are refused."""

import json

import pytest
from PIL import Image
from score_command import run

from sketchface_models.errors import SketchFaceError


@pytest.mark.parametrize("size", ["0", "-4", "axb", "1x2x3", "19", "9999", "250.0", ""])
def test_bad_sizes_are_refused(folders, size):
    with pytest.raises(SketchFaceError, match="--size"):
        run(*folders, f"--size={size}")


def test_metrics_without_weights_or_of_another_name_are_refused(folders, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SketchFaceError, match="--metrics fid: models/judges/pt_inception"):
        run(*folders, "--metrics", "fid")
    with pytest.raises(SketchFaceError, match="--metrics nonsense: allowed: l1, psnr"):
        run(*folders, "--metrics", "nonsense")


def test_colour_counts_when_it_is_asked_for(tmp_path):
    for folder, colour in (("reference", (200, 0, 0)), ("generated", (0, 102, 0))):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (32, 32), colour).save(tmp_path / folder / "a.png")
    folders = (tmp_path / "reference", tmp_path / "generated", "--json", "--metrics", "l1")
    assert json.loads(run(*folders))["metrics"]["l1"]["mean"] < 0.01  # of one brightness
    assert json.loads(run(*folders, "--colour"))["metrics"]["l1"]["mean"] > 0.3
