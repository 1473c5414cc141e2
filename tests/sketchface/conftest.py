"""Folders of pictures that several tests score."""

import pytest
from PIL import Image
from score_command import grey


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
