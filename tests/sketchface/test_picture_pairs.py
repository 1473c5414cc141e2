"""Which pictures are pairs, how they are read, and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image
from score_command import expected_scores, grey, run

from sketchface_models.errors import SketchFaceError


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
