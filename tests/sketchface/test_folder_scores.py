"""Scores of every pair under its name, and verdicts between folders."""

import json

import numpy as np
from PIL import Image
from score_command import NAMES, expected_scores, grey, run


def test_pairs_of_several_sizes_stay_with_their_names(tmp_path):
    sides = [32, 48, 32, 48, 48]
    for folder in ("reference", "generated"):
        (tmp_path / folder).mkdir()
        for i, side in enumerate(sides):
            shown = grey(i + 100 * (folder == "generated"), side, side)
            Image.fromarray(shown).save(tmp_path / folder / f"{i}.png")
    result = json.loads(
        run(tmp_path / "reference", tmp_path / "generated", "--json", "--per-image")
    )
    for i, side in enumerate(sides):
        expected = expected_scores([(grey(i, side, side), grey(i + 100, side, side))])
        for name in NAMES:
            assert result["per_image"][str(i)][name] == expected[name].item()


def test_folders_are_set_beside_each_other_on_the_names_they_share(tmp_path):
    reference, near, far = (tmp_path / name for name in ("real", "near", "far"))
    rng = np.random.default_rng(0)
    for folder in (reference, near, far):
        folder.mkdir()
    for i in range(12):
        picture = np.kron(rng.integers(0, 256, (8, 8)), np.ones((4, 4))).astype(np.uint8)
        Image.fromarray(picture).save(reference / f"{i}.png")
        for folder, noise in ((near, 5), (far, 60)):
            noisy = (picture + rng.normal(0, noise, picture.shape)).clip(0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / f"{i}.png")
    (far / "11.png").unlink()
    result = json.loads(run(reference, near, far, "--json", "--metrics", "ssim,l1,rank_1"))
    assert {name: part["n"] for name, part in result["folders"].items()} == {"near": 11, "far": 11}
    assert result["folders"]["far"]["missing"] == ["11"]
    words = {word["metric"]: word["verdict"] for word in result["verdicts"]}
    assert words["l1"] == words["ssim"] == "better"
    assert words["rank_1"] == "undecided"  # both point to every reference
    table = run(reference, near, far, "--metrics", "l1")
    assert "near is better than far by L1" in table
