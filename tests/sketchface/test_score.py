import json

import numpy as np
import pytest
import torch
import typer
from PIL import Image
from typer.testing import CliRunner

from sketchface.commands import score
from sketchface_models.errors import SketchFaceError
from sketchface_models.metrics.registry import metric_names, score_batch
from sketchface_models.metrics.simple import finite

NAMES = metric_names(channels=1)
app = typer.Typer()
app.command()(score)


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, SketchFaceError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def grey(seed, height=32, width=40):
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


@pytest.fixture(autouse=True)
def one_thread():
    """Threads that wait for each other on a busy machine cost more than they bring here."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def folders(tmp_path):
    """Three references; results of the same names, one picture identical, other endings."""
    reference, generated = tmp_path / "reference", tmp_path / "generated"
    reference.mkdir()
    generated.mkdir()
    for i in range(3):
        Image.fromarray(grey(i)).save(reference / f"face{i}.png")
    Image.fromarray(grey(0)).save(generated / "face0.bmp")
    Image.fromarray(grey(11)).save(generated / "face1.tif")
    Image.fromarray(grey(12)).save(generated / "face2.PNG")
    return reference, generated


def expected_scores(pairs):
    reference, generated = (
        torch.from_numpy(np.stack(side))[:, None] for side in zip(*pairs, strict=True)
    )
    return score_batch(reference, generated)


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


def test_table_shows_every_metric_and_the_count(folders):
    output = run(*folders)
    for label in ("L1 (0..1) ↓", "PSNR (dB) ↑", "SSIM", "SCOOT", "FSIM"):
        assert label in output
    assert "3 pairs, protocol score:" in output
    assert "face1" not in output
    lines = run(*folders, "--per-image").splitlines()
    line = next(line for line in lines if line.startswith("face0"))
    assert line.split()[1:3] == ["0.0000", "100.0000"]


def test_missing_and_extra_names_are_counted_and_named(folders):
    reference, generated = folders
    (generated / "face1.tif").unlink()
    Image.fromarray(grey(5)).save(generated / "stranger.png")
    (generated / "notes.txt").write_text("no picture")
    output = run(reference, generated)
    assert "2 pairs" in output
    assert "1 of 3 references without a result: face1" in output
    assert "1 results without a reference: stranger" in output
    result = json.loads(run(reference, generated, "--json"))
    assert (result["n"], result["missing"], result["extra"]) == (2, ["face1"], ["stranger"])


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


def test_modes_are_read_as_the_same_grey(tmp_path):
    reference, generated = tmp_path / "reference", tmp_path / "generated"
    reference.mkdir()
    generated.mkdir()
    plain = grey(1)
    for name in ("rgb", "rgba", "palette", "sixteen", "turned"):
        Image.fromarray(plain).save(reference / f"{name}.png")
    Image.fromarray(plain).convert("RGB").save(generated / "rgb.png")
    Image.fromarray(plain).convert("RGBA").save(generated / "rgba.png")
    Image.fromarray(plain).convert("P").save(generated / "palette.png")
    Image.fromarray(plain.astype(np.uint16) * 257).save(generated / "sixteen.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    Image.fromarray(np.rot90(plain)).save(generated / "turned.png", exif=exif)
    result = json.loads(run(reference, generated, "--json", "--per-image"))
    assert {name: row["l1"] for name, row in result["per_image"].items()} == dict.fromkeys(
        ("rgb", "rgba", "palette", "sixteen", "turned"), 0.0
    )


def test_unequal_sizes_need_a_size(folders):
    reference, generated = folders
    Image.fromarray(grey(1, 64, 80)).save(generated / "face1.tif")
    with pytest.raises(SketchFaceError, match=r"face1\.tif: 80 x 64 .* 40 x 32; .*--size"):
        run(reference, generated)
    square = json.loads(run(reference, generated, "--size", "24", "--json", "--per-image"))
    wide = json.loads(run(reference, generated, "--size", "40x32", "--json", "--per-image"))
    assert square["n"] == wide["n"] == 3
    assert len({square["protocol"], wide["protocol"]}) == 2
    # At their own size pictures are not touched.
    native = expected_scores([(grey(2), grey(12))])
    assert wide["per_image"]["face2"]["ssim"] == native["ssim"].item()
    assert wide["per_image"]["face1"]["ssim"] != native["ssim"].item()


@pytest.mark.parametrize("size", ["0", "-4", "axb", "1x2x3", "19", "9999", "250.0", ""])
def test_bad_sizes_are_refused(folders, size):
    with pytest.raises(SketchFaceError, match="--size"):
        run(*folders, f"--size={size}")


def test_pictures_too_small_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        Image.fromarray(grey(0, 12, 40)).save(tmp_path / folder / "tiny.png")
    with pytest.raises(SketchFaceError, match=r"tiny\.png: 40 x 12 pixels; .* 20"):
        run(tmp_path / "a", tmp_path / "b")
    assert json.loads(run(tmp_path / "a", tmp_path / "b", "--size", "32", "--json"))["n"] == 1


def test_a_damaged_file_is_named(folders):
    reference, generated = folders
    (generated / "face2.PNG").write_bytes((reference / "face2.png").read_bytes()[:200])
    with pytest.raises(SketchFaceError, match=r"face2\.PNG") as caught:
        run(reference, generated)
    assert "\n" not in str(caught.value)


def test_folders_that_cannot_be_scored_are_refused(folders, tmp_path):
    reference, generated = folders
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SketchFaceError, match="no such folder"):
        run(reference, tmp_path / "nowhere")
    with pytest.raises(SketchFaceError, match="no picture in it"):
        run(reference, empty)
    Image.fromarray(grey(0)).save(empty / "unknown.png")
    with pytest.raises(SketchFaceError, match="no picture has the name"):
        run(reference, empty)
    Image.fromarray(grey(0)).save(generated / "face0.png")
    with pytest.raises(SketchFaceError, match="same name"):
        run(reference, generated)


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


def test_prefixes_and_suffixes_of_names_are_stripped(folders):
    reference, generated = folders
    for path in list(generated.iterdir()):
        path.rename(generated / f"epoch9_{path.stem}_fake_B{path.suffix}")
    with pytest.raises(SketchFaceError, match="or give --match"):
        run(reference, generated)
    result = json.loads(run(reference, generated, "--json", "--match", "epoch9_*_fake_B"))
    assert result["n"] == 3
    with pytest.raises(SketchFaceError, match=r"--match fake: expected one \*"):
        run(reference, generated, "--match", "fake")


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
