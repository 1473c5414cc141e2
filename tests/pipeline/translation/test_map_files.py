"""Maps as programs spoil them: smoothed, in other palettes and orders, turned, half transparent."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from made_maps import RENUMBERED, indexed, refusal, saved, write_parts
from PIL import Image
from skimage import data

from face_geometry.palette import COLOURS, INDEX, colourise
from pipeline.translation.map_parts import collapse_parts, part_files, read_files
from pipeline.translation.parsing_map import map_fault, read_map, recognised_map
from pipeline.translation.recognition import kind_of, read_picture
from sketchface_models.errors import SketchFaceError
from synthetic_faces import render

SIZE = 256
FOREIGN = "its classes look like those of face-parsing.PyTorch, whose order is another one"


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return render(5, 4, SIZE).labels


def pascal(count: int) -> np.ndarray:
    """The colours of PASCAL VOC, (count, 3): bits of the number, from the highest level down."""
    shifts = np.arange(8)
    bits = np.arange(count)[:, None, None] >> (3 * shifts[None, None] + np.arange(3)[None, :, None])
    return ((bits & 1) << (7 - shifts)).sum(axis=2).astype(np.uint8)


# Values


@pytest.mark.parametrize(
    ("side", "filter_", "wrong"),
    [
        (512, cv2.INTER_LINEAR, 0.01),
        (512, cv2.INTER_CUBIC, 0.015),
        (1024, cv2.INTER_LINEAR, 0.01),
        (300, cv2.INTER_LINEAR, 0.015),
        (200, cv2.INTER_AREA, 0.02),
    ],
)
def test_smoothed_values_get_the_nearest_class_and_no_third_one(
    tmp_path: Path, labels: np.ndarray, side: int, filter_: int, wrong: float
) -> None:
    values = cv2.resize(labels, (side, side), interpolation=filter_)
    expected = cv2.resize(labels, (side, side), interpolation=cv2.INTER_NEAREST_EXACT)
    assert np.setdiff1d(values, labels).size >= 1  # classes that were not there
    path = saved(tmp_path / "smooth.png", values)
    parsing = read_map(path)
    assert (parsing.labels != expected).mean() < wrong
    third = ~np.isin(parsing.labels, np.unique(expected))
    assert third.sum() <= 0.0002 * side**2
    assert parsing.note.startswith(f"{parsing.strays} pixels (")
    assert parsing.note.endswith(" %) lie on smoothed edges and got the nearest class")
    assert parsing.strays >= (values != expected).sum() / 2
    assert recognised_map(path) is not None


def test_sharp_maps_of_any_size_lose_no_pixel_to_smoothing(tmp_path: Path) -> None:
    for number in range(6):
        face = render(7, number, 512).labels
        for side in (64, 100, 200, 512):
            small = cv2.resize(face, (side, side), interpolation=cv2.INTER_NEAREST_EXACT)
            parsing = read_map(saved(tmp_path / "sharp.png", small))
            np.testing.assert_array_equal(parsing.labels, small)
            assert parsing.note == ""


def test_dark_photos_are_no_smoothed_maps(tmp_path: Path) -> None:
    grey = np.asarray(Image.fromarray(data.astronaut()).convert("L"))
    path = saved(tmp_path / "dark.png", grey // 14)
    assert recognised_map(path) is None
    assert refusal(path).startswith("no parsing map, 43% of its pixels lie on smoothed edges; save")


# Colours


def test_a_palette_that_is_nearly_right_is_followed(tmp_path: Path, labels: np.ndarray) -> None:
    random = np.random.default_rng(0)
    order = random.permutation(len(COLOURS))
    near = np.clip(COLOURS.astype(int) + random.integers(-3, 4, COLOURS.shape), 0, 255)
    path = tmp_path / "near.png"
    indexed(np.argsort(order)[labels].astype(np.uint8), near[order].astype(np.uint8)).save(path)
    parsing = read_map(path)
    assert parsing.source == "colours"
    np.testing.assert_array_equal(parsing.labels, labels)
    assert recognised_map(path) is not None


def test_fewer_colours_than_classes_are_never_taken_for_indices(tmp_path: Path) -> None:
    large = render(5, 4, 1024).labels
    smooth = Image.fromarray(colourise(large)).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    expected = cv2.resize(large, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST_EXACT)
    for colours, part in ((16, 16), (19, 10)):
        smooth.quantize(colours).save(tmp_path / "few.png")
        assert refusal(tmp_path / "few.png").startswith(
            f"no parsing map, {part}% of what is not black has no colour of the palette; save"
        )
    smooth.quantize(24).save(tmp_path / "more.png")
    parsing = read_map(tmp_path / "more.png")
    assert parsing.source == "colours"
    assert (parsing.labels != expected).mean() < 0.03


def test_other_palettes_do_not_hide_the_indices(tmp_path: Path, labels: np.ndarray) -> None:
    for name, palette in (("pascal", pascal(19)), ("bgr", COLOURS[:, ::-1])):
        indexed(labels, np.ascontiguousarray(palette)).save(tmp_path / f"{name}.png")
        np.testing.assert_array_equal(read_map(tmp_path / f"{name}.png").labels, labels)
    assert tuple(pascal(19)[9]) == (192, 0, 0)  # as published


def test_colours_in_the_order_bgr_are_read_so(tmp_path: Path, labels: np.ndarray) -> None:
    swapped = np.ascontiguousarray(colourise(labels)[..., ::-1])
    path = saved(tmp_path / "bgr.png", swapped)
    parsing = read_map(path)
    np.testing.assert_array_equal(parsing.labels, labels)
    assert parsing.note == "its colours are in the order BGR and were read so"
    assert recognised_map(path) is not None
    Image.fromarray(swapped).save(tmp_path / "bgr.jpg", quality=90)
    parsing = read_map(tmp_path / "bgr.jpg")
    assert (parsing.labels != labels).mean() < 0.02
    assert parsing.note.startswith("its colours are in the order BGR and were read so; ")
    assert parsing.note.endswith("have no clear colour of the palette and got the nearest class")


def test_colours_without_eyes_and_nose_are_not_recognised(
    tmp_path: Path, labels: np.ndarray
) -> None:
    blind = np.where(np.isin(labels, (2, 4, 5)), 1, labels).astype(np.uint8)
    for name, picture in (("colours.png", colourise(blind)), ("values.png", blind)):
        path = saved(tmp_path / name, picture)
        np.testing.assert_array_equal(read_map(path).labels, blind)
        assert recognised_map(path) is None


def test_flat_strays_are_another_palette(tmp_path: Path) -> None:
    """Half of what is not background may be strays at edges; areas of them are refused."""
    rows = np.zeros((SIZE, SIZE, 3), np.uint8)
    rows[:, :128] = COLOURS[INDEX["skin"]]
    rows[:, :5] = 255, 255, 85  # as face-parsing.PyTorch colours hair
    assert refusal(saved(tmp_path / "areas.png", rows)).startswith(
        "no parsing map, 4% of what is not black has no colour of the palette"
    )
    rows[:, :128] = COLOURS[INDEX["skin"]]
    rows[::16, :128] = 255, 255, 85
    assert read_map(saved(tmp_path / "lines.png", rows)).strays == 16 * 128


# Orders of classes


def test_maps_in_another_order_of_classes_are_refused(tmp_path: Path, labels: np.ndarray) -> None:
    other = RENUMBERED[labels]
    saved(tmp_path / "values.png", other)
    saved(tmp_path / "colours.png", colourise(other))
    indexed(other, pascal(19)).save(tmp_path / "indices.png")
    for name in ("values", "colours", "indices"):
        path = tmp_path / f"{name}.png"
        assert refusal(path) == f"{FOREIGN}; give them CelebAMask-HQ's numbers"
        assert recognised_map(path) is None


# Transparency and EXIF


def test_half_transparent_pixels_keep_their_class_or_are_background(
    tmp_path: Path, labels: np.ndarray
) -> None:
    for alpha, expected in ((128, labels), (127, labels * 0)):
        plane = np.full(labels.shape, alpha, np.uint8)
        grey = saved(tmp_path / "grey.png", np.dstack([labels, plane]))
        colours = saved(tmp_path / "colours.png", np.dstack([colourise(labels), plane]))
        for path in (grey, colours):
            parsing = read_map(path)
            np.testing.assert_array_equal(parsing.labels, expected)
            assert parsing.note == ""


def test_every_kind_of_map_is_turned_upright(tmp_path: Path, labels: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90 degrees, clockwise
    pictures = {
        "grey.png": Image.fromarray(labels),
        "deep.png": Image.fromarray(labels.astype(np.uint16)),
        "indexed.png": indexed(labels, COLOURS),
        "indices.png": indexed(labels, pascal(19)),
        "colours.png": Image.fromarray(colourise(labels)),
        "clear.png": Image.fromarray(np.dstack([colourise(labels), labels * 0 + 255])),
    }
    for name, picture in pictures.items():
        picture.transpose(Image.Transpose.ROTATE_90).save(tmp_path / name, exif=exif)
        np.testing.assert_array_equal(read_map(tmp_path / name).labels, labels)


# Parts


def test_parts_in_several_formats_are_one_face(tmp_path: Path, labels: np.ndarray) -> None:
    paths = write_parts(labels, tmp_path)
    hair = next(path for path in paths if path.stem == "00123_hair")
    skin = next(path for path in paths if path.stem == "00123_skin")
    Image.open(hair).save(tmp_path / "00123_hair.jpg", quality=100)
    Image.open(skin).save(tmp_path / "00123_skin.BMP")
    hair.unlink()
    skin.unlink()
    files = sorted(tmp_path.iterdir())
    for path in files:
        assert (read_map(path).labels != labels).mean() < 0.003
        assert sorted(part for _, part in part_files(path)) == files
    collapsed, names = collapse_parts(files)
    assert collapsed == files[:1]
    assert names == {files[0]: "00123"}
    assert set(read_files(files[:1])) == set(files)


def test_of_one_part_in_two_formats_the_ending_that_was_named_counts(
    tmp_path: Path, labels: np.ndarray
) -> None:
    paths = write_parts(labels, tmp_path)
    Image.new("L", labels.shape, 255).save(tmp_path / "00123_hair.bmp")
    np.testing.assert_array_equal(read_map(paths[0]).labels, labels)


def test_parts_of_zeros_and_ones_are_parts(tmp_path: Path, labels: np.ndarray) -> None:
    paths = write_parts(labels, tmp_path)
    for path in paths:
        saved(path, (np.asarray(Image.open(path).convert("L")) > 0).astype(np.uint8))
    assert collapse_parts(paths) == (paths[:1], {paths[0]: "00123"})
    np.testing.assert_array_equal(read_map(paths[3]).labels, labels)
    parsing = recognised_map(paths[0])
    assert parsing is not None
    assert parsing.source == "parts"


# What looks like a map


def test_what_looks_like_a_map_is_told_why_it_is_none(tmp_path: Path, labels: np.ndarray) -> None:
    few = labels.copy()
    few[:2] = 200
    without_skin = np.where(labels == 1, 2, labels).astype(np.uint8)
    for picture, words in (
        (np.where(labels == 0, 255, labels).astype(np.uint8), "it has the value 255 in "),
        ((labels.astype(int) * 255 // 18).astype(np.uint8), "no parsing map, it has the value "),
        ((labels / 18).astype(np.float32), "no parsing map, it has the value "),
        (few, "it has the value 200 in 512 pixels (0.78 %); "),
        (RENUMBERED[labels], FOREIGN),
        (pascal(19)[labels], "% of what is not black has no colour of the palette"),
        (without_skin, "of few colours, like a parsing map; say --from map of one, --from photo"),
    ):
        path = tmp_path / ("map.tif" if picture.dtype == np.float32 else "map.png")
        saved(path, picture)
        assert recognised_map(path) is None
        fault = map_fault(path, read_picture(path))
        assert fault is not None
        assert fault.startswith(f"{path}: ")
        assert words in fault
        assert "--from photo" in fault


def test_photos_drawings_and_plain_pages_do_not_look_like_maps(tmp_path: Path) -> None:
    page = np.full((90, 90, 3), 255, np.uint8)
    page[20:70, 40:44] = 0
    scenes = [data.astronaut(), data.camera(), data.coffee(), render(5, 1, 128).photo, page]
    for scene in [*scenes, np.zeros((64, 64), np.uint8)]:
        path = saved(tmp_path / "picture.png", scene)
        assert map_fault(path, read_picture(path)) is None


@pytest.mark.parametrize("width", [2, 8, 16])
def test_drawings_in_three_coloured_inks_do_not_look_like_maps(tmp_path: Path, width: int) -> None:
    """Their strokes have as few colours as a map, and no smoothed edges."""
    page = np.full((512, 512, 3), 255, np.uint8)
    points = render(5, 4, 512).landmarks.round().astype(np.int32)
    for ink, part in (((0, 0, 0), range(17)), ((30, 30, 200), range(17, 27)),
                      ((30, 120, 30), range(36, 48)), ((200, 30, 30), range(48, 60))):  # fmt: skip
        cv2.polylines(page, [points[list(part)]], False, ink, width)
    path = saved(tmp_path / "inks.png", page)
    assert map_fault(path, read_picture(path)) is None
    assert kind_of(path) == "contour"


def test_a_map_with_a_border_that_is_no_class_is_not_taken_for_a_drawing(
    tmp_path: Path, labels: np.ndarray
) -> None:
    bordered = np.pad(labels, 1, constant_values=255)
    with pytest.raises(SketchFaceError, match=r"it has the value 255 in 1028 pixels .*--from con"):
        kind_of(saved(tmp_path / "map.png", bordered))
