"""What the command prints, as JSON and as a table."""

import json
import shutil

import pytest
from PIL import Image
from score_command import NAMES, expected_scores, grey, run

from sketchface_models.metrics.simple import finite


def test_json_holds_means_intervals_and_values(folders):
    result = json.loads(run(*folders, "--json", "--per-image"))
    expected = expected_scores([(grey(0), grey(0)), (grey(1), grey(11)), (grey(2), grey(12))])
    assert result["n"] == 3
    assert result["missing"] == result["extra"] == []
    assert set(result["metrics"]) == {*NAMES, "rank_1", "parser_frechet", "parser_kernel"}
    assert set(expected) == set(NAMES)
    assert result["per_image"]["face0"]["psnr"] == 100  # identical, not Infinity
    for name, values in expected.items():
        assert result["metrics"][name]["mean"] == pytest.approx(finite(values).mean())
        assert result["metrics"][name]["low"] <= result["metrics"][name]["mean"]
        assert result["metrics"][name]["mean"] <= result["metrics"][name]["high"]
        assert result["per_image"]["face2"][name] == values[2].item()
    assert set(result["metrics"]["ssim"]) == {"mean", "low", "high"}
    assert result["protocol"].startswith("score:")


def test_json_leaves_out_the_images_unless_asked(folders):
    assert "per_image" not in json.loads(run(*folders, "--json"))


@pytest.mark.parametrize("count", [1, 2])
def test_one_pair_is_no_set_and_the_table_says_so(folders, count: int):
    """Of one folder, and of two that are set beside each other."""
    reference, generated = folders
    for path in [*reference.iterdir(), *generated.iterdir()]:
        if path.stem != "face0":
            path.unlink()
    others = [generated, shutil.copytree(generated, generated.parent / "other")][:count]
    output = run(reference, *others, "--metrics", "parser_kernel,parser_frechet", "--per-image")
    assert output.count("1 pairs, protocol score:") == count
    said = "nothing is measured: a distance between sets takes two pairs"
    assert output.count(said) == count
    part = json.loads(run(reference, generated, "--metrics", "parser_kernel", "--json"))
    assert (part["n"], part["metrics"]) == (1, {})


def test_table_shows_every_metric_and_the_count(folders):
    output = run(*folders)
    for label in ("L1 (0..1) ↓", "PSNR (dB) ↑", "SSIM", "SCOOT", "FSIM"):
        assert label in output
    assert "3 pairs, protocol score:" in output
    assert "face1" not in output
    lines = run(*folders, "--per-image").splitlines()
    line = next(line for line in lines if line.startswith("face0"))
    assert line.split()[1:3] == ["0.0000", "100.0000"]


def test_verdicts_read_as_sentences_and_few_pairs_say_that_they_are_few(folders):
    reference, generated = folders
    options = ("--metrics", "l1,ssim")
    copy = shutil.copytree(reference, generated.parent / "copy")
    output = run(reference, generated, copy, *options)
    assert "  generated and copy: undecided by SSIM" in output
    assert output.endswith("fewer than 6 pairs decide nothing\n")
    for i in range(3, 9):
        for folder, noise in ((reference, i), (generated, 20 + i), (copy, i)):
            Image.fromarray(grey(noise)).save(folder / f"face{i}.png")
    output = run(reference, generated, copy, *options)
    assert "  generated is worse than copy by SSIM" in output
    assert "fewer" not in output
