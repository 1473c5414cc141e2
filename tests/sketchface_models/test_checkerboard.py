"""The measure of checkerboards sees what alternates, and nothing else."""

import runpy
import sys
from pathlib import Path

import pytest
import torch
from made_packs import make_config, write_pack
from torch import Tensor

from sketchface_models.checkerboard import checkerboard
from sketchface_models.training.run import train

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "up_sampling.py"

SIDE = 64
ALTERNATING = torch.tensor([1.0, -1.0]).repeat(SIDE // 2)


def soft_noise(seed: int = 0) -> Tensor:
    """Pictures whose spectrum falls, as that of photos does."""
    noise = torch.randn(16, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    cycles = torch.fft.fftfreq(SIDE).abs()
    return torch.fft.ifft2(torch.fft.fft2(noise) / (1 / SIDE + cycles[:, None] + cycles)).real


PATTERNS = {
    "rows": ALTERNATING[:, None].expand(SIDE, SIDE),
    "columns": ALTERNATING.expand(SIDE, SIDE),
    "squares": ALTERNATING[:, None] * ALTERNATING,
}


def test_pictures_without_one_stay_near_one():
    assert checkerboard(soft_noise()) < 1.5


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_a_tenth_as_strong_as_the_picture_stands_out(name: str):
    pictures = soft_noise()
    assert checkerboard(pictures + 0.1 * pictures.std() * PATTERNS[name]) > 5


def test_patterns_whose_strength_varies_slowly_stand_out():
    pictures = soft_noise()
    slope = torch.linspace(-1, 1, SIDE)
    faint = 0.2 * pictures.std() * slope * PATTERNS["squares"]
    assert checkerboard(pictures + faint) > 5


def test_slower_patterns_are_something_else():
    stripes = torch.tensor([1.0, 1.0, -1.0, -1.0]).repeat(SIDE // 4)
    assert checkerboard(soft_noise() + stripes) < 1.5


def test_contrast_and_brightness_change_nothing():
    pictures = soft_noise()
    assert checkerboard(7 * pictures + 3) == pytest.approx(checkerboard(pictures))


def test_the_benchmark_prints_a_run_beside_its_targets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    pack = write_pack(tmp_path / "pack/tiny")
    config = make_config(model__schedule__steps=2)
    train(config, pack, tmp_path / "train/tiny/0", tmp_path / "store")
    monkeypatch.setattr(sys, "argv", ["up_sampling.py", "tiny", "--data", str(tmp_path)])
    runpy.run_path(str(BENCHMARK), run_name="__main__")
    run, faces, generated, targets = capsys.readouterr().out.splitlines()[-1].split()
    assert (run, faces) == ("tiny", "4")
    assert float(generated) > 3 * float(targets) > 0  # transposed convolutions, hardly trained
