"""Values of the metric authors' own code (see the README of the reference pairs)."""

import json
from pathlib import Path

import pytest
from metric_pictures import DATA, read_pair

from sketchface_models.metrics.fsim import fsim, fsim_and_fsimc, fsimc
from sketchface_models.metrics.scoot import scoot
from sketchface_models.metrics.ssim import ssim

VALUES = json.loads((DATA / "values.json").read_text())
SHARED = Path(__file__).resolve().parents[4] / "shared" / "reference" / "metrics"
EXACT = 1e-9


def assert_reference(folder, name, row):
    pair, grey = read_pair(folder, name), read_pair(folder, name, grey=True)
    both = fsim_and_fsimc(*pair)
    assert scoot(*pair).item() == pytest.approx(row["scoot"], abs=EXACT)
    assert both["fsim"].item() == pytest.approx(row["fsim"], abs=EXACT)
    assert both["fsimc"].item() == pytest.approx(row.get("fsimc", row["fsim"]), abs=EXACT)
    expected = row["ssim_gray"] if "ssim_gray" in row else row["ssim"]
    assert ssim(*grey).item() == pytest.approx(expected, abs=EXACT)
    if "ssim_rgb" in row:
        assert ssim(*pair).item() == pytest.approx(row["ssim_rgb"], abs=EXACT)


@pytest.mark.parametrize("name", VALUES)
def test_public_pairs(name):
    assert_reference(DATA, name, VALUES[name])


@pytest.mark.skipif(not SHARED.is_dir(), reason="FS2K pairs may not be published")
def test_fs2k_pairs():
    rows = json.loads((SHARED / "values.json").read_text())["pairs"]
    for row in rows:
        assert_reference(SHARED / "pairs", row["id"], row)


@pytest.mark.parametrize("name", ["p05_pencil_shift3", "p07_face_rgb_blur1", "p12_64_noise"])
@pytest.mark.parametrize("metric", [ssim, scoot, fsim, fsimc])
def test_float32_is_close(metric, name):
    ours, theirs = read_pair(DATA, name)
    single = metric(ours.float(), theirs.float())
    assert str(single.dtype) == "torch.float32"
    assert single.item() == pytest.approx(metric(ours, theirs).item(), abs=5e-5)


@pytest.mark.parametrize("name", ["p07_face_rgb_blur1", "p12_64_noise"])
def test_fsim_and_fsimc_are_the_same_alone(name):
    pair = read_pair(DATA, name)
    both = fsim_and_fsimc(*pair)
    assert both["fsim"].item() == fsim(*pair).item()
    assert both["fsimc"].item() == fsimc(*pair).item()
