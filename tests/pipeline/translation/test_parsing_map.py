"""From files of parsing maps to their classes, and what is no map."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from made_drawings import MANNERS
from made_maps import EXACT, indexed, refusal, saved, smoothed, write_parts
from PIL import Image
from skimage import data

from face_geometry.palette import COLOURS, colourise, flip_labels
from pipeline.contours.contours import draw_contour
from pipeline.translation.map_parts import collapse_parts
from pipeline.translation.parsing_map import read_map, recognised_map
from pipeline.translation.recognition import kind_of
from sketchface_models.errors import SketchFaceError
from synthetic_faces import Rendering, render

SIZE = 200


@pytest.fixture(scope="module")
def face() -> Rendering:
    return render(5, 4, SIZE)


@pytest.fixture(scope="module")
def labels(face: Rendering) -> np.ndarray:
    return face.labels


# What is read


@pytest.mark.parametrize("name", EXACT)
def test_every_class_of_a_plain_map_is_read_back(
    tmp_path: Path, labels: np.ndarray, name: str
) -> None:
    EXACT[name](labels, tmp_path / name)
    parsing = read_map(tmp_path / name)
    np.testing.assert_array_equal(parsing.labels, labels)
    assert (parsing.strays, parsing.note) == (0, "")
    assert kind_of(tmp_path / name) == "map"


def test_smoothed_edges_get_the_nearest_class_and_no_third_one(tmp_path: Path) -> None:
    large = render(5, 4, 800).labels
    path = saved(tmp_path / "smooth.png", smoothed(large, SIZE))
    expected = cv2.resize(large, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST_EXACT)
    parsing = read_map(path)
    assert set(np.unique(parsing.labels)) <= set(np.unique(expected))
    assert (parsing.labels != expected).mean() < 0.025  # half of the edge pixels
    inside = cv2.dilate(cv2.Laplacian(expected, cv2.CV_64F), np.ones((3, 3))) == 0
    inside &= cv2.erode(cv2.Laplacian(expected, cv2.CV_64F), np.ones((3, 3))) == 0
    np.testing.assert_array_equal(parsing.labels[inside], expected[inside])
    edges = round(100 * parsing.strays / SIZE**2)
    assert 1 <= edges <= 8
    assert parsing.note.startswith(f"{parsing.strays} pixels (")
    assert "have no clear colour of the palette and got the nearest class" in parsing.note
    assert kind_of(path) == "map"


@pytest.mark.parametrize("quality", [75, 95])
def test_a_jpeg_in_colours_is_read_up_to_its_edges(
    tmp_path: Path, labels: np.ndarray, quality: int
) -> None:
    Image.fromarray(colourise(labels)).save(tmp_path / "map.jpg", quality=quality)
    parsing = read_map(tmp_path / "map.jpg")
    assert (parsing.labels != labels).mean() < 0.03
    lost = np.setdiff1d(labels, parsing.labels)
    assert not np.setdiff1d(parsing.labels, labels).size
    assert np.isin(labels, lost).sum() < 20  # the edge of an ear
    assert parsing.strays > 0
    assert kind_of(tmp_path / "map.jpg") == "map"


def test_single_pixels_without_a_class_get_their_neighbours_and_are_counted(
    tmp_path: Path, labels: np.ndarray
) -> None:
    wrong = np.zeros(labels.shape, bool)
    wrong[30:180:25, 30:180:25] = True
    values = np.where(wrong, 200, labels).astype(np.uint8)
    colours = colourise(labels)
    colours[wrong] = 255, 255, 255
    far = cv2.erode(labels, np.ones((5, 5))) == cv2.dilate(labels, np.ones((5, 5)))
    for path in (
        saved(tmp_path / "grey.png", values),
        saved(tmp_path / "colours.png", colours),
    ):
        parsing = read_map(path)
        assert wrong.sum() == 36 <= parsing.strays <= 38  # thin lines about them are mixed colours
        assert parsing.note.startswith(f"{parsing.strays} pixels (0.09")
        np.testing.assert_array_equal(parsing.labels[~wrong], labels[~wrong])
        np.testing.assert_array_equal(parsing.labels[wrong & far], labels[wrong & far])
        assert parsing.labels.max() <= 18


def test_indices_count_where_a_palette_says_nothing(tmp_path: Path, labels: np.ndarray) -> None:
    indexed(labels, np.zeros((19, 3), np.uint8)).save(tmp_path / "black.png")
    np.testing.assert_array_equal(read_map(tmp_path / "black.png").labels, labels)
    void = labels.copy()
    void[:1, :20] = 255  # as other sets mark what nobody labelled
    indexed(void, np.random.default_rng(0).integers(0, 256, (256, 3), np.uint8)).save(
        tmp_path / "void.png"
    )
    parsing = read_map(tmp_path / "void.png")
    np.testing.assert_array_equal(parsing.labels, labels)
    assert parsing.note == "20 pixels (0.05 %) have a value above 18 and got the nearest class"


def test_a_smoothed_map_with_a_palette_is_read_by_its_colours(tmp_path: Path) -> None:
    large = render(5, 4, 800).labels
    picture = Image.fromarray(smoothed(large, SIZE)).quantize(256, dither=Image.Dither.NONE)
    picture.save(tmp_path / "smooth.gif")
    expected = cv2.resize(large, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST_EXACT)
    assert (read_map(tmp_path / "smooth.gif").labels != expected).mean() < 0.03


def test_a_map_of_one_class_is_a_map_if_somebody_says_so(tmp_path: Path) -> None:
    for level in (0, 13):
        path = saved(tmp_path / "one.png", np.full((64, 64), level, np.uint8))
        assert (read_map(path).labels == level).all()
        assert recognised_map(path) is None


# Parts


def test_parts_are_painted_in_the_order_of_their_classes(
    tmp_path: Path, labels: np.ndarray
) -> None:
    paths = write_parts(labels, tmp_path)
    write_parts(flip_labels(labels), tmp_path, "00124")
    for path in (paths[0], paths[-1]):
        np.testing.assert_array_equal(read_map(path).labels, labels)
        assert kind_of(path) == "map"
    collapsed, names = collapse_parts([*paths, tmp_path / "00124_skin.png", tmp_path / "me.jpg"])
    assert collapsed == [paths[0], tmp_path / "00124_skin.png", tmp_path / "me.jpg"]
    assert names == {paths[0]: "00123", tmp_path / "00124_skin.png": "00124"}


def test_a_lone_part_is_a_map_if_somebody_says_so(tmp_path: Path, labels: np.ndarray) -> None:
    path = write_parts(np.where(labels == 13, labels, 0), tmp_path)[0]
    np.testing.assert_array_equal(read_map(path).labels, np.where(labels == 13, 13, 0))
    assert recognised_map(path) is None
    assert collapse_parts([path]) == ([path], {})


def test_parts_that_do_not_go_together_are_named(tmp_path: Path, labels: np.ndarray) -> None:
    paths = write_parts(labels, tmp_path)
    saved(tmp_path / "00123_hair.png", np.zeros((20, 20), np.uint8))
    with pytest.raises(SketchFaceError, match=r"00123_hair\.png: of another size than its face"):
        recognised_map(paths[0])
    saved(tmp_path / "00123_hair.png", np.full(labels.shape, 90, np.uint8))
    with pytest.raises(SketchFaceError, match=r"00123_hair\.png: no part of a parsing map; it is"):
        read_map(paths[0])


def test_photos_that_are_called_like_parts_stay_photos(tmp_path: Path) -> None:
    for name in ("1_hair.jpg", "1_nose.jpg"):
        saved(tmp_path / name, data.astronaut())
    paths = sorted(tmp_path.iterdir())
    assert collapse_parts(paths) == (paths, {})
    assert [kind_of(path) for path in paths] == ["photo", "photo"]


def test_a_whole_map_that_is_called_like_a_part_stays_whole(
    tmp_path: Path, labels: np.ndarray
) -> None:
    path = saved(tmp_path / "00123_skin.png", labels)
    saved(tmp_path / "00123_hair.png", labels)
    np.testing.assert_array_equal(read_map(path).labels, labels)
    assert recognised_map(path) is not None
    assert collapse_parts([path]) == ([path], {})


# What is no map


def test_what_is_no_map_is_refused_in_one_line(tmp_path: Path, labels: np.ndarray) -> None:
    def line(name: str, picture: np.ndarray) -> str:
        return refusal(saved(tmp_path / name, picture))

    other = np.random.default_rng(3).integers(60, 256, (19, 3), np.uint8) // 52 * 52 + 24
    photo = line("photo.png", data.astronaut())
    assert photo.startswith("no parsing map, 9")
    assert "% of what is not black has no colour of the palette; save classes, 0 to 18" in photo
    assert line("palette.png", other.astype(np.uint8)[labels]).startswith("no parsing map, ")
    dark = line("dark.png", data.astronaut() // 6)
    assert "has no colour of the palette" in dark
    wrong = labels.copy()
    wrong[40:60, 40:60] = 200
    assert line("class.png", wrong).startswith(
        "no parsing map, it has the value 200 in 400 pixels (1 %); save classes"
    )
    wrong[0, :3] = 77
    assert "the value 200 in 400 pixels (1 %) and others in 3; " in line("classes.png", wrong)
    assert line("drawing.png", draw_contour(render(5, 4, SIZE).landmarks, SIZE)).startswith(
        "no parsing map, it has the value 255 in "
    )
    assert line("deep.png", labels.astype(np.uint16) * 257).startswith("no parsing map, it has the")
    assert line("blurred.jpg", labels).startswith("a grey JPEG, which blurs classes; save")
    assert line("bits.png", labels > 0).startswith("no parsing map, it has the value 255")
    assert line("dot.png", labels[:1, :1]) == ("1 x 1 pixels; a parsing map has at least 16 a side")
    assert line("wide.png", np.zeros((20, 20000), np.uint8)).startswith("20000 x 20 pixels; shrink")
    (tmp_path / "paper.png").write_bytes(b"%PDF-1.7\n1 0 obj")
    assert refusal(tmp_path / "paper.png").startswith("no readable picture")
    whole = saved(tmp_path / "whole.png", labels).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    assert refusal(tmp_path / "cut.png").startswith("truncated or damaged")
    (tmp_path / "empty.png").write_bytes(b"")
    assert refusal(tmp_path / "empty.png").startswith("empty file")


def test_drawings_and_photos_are_never_taken_for_maps(tmp_path: Path) -> None:
    contour = draw_contour(render(5, 4, 512).landmarks, 512)
    pictures = {name: write(contour) for name, write in MANNERS.items() if "3000" not in name}
    scenes = {name: getattr(data, name)() for name in ("astronaut", "coffee", "cat", "camera")}
    grey = np.asarray(Image.fromarray(scenes["astronaut"]).convert("L"))
    pictures |= scenes | {"moon": data.moon(), "bits": contour > 127, "contour": contour}
    pictures |= {f"grey / {n}": grey // n for n in (14, 20, 40, 60, 100)}
    pictures |= {f"dark / {n}": scenes["astronaut"] // n for n in (3, 8, 14)}
    pictures |= {"red": np.dstack([contour // 255 * 51 + 204, contour, contour])}
    pictures |= {"red on black": np.dstack([204 - contour // 255 * 204, *[contour * 0] * 2])}
    pictures |= {"black": np.zeros((90, 90), np.uint8), "photo": render(5, 1, 128).photo}
    for name, picture in pictures.items():
        path = saved(tmp_path / "picture.png", picture)
        assert recognised_map(path) is None, name
    for count in (4, 8, 16):
        for name, picture in (("contour", contour), ("astronaut", scenes["astronaut"])):
            Image.fromarray(picture).quantize(count).save(tmp_path / "picture.gif")
            assert recognised_map(tmp_path / "picture.gif") is None, (name, count)


def test_maps_of_many_faces_and_sizes_are_recognised(tmp_path: Path) -> None:
    for number in range(6):
        face = render(7, number, 256).labels
        for side in (64, 128, 256):
            small = cv2.resize(face, (side, side), interpolation=cv2.INTER_NEAREST_EXACT)
            assert recognised_map(saved(tmp_path / "grey.png", small)) is not None
            colours = saved(tmp_path / "colours.png", colourise(small))
            assert recognised_map(colours) is not None


def test_colours_of_the_palette_stay_apart_within_the_tolerance() -> None:
    colours = np.vstack([COLOURS, [[255, 204, 204]]]).astype(int)
    distance = np.abs(colours[:, None] - colours[None]).max(axis=2)
    assert distance[~np.eye(len(colours), dtype=bool)].min() == 51
