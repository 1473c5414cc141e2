"""`sketchface weights`, and the cards of what ships."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sketchface.shipped_weights import PRETRAINED, shipped_weights
from sketchface_models.errors import SketchFaceError
from sketchface_models.parser_cards import parser_markdown


def test_every_file_of_weights_that_ships_is_listed_with_its_hash() -> None:
    root = PRETRAINED.parents[1]
    files = {
        path.stem: path
        for package in ("sketchface_models", "pipeline", "sketchface")
        for path in (root / package).rglob("*.safetensors")
    }
    shipped = shipped_weights()
    assert [each.name for each in shipped][:4] == ["hida", "pix2pixhd", "sketch2face", "spade"]
    assert {each.name for each in shipped} == files.keys()
    for each in shipped:
        data = files[each.name].read_bytes()
        assert (each.fault, each.size) == ("", len(data))
        assert each.sha256 == hashlib.sha256(data).hexdigest()
        assert {line.split()[0] for line in each.lines} >= {"learned", "scores", "terms:"}


def test_the_command_prints_them_without_torch() -> None:
    code = """
import sys
sys.argv = ["sketchface", "weights"]
from sketchface.cli import main
try:
    main()
finally:
    print("torch" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "parser judge: 3.9 MB, sha256 9012c0e1" in ran.stdout
    assert "terms: CelebAMask-HQ is available for non-commercial research" in ran.stdout
    assert ran.stdout.endswith("False\n")


def test_damaged_and_missing_files_are_named(tmp_path: Path) -> None:
    shutil.copytree(PRETRAINED / "parsers", tmp_path / "parsers")
    weights = tmp_path / "parsers/small.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    faults = {each.name: each.fault for each in shipped_weights(tmp_path)}
    assert faults["judge"] == ""
    assert faults["small"].startswith(f"{weights}: not the file that its card describes; install")
    (tmp_path / "parsers/judge.json").write_text("{")
    with pytest.raises(SketchFaceError, match=r"judge\.json: no card"):
        shipped_weights(tmp_path)
    with pytest.raises(SketchFaceError, match="no weights; install the package again"):
        shipped_weights(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["small", "judge"])
def test_the_parsers_cards_for_people_say_what_their_files_say(name: str) -> None:
    card = json.loads((PRETRAINED / f"parsers/{name}.json").read_text(encoding="utf-8"))
    text = (PRETRAINED / f"parsers/{name}.md").read_text(encoding="utf-8")
    assert text == parser_markdown(card)
    assert f"**Terms.** {card['terms']}." in text
    assert card["sha256"] in text
