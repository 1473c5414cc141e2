"""Names that read alike match, however their accents are written; phones' HEIC is read."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image
from skimage.data import astronaut

from pipeline.common.images import read_image
from pipeline.common.picture_files import matching_name, safe_id
from pipeline.datasets.celebamask import CelebAMask
from pipeline.datasets.folder import Folder
from pipeline.depth.files import listed, pictures_of
from sketchface.picture_pairs import files_by_name
from sketchface_models.errors import SketchFaceError

NAMES = ("José", "Björk", "Åsa", "성춘향", "Ṩ 50% [1]")


def nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def nfd(name: str) -> str:
    return unicodedata.normalize("NFD", name)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """One folder of composed names, and one of the same names decomposed."""
    for number, name in enumerate(NAMES):
        for folder, form in (("composed", nfc(name)), ("decomposed", nfd(name))):
            pixels = np.full((8, 8), number + 1, np.uint8)
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / folder / f"{form}.png")
    return tmp_path / "composed", tmp_path / "decomposed"


@pytest.mark.parametrize("name", NAMES)
def test_two_spellings_of_a_name_are_one(name: str):
    assert nfc(name) != nfd(name)
    assert matching_name(nfd(name)) == matching_name(nfc(name)) == nfc(name)
    assert safe_id(nfd(name)) == safe_id(nfc(name))


def test_pairs_of_a_folder_match(folders: tuple[Path, Path]):
    photos, sketches = (folder.name for folder in folders)
    root = folders[0].parent
    settings = Folder().minimal_settings(root, photos=photos, sketches=sketches, test_fraction=0.0)
    offer = Folder().find(settings)
    assert not offer.rejected
    for item in offer.items:
        assert nfc(item.files["photo"].name) == nfc(item.files["sketch"].name)
    assert len(offer.items) == len(NAMES)


def test_masks_match(folders: tuple[Path, Path]):
    root = folders[0].parent
    folders[0].rename(root / "images")
    folders[1].rename(root / "masks")
    offer = CelebAMask().find(CelebAMask().minimal_settings(root, test_fraction=0.0))
    assert not offer.rejected
    assert len(offer.items) == len(NAMES)


def test_score_pairs_match(folders: tuple[Path, Path]):
    references, results = (files_by_name(folder) for folder in folders)
    assert references.keys() == results.keys() == {nfc(name) for name in NAMES}
    assert files_by_name(folders[1], ["*"], references).keys() == references.keys()


def test_depth_pictures_match_names_and_the_ids_made_of_them(folders: tuple[Path, Path]):
    for name in NAMES:
        for folder in folders:
            for wanted in (nfc(name), nfd(name), safe_id(name)):
                ((path, _),) = pictures_of(listed(folder), [wanted])[wanted]
                assert nfc(Path(path).stem) == nfc(name)


@pytest.mark.parametrize("part", [1.0, 0.3, 0.0])
def test_heic_is_read_by_content_or_refused_in_one_line(tmp_path: Path, part: float) -> None:
    photo = astronaut()[:96, :128]
    path = tmp_path / "phone.jpg"  # by content, whatever the name says
    pillow_heif.from_pillow(Image.fromarray(photo)).save(path, quality=90)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    if part == 1:
        assert np.abs(read_image(path).astype(int) - photo).mean() < 4
        return
    with pytest.raises(SketchFaceError, match=r"phone\.jpg: .*; (replace|fetch) it") as refusal:
        read_image(path)
    assert "\n" not in str(refusal.value)
