"""Hostile and unusual names, in every place where files are matched by name.

Pictures of one folder bear each name composed (NFC), their partners the same name decomposed (NFD),
as another system writes it; endings differ in case.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import sketchface
from pipeline.common.picture_files import matching_name, safe_id
from pipeline.datasets import adapter
from pipeline.datasets.base import Offer
from pipeline.depth.files import listed, pictures_of
from sketchface.picture_pairs import files_by_name

NAMES = {
    "case": "Anna",
    "other case": "anna",
    "accents": "Zoë Åström",
    "hangul": "성춘향",
    "spaces": "  two  spaces ",
    "brackets": "face [1] (2) {3}",
    "percent": "100% %20 %s",
    "newline": "line\nbreak",
    "tab and return": "a\tb\rc",
    "glob": "a*b?c",
    "quotes": 'it\'s "quoted" $HOME `x`',
    "backslash": "a\\b",
    "dots": "a.b..c.png",
    "dash first": "-rf",
    "hash and plus": "#1 + 1 = 2; a,b",
    "tilde": "~anna",
    "emoji": "👩🏽\u200d🎨",
    "longest": "x" * 251,
    "longest accents": "é" * 80 + "y" * 10,  # 170 bytes composed, 250 decomposed
}
"""What the name shows -> the name without ending; with `.png` at most 255 bytes in both forms."""


def composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def decomposed(name: str) -> str:
    return unicodedata.normalize("NFD", name)


def fill(folder: Path, names: Sequence[str], ending: str, first: int = 0) -> None:
    """Write a picture of each name; the grey says which."""
    folder.mkdir(parents=True)
    for number, name in enumerate(names, start=first):
        pixels = np.full((24, 24), 9 * number, np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}{ending}", format="PNG")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    fill(tmp_path / "one", list(map(composed, NAMES.values())), ".png")
    fill(tmp_path / "other", list(map(decomposed, NAMES.values())), ".PNG")
    return tmp_path / "one", tmp_path / "other"


def matched(offer: Offer, fields: tuple[str, str]) -> set[str]:
    """The names whose two files stand in one item; the items' ids are plain and different."""
    assert offer.rejected == []
    ids = [item.id for item in offer.items]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]{1,89}", id) for id in ids)
    pairs = [
        tuple(matching_name(item.files[field].stem) for field in fields) for item in offer.items
    ]
    assert all(one == other for one, other in pairs)
    return {one for one, _ in pairs}


EXPECTED = set(map(composed, NAMES.values()))


def test_names_are_as_long_as_a_file_system_allows() -> None:
    assert max(len(f"{decomposed(name)}.png".encode()) for name in NAMES.values()) == 255


def test_pairs_of_a_folder(folders: tuple[Path, Path], tmp_path: Path) -> None:
    own: dict[str, Any] = {"photos": "one", "sketches": "other", "test_fraction": 0.2}
    folder = adapter("folder")
    settings = folder.minimal_settings(tmp_path, **own)
    assert matched(folder.find(settings), ("photo", "sketch")) == EXPECTED


def test_photos_alone_and_drawings_alone(folders: tuple[Path, Path]) -> None:
    for name, own, field in (
        ("folder", {"photos": "", "sketches": ""}, "photo"),
        ("drawings", {"folder": ""}, "sketch"),
    ):
        known = adapter(name)
        ids = []
        for folder in folders:
            offer = known.find(known.minimal_settings(folder, test_fraction=0.1, **own))
            assert {composed(item.files[field].stem) for item in offer.items} == EXPECTED
            ids.append([item.id for item in sorted(offer.items, key=lambda item: item.id)])
        assert ids[0] == ids[1]  # the same on every system


def test_masks(folders: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "one").rename(tmp_path / "images")
    (tmp_path / "other").rename(tmp_path / "masks")
    masks = adapter("celebamask")
    offer = masks.find(masks.minimal_settings(tmp_path, test_fraction=0.1))
    assert matched(offer, ("photo", "labels")) == EXPECTED


def test_scores(folders: tuple[Path, Path]) -> None:
    references = files_by_name(folders[0])
    results = files_by_name(folders[1], [], references)
    assert references.keys() == results.keys() == EXPECTED
    scores = sketchface.score(*folders)
    assert (scores.missing, scores.extra) == ([], [])
    assert set(scores.values["l1"]) == {0.0}


def test_scores_of_names_with_a_pattern(folders: tuple[Path, Path], tmp_path: Path) -> None:
    short = [name for name in NAMES.values() if len(name) < 80]
    fill(tmp_path / "fake", [f"{decomposed(name)}_fake" for name in short], ".png")
    results = files_by_name(tmp_path / "fake", ["*_fake"], files_by_name(folders[0]))
    assert results.keys() == set(map(composed, short))


def test_depth_pictures(folders: tuple[Path, Path]) -> None:
    for folder in folders:
        files = listed(folder)
        for name in NAMES.values():
            for wanted in (composed(name), decomposed(name), safe_id(name)):
                paths = [Path(path) for path, _ in pictures_of(files, [wanted]).get(wanted, [])]
                assert [composed(path.stem) for path in paths] == [composed(name)]


@pytest.mark.parametrize("lost", ["newline", "longest", "brackets", "accents"])
def test_a_missing_partner_is_named_in_one_line(
    folders: tuple[Path, Path], tmp_path: Path, lost: str
) -> None:
    (tmp_path / "one").rename(tmp_path / "photos")
    (tmp_path / "other").rename(tmp_path / "sketches")
    (tmp_path / f"sketches/{decomposed(NAMES[lost])}.PNG").unlink()
    faults = sketchface.validate("folder", tmp_path).faults
    shown = composed(NAMES[lost]).replace("\n", "\\n")
    wanted = f"fault: {shown}.png: no sketch of this name; add sketches/{shown}.png, or with"
    assert any(line.startswith(wanted) for line in faults)
    assert all("\n" not in line for line in faults)
