"""Depth of the mesh with its surroundings, and depth pictures made elsewhere."""

from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pytest
from made_faces import FACES, crop, face, write_faces

from face_geometry.align import warp_depth
from pipeline.common.images import decode_depth
from pipeline.common.shards import iter_rows, read_quarantine, write_rows
from pipeline.depth.depth import DepthSettings, make_depth
from pipeline.depth.mesh import mesh_depth, to_depth
from pipeline.depth.surround import BODY, LEFT_EAR, RIGHT_EAR, add_surroundings
from pipeline.landmarks.detector import Detection
from pipeline.landmarks.landmarks import SCHEMA as LANDMARKS
from sketchface_models.config import load
from sketchface_models.errors import SketchFaceError


def test_a_face_alone_is_min_max_normalised():
    z = np.array([[3.0, 5, 7], [np.inf, 7.5, 9]])
    np.testing.assert_allclose(to_depth(z, 3, 7, 0.0), [[1, 0.5, 0], [0, 0, 0]])


def test_what_lies_behind_goes_on_with_the_same_slope_and_never_ends():
    z = np.linspace(0, 5, 2001)[None]
    depth = to_depth(z, 0, 1, 0.25)[0].astype(float)
    assert depth[0] == 1
    assert depth[400] == pytest.approx(0.25)
    slope = np.diff(depth) * 400
    np.testing.assert_allclose(slope[:400], -0.75, atol=1e-3)
    assert slope[401] == pytest.approx(-0.75, abs=0.02)
    assert (slope < 0).all()
    assert depth[-1] > 0.01
    assert to_depth(np.array([[np.inf]]), 0, 1, 0.25)[0, 0] == 0


def test_the_face_itself_is_the_same_with_its_surroundings(astronaut: Detection):
    alone, whole = mesh_depth(astronaut.mesh, 256), mesh_depth(astronaut.mesh, 256, 0.3)
    inside = alone > 0.01
    np.testing.assert_allclose(whole[inside], 0.3 + 0.7 * alone[inside], atol=1e-4)
    assert whole.dtype == np.float32
    assert 0 <= whole.min() < whole.max() <= 1


def test_around_the_face_there_is_no_hole(astronaut: Detection):
    alone, whole = mesh_depth(astronaut.mesh, 256), mesh_depth(astronaut.mesh, 256, 0.3)
    face = alone > 0
    ring = cv2.dilate(face.astype(np.uint8), np.ones((3, 3))).astype(bool) & ~face
    assert (whole[ring] > 0.2).all()  # where the face alone falls to 0
    # Stepping out over the face's edge is no larger a step than the face has in itself.
    step = np.abs(np.diff(whole, axis=1))
    crossing = face[:, 1:] != face[:, :-1]
    within = face[:, 1:] & face[:, :-1]
    assert step[crossing].max() < step[within].max()
    assert whole[~face].mean() < whole[face].mean()
    assert whole[:, :3].min() == 0
    shoulders = whole[-1, 60:200]
    assert (shoulders > 0).all()
    assert shoulders.max() < whole[face].min() + 0.1


def test_surroundings_are_nowhere_nearer_than_the_face_beside_them(astronaut: Detection):
    mesh = astronaut.mesh
    face = np.full((256, 256), np.inf)
    face[100:140, 110:150] = -20.0
    z = add_surroundings(mesh, face)
    np.testing.assert_array_equal(z[100:140, 110:150], -20)
    assert np.isfinite(z).sum() > 10 * 1600
    assert z.min() >= -20 - 1e-3
    nothing = add_surroundings(mesh, np.full((256, 256), np.inf))
    assert np.isfinite(nothing).any()


def test_an_ellipsoid_stands_where_it_should(monkeypatch: pytest.MonkeyPatch):
    """A sphere of radius 0.5 face widths, straight behind a frontal face of 100 pixels."""
    from pipeline.depth import surround

    ball = surround.Ellipsoid(True, (0.0, 0.0, 0.2), (0.5, 0.5, 0.5))
    monkeypatch.setattr(surround, "BODY", (ball,))
    mesh = np.zeros((468, 3))
    mesh[surround.RIGHT_EAR], mesh[surround.LEFT_EAR] = (50, 100, 0), (150, 100, 0)
    mesh[surround.HAIRLINE], mesh[surround.CHIN] = (100, 50, 0), (100, 160, 0)
    z = add_surroundings(mesh, np.full((200, 200), np.inf))
    x, y = np.meshgrid(np.arange(200) + 0.5, np.arange(200) + 0.5)
    inside = np.hypot(x - 100, y - 100) < 50
    np.testing.assert_array_equal(np.isfinite(z), inside)
    expected = 20 - np.sqrt(2500 - (x - 100) ** 2 - (y - 100) ** 2, where=inside, out=0 * x)
    np.testing.assert_allclose(z[inside], expected[inside], atol=0.02)
    assert len(BODY) == 3


def test_a_picture_can_be_normalised_over_all_that_is_in_it(astronaut: Detection):
    depth = mesh_depth(astronaut.mesh, 256, 0.3, "picture")
    assert depth.max() > 0.98
    drawn = depth[depth > 0]
    assert drawn.min() < 0.02
    assert (depth[:, :3] == 0).any()


def settings(**more: object) -> DepthSettings:
    return load(DepthSettings, {"backend": "files", **more}, "depth")


def write_picture(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), values)


SIZE = 32
RAMP = np.tile(np.linspace(0, 255, SIZE).astype(np.uint8), (SIZE, 1))


@pytest.fixture
def folders(project: Path) -> tuple[Path, Path]:
    ids = ["a", "b", "colour", "flat", "grey3", "missing", "photo1-image7", "tall", "torn", "twice"]
    shards = [[face(id, photo=crop(SIZE)) for id in ids[i::2]] for i in range(2)]
    write_faces(project / "faces", shards, SIZE)
    for i in range(2):
        write_rows(project / "landmarks" / "shards" / f"{i:04d}.parquet", [], LANDMARKS)
    return project / "faces", project / "landmarks"


def test_pictures_made_elsewhere_are_matched_by_name(folders: tuple[Path, Path], project: Path):
    pictures = project / "pictures"
    write_picture(pictures / "a.png", RAMP)
    write_picture(pictures / "b.png", (RAMP.astype(np.uint16) * 257)[:, ::-1])
    write_picture(pictures / "photo1" / "image7.png", RAMP.T.copy())
    write_picture(pictures / "grey3.png", np.repeat(RAMP[..., None], 3, axis=2))
    write_picture(pictures / "colour.png", np.stack([RAMP, RAMP.T, RAMP], axis=2))
    write_picture(pictures / "flat.png", np.full((SIZE, SIZE), 7, np.uint8))
    write_picture(pictures / "tall.png", np.tile(RAMP, (2, 1)))
    write_picture(pictures / "one" / "twice.png", RAMP)
    write_picture(pictures / "two" / "twice.jpg", RAMP)
    (pictures / "torn.png").write_bytes((pictures / "a.png").read_bytes()[:60])
    (pictures / "missing.txt").write_text("no picture")
    make_depth(*folders, project / "depth", settings(path=str(pictures)))
    rows = {row["id"]: decode_depth(row["depth"]["bytes"]) for row in iter_rows(project / "depth")}
    assert set(rows) == {"a", "b", "grey3", "photo1-image7"}
    for id, values in (
        ("a", RAMP),
        ("b", RAMP[:, ::-1]),
        ("grey3", RAMP),
        ("photo1-image7", RAMP.T),
    ):
        np.testing.assert_allclose(rows[id], values / 255, atol=1e-5)
    reasons = {row["id"]: row["reason"] for row in read_quarantine(project / "depth")}
    assert reasons["missing"] == (
        "no depth picture missing.png, or with another picture's ending; add it"
    )
    assert reasons["colour"] == "colour.png: a colour picture; wanted grey"
    assert reasons["flat"] == "flat.png: the same value everywhere"
    assert reasons["tall"] == "tall.png: 32 x 64 pixels; wanted 32 x 32"
    assert reasons["torn"].startswith("torn.png: truncated or damaged (")
    assert reasons["twice"].startswith("2 depth pictures of this name, ")
    assert len(rows) + len(reasons) == 10


def test_low_values_can_be_the_near_ones(folders: tuple[Path, Path], project: Path):
    write_picture(project / "pictures" / "a.png", RAMP)
    make_depth(*folders, project / "depth", settings(path=str(project / "pictures"), nearer="low"))
    (row,) = iter_rows(project / "depth")
    np.testing.assert_allclose(decode_depth(row["depth"]["bytes"]), 1 - RAMP / 255, atol=1e-5)


def test_pictures_of_source_photos_are_aligned_like_them(project: Path):
    schema = pa.schema([*FACES, ("transform", pa.list_(pa.float32()))])
    transform = np.array([[0.5, 0.1, 3], [-0.1, 0.5, 2]], np.float32)
    row = face("a", photo=crop(SIZE)) | {"transform": transform.ravel()}
    write_faces(project / "faces", [[]], SIZE)
    write_rows(project / "faces/shards/0000.parquet", [row], schema)
    write_rows(project / "landmarks/shards/0000.parquet", [], LANDMARKS)
    source = np.tile(np.linspace(0, 255, 80).astype(np.uint8), (50, 1))
    write_picture(project / "pictures" / "a.png", source)
    chosen = settings(path=str(project / "pictures"), framing="source")
    make_depth(project / "faces", project / "landmarks", project / "depth", chosen)
    (made,) = iter_rows(project / "depth")
    expected = warp_depth((source / 255).astype(np.float32), transform.astype(float), SIZE)
    np.testing.assert_allclose(decode_depth(made["depth"]["bytes"]), expected, atol=1e-4)


def test_only_shards_whose_pictures_changed_are_done_again(
    folders: tuple[Path, Path], project: Path
):
    pictures, chosen = project / "pictures", settings(path=str(project / "pictures"))
    for id in ("a", "b"):
        write_picture(pictures / f"{id}.png", RAMP)
    make_depth(*folders, project / "depth", chosen)
    store = project / ".cache/shards/depth"
    before = {path.name: path.stat().st_mtime_ns for path in store.glob("*.done")}
    write_picture(pictures / "b.png", RAMP[:, ::-1])
    write_picture(pictures / "unknown.png", RAMP)
    make_depth(*folders, project / "depth", chosen)
    after = {path.name: path.stat().st_mtime_ns for path in store.glob("*.done")}
    assert len(before.items() & after.items()) == 1
    rows = {row["id"]: decode_depth(row["depth"]["bytes"]) for row in iter_rows(project / "depth")}
    np.testing.assert_allclose(rows["b"], RAMP[:, ::-1] / 255, atol=1e-5)


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"path": "nowhere"}, r"depth\.path: 'nowhere' holds no depth pictures; put them there"),
        ({"surround": 1.0}, r"depth\.surround: 1\.0; allowed: a number in \[0, 0\.9\]"),
        ({"mean": [0.5]}, r"depth\.mean: \[0\.5\]; allowed: three numbers"),
        (
            {"backend": "onnx", "path": "nowhere"},
            r"depth\.path: 'nowhere': no such file; wanted an",
        ),
        ({"backend": "onnx", "path": "faces"}, r"depth\.path: 'faces': 0 models in it; wanted an"),
    ],
)
def test_wrong_settings_are_one_line(
    more: dict[str, object], line: str, folders: tuple[Path, Path], project: Path
):
    with pytest.raises(SketchFaceError, match=f"^{line}") as error:
        make_depth(*folders, project / "depth", settings(**more))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("size", [64, 250, 1024])
def test_surroundings_begin_with_the_depth_of_the_face_at_its_edge(astronaut: Detection, size: int):
    """At every size alike, although the join is computed on a coarser grid at the larger ones."""
    mesh = astronaut.mesh[:468] * (size / 256)
    middle, width = mesh.mean(axis=0), np.linalg.norm(mesh[RIGHT_EAR] - mesh[LEFT_EAR])
    middle[2] -= 0.5 * width  # well before the body
    x, y = np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5)
    face = np.full((size, size), np.inf)
    disc = np.hypot(x - middle[0], y - middle[1]) < 0.4 * width
    face[disc] = middle[2]
    z = add_surroundings(mesh, face)
    np.testing.assert_array_equal(z[disc], np.float32(middle[2]))
    distance = np.hypot(x - middle[0], y - middle[1]) - 0.4 * width
    beside = (distance > 0) & (distance < 1.5) & np.isfinite(z)
    body = add_surroundings(mesh, np.full((size, size), np.inf))
    jump = np.maximum(body - middle[2], 0)[beside].max()
    assert jump > 0.1 * width
    # So far the exponential has left the edge after 1.5 pixels and a cell of the grid.
    most = 1 - np.exp(-(1.5 + min(max(1, width / 48), 4)) / (0.12 * width))
    assert (z[beside] - middle[2]).max() <= most * jump + 1e-3 * width
    assert (z[beside] - middle[2]).min() >= -1e-3 * width
    far = np.isfinite(body) & (distance > 0.8 * width)
    np.testing.assert_allclose(z[far], np.maximum(body, middle[2])[far], atol=0.01 * width)


def test_a_face_that_sticks_out_of_its_surroundings_has_nothing_beside_it(astronaut: Detection):
    mesh = astronaut.mesh.astype(float)
    face = np.full((256, 256), np.inf)
    face[3:21, 3:21] = 5.0  # in a corner, where no part of the body is
    z = add_surroundings(mesh, face)
    assert not np.isnan(z).any()
    np.testing.assert_array_equal(z[3:21, 3:21], 5)
    np.testing.assert_array_equal(z[:3, :24], np.inf)
    body = add_surroundings(mesh, np.full((256, 256), np.inf))
    np.testing.assert_array_equal(np.isfinite(z), np.isfinite(body) | np.isfinite(face))
