"""How large pictures may be, and that the largest are read in part."""

from __future__ import annotations

from pathlib import Path

import pytest
from hostile import bare_png
from PIL import Image

from pipeline.translation import recognition
from pipeline.translation.recognition import LARGEST_PICTURE, read_picture
from sketchface_models.errors import SketchFaceError


def test_photos_of_more_than_a_hundred_megapixels_are_read_at_half_their_sides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(recognition, "MAX_PIXELS", 10_000)  # a hundred million take seconds
    photo = Image.new("L", (120, 90), 250)
    photo.paste(20, (0, 0, 60, 90))
    photo.save(tmp_path / "phone.jpg")
    picture = read_picture(tmp_path / "phone.jpg")
    assert picture.shape == (45, 60, 3)
    assert abs(int(picture[10, 10, 0]) - 20) < 3
    assert abs(int(picture[10, 50, 0]) - 250) < 3


def test_larger_ones_are_refused_before_they_are_decoded(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(bare_png(16000, 16000))
    with pytest.raises(SketchFaceError) as caught:
        read_picture(tmp_path / "a.png")
    limit = f"at most 16384 a side and {LARGEST_PICTURE} in all"
    assert str(caught.value).endswith(f"a.png: 16000 x 16000 pixels; shrink it ({limit})")
    (tmp_path / "b.png").write_bytes(bare_png(16320, 12240))  # 200 million, and no pixels inside
    with pytest.raises(SketchFaceError, match="damaged"):
        read_picture(tmp_path / "b.png")
