import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_faces import crop, face, pencil, write_faces
from PIL import Image

from face_geometry import ibug
from pipeline.augment import __main__ as augment
from pipeline.common.images import decode, decode_depth
from pipeline.common.parameters import Parameters
from pipeline.common.shards import image_cell, iter_rows, read_quarantine
from pipeline.contours import __main__ as contours
from pipeline.contours.contours import ContourSettings, draw_contour, draw_contours
from pipeline.contours.rough_lines import rough_lines
from pipeline.depth import __main__ as depth
from pipeline.depth.depth import BACKENDS, mesh_depth
from pipeline.landmarks import __main__ as landmarks
from pipeline.landmarks.face_mesh import FaceMesh
from pipeline.landmarks.landmarks import DETECTORS, LandmarkSettings, find_landmarks
from pipeline.segment import __main__ as segment_stage
from pipeline.segment.segment import SegmentSettings, mesh_labels, segment
from sketchface_models.augmentation.moved_contours import move_contours
from sketchface_models.errors import SketchFaceError

SIZE = 128
PARAMETERS = {
    "landmarks": {
        "detector": "mediapipe",
        "min_confidence": 0.5,
        "choose": "largest",
        "weights": "models/landmarks",
    },
    "contours": {"width": 2.0, "roughness": 1.0, "seed": 0},
    "augment": {"shift": 25.0, "rotation": 7.0, "seed": 0},
    "segment": {"source": "dataset"},
    "depth": {
        "backend": "facemesh",
        "surround": 0.25,
        "normalise": "face",
        "path": "models/depth",
        "nearer": "high",
        "framing": "aligned",
        "size": 64,
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
    },
}
SETTINGS = LandmarkSettings(detector="mediapipe", min_confidence=0.5)
NOT_FOUND = "no face found with a confidence of 0.5 or more"
BLANK = np.full((SIZE, SIZE, 3), 250, np.uint8)
ROUGH = np.full((SIZE, SIZE), 255, np.uint8)
ROUGH[60:62, 30:90] = 0
LABELS = np.tile(np.arange(19, dtype=np.uint8).repeat(7)[:SIZE], (SIZE, 1))


def table(folder: str | Path) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in iter_rows(folder)}


def picture(cell: dict[str, Any]) -> np.ndarray:
    return decode(cell["bytes"])


@pytest.fixture
def faces(project: Path) -> Path:
    shards = [
        [
            face("both", photo=crop(SIZE), sketch=pencil(SIZE), rough=ROUGH),
            face("drawing", sketch=pencil(SIZE)),
            face("blank", "test", photo=BLANK),
        ],
        [
            face("wide", photo=crop(SIZE, left=100, side=220)),
            face("held-out", "test", photo=crop(SIZE, left=110, side=210), labels=LABELS),
            face("labelled", "test", photo=BLANK, labels=LABELS),
        ],
    ]
    return write_faces(project / "data" / "faces", shards, SIZE)


def test_stages_from_photos_to_depth(faces: Path):
    params = Parameters(PARAMETERS)
    for stage in (landmarks, contours, augment, segment_stage, depth):
        stage.main(params)
    check_landmarks()
    check_contours()
    check_augment()
    check_segment()
    check_depth()
    assert params.reads == {
        f"{section}.{key}" for section, keys in PARAMETERS.items() for key in keys
    }


def check_landmarks():
    rows = table("data/landmarks")
    assert set(rows) == {"both", "wide", "held-out"}
    assert {row["id"]: row["reason"] for row in read_quarantine("data/landmarks")} == {
        "drawing": "no photo to look for a face in",
        "blank": f"{NOT_FOUND}; nothing in the photo is like a face",
        "labelled": f"{NOT_FOUND}; nothing in the photo is like a face",
    }
    with FaceMesh() as detector:
        found = detector.detect(crop(SIZE))
    assert rows["both"]["mesh"] == found.mesh.ravel().tolist()
    assert rows["both"]["points"] == found.landmarks.ravel().tolist()
    assert rows["both"]["score"] == pytest.approx(found.score)
    assert rows["both"]["faces"] == found.faces == 1


def check_contours():
    points = {id: np.reshape(row["points"], (68, 2)) for id, row in table("data/landmarks").items()}
    rows = table("data/contours")
    assert set(rows) == {"both", "drawing", "blank", "wide", "held-out", "labelled"}
    assert {id for id, row in rows.items() if row["contour"]} == set(points)
    assert {id for id, row in rows.items() if row["lines"]} == {"both", "drawing"}
    np.testing.assert_array_equal(
        picture(rows["wide"]["contour"]), draw_contour(points["wide"], SIZE)
    )
    np.testing.assert_array_equal(
        picture(rows["drawing"]["lines"]), rough_lines(pencil(SIZE), 0, "drawing")
    )
    np.testing.assert_array_equal(picture(rows["both"]["lines"]), ROUGH)
    origins = {"both": "drawing", "drawing": "sketch"}
    assert {id: row["lines_from"] for id, row in rows.items() if row["lines_from"]} == origins
    average = json.loads(Path("data/contours/average_face.json").read_text())
    assert (average["size"], average["count"]) == (SIZE, 2)
    expected = (points["both"] + points["wide"]) / 2  # the training faces alone
    np.testing.assert_allclose(average["points"], expected, atol=1e-3)
    drawn = np.asarray(Image.open("data/contours/average_face.png"))
    np.testing.assert_allclose(drawn, draw_contour(expected, SIZE), atol=1)


def check_augment():
    rows = table("data/augment")
    assert set(rows) == {"held-out"}  # test faces that have a contour
    before = picture(table("data/contours")["held-out"]["contour"])
    tensor = torch.from_numpy(before)[None, None]
    moved, dx, dy, degrees = move_contours(tensor, 0, ["held-out"], 25, 7)
    row = rows["held-out"]
    np.testing.assert_array_equal(picture(row["contour"]), moved[0, 0].numpy())
    assert (row["dx"], row["dy"], row["degrees"]) == (dx.item(), dy.item(), degrees.item())
    assert 0 < max(abs(row["dx"]), abs(row["dy"])) <= 25 * SIZE / 512


def check_segment():
    rows = table("data/segment")
    assert {id: row["source"] for id, row in rows.items()} == {
        "both": "mesh",
        "wide": "mesh",
        "held-out": "dataset",
        "labelled": "dataset",
    }
    np.testing.assert_array_equal(picture(rows["labelled"]["labels"]), LABELS)
    mesh = np.reshape(table("data/landmarks")["both"]["mesh"], (478, 3))
    np.testing.assert_array_equal(picture(rows["both"]["labels"]), mesh_labels(mesh, SIZE))
    assert {row["id"] for row in read_quarantine("data/segment")} == {"drawing", "blank"}


def check_depth():
    rows = table("data/depth")
    assert set(rows) == {"both", "wide", "held-out"}
    mesh = np.reshape(table("data/landmarks")["wide"]["mesh"], (478, 3))
    stored = decode_depth(rows["wide"]["depth"]["bytes"])
    np.testing.assert_allclose(stored, mesh_depth(mesh, SIZE, 0.25), atol=1 / 65535)
    assert Image.open(io.BytesIO(rows["wide"]["depth"]["bytes"])).mode.startswith("I")
    assert {row["id"] for row in read_quarantine("data/depth")} == {"drawing", "blank", "labelled"}


def test_the_settings_choose_detector_and_backend(faces: Path, monkeypatch: pytest.MonkeyPatch):
    """One entry each makes another one known, allowed and used."""

    class Nobody:
        def __init__(self, min_confidence: float, choose: str, weights: str) -> None:
            assert (min_confidence, choose, weights) == (0.25, "central", "somewhere")

        def detect(self, photo: np.ndarray) -> None:
            return None

        def best_score(self, photo: np.ndarray) -> float:
            return 0.125

    parameters = {
        "landmarks": {
            "detector": "nobody",
            "min_confidence": 0.25,
            "choose": "central",
            "weights": "somewhere",
        },
        "depth": PARAMETERS["depth"] | {"backend": "flat"},
    }
    params = Parameters(parameters)
    with pytest.raises(
        SketchFaceError, match=r"landmarks\.detector: 'nobody'; allowed: one of med"
    ):
        landmarks.main(params)
    with pytest.raises(SketchFaceError, match=r"depth\.backend: 'flat'; allowed: one of facemesh"):
        depth.main(params)
    landmarks.main(Parameters(PARAMETERS))
    monkeypatch.setitem(BACKENDS, "flat", lambda face, settings: np.full((SIZE, SIZE), 0.5))
    depth.main(params)
    flat = decode_depth(table("data/depth")["both"]["depth"]["bytes"])
    np.testing.assert_allclose(flat, 0.5, atol=1e-4)
    monkeypatch.setitem(DETECTORS, "nobody", Nobody)
    landmarks.main(params)
    reasons = [row["reason"] for row in read_quarantine("data/landmarks")]
    assert len(reasons) == 6
    assert (
        reasons.count("no face found with a confidence of 0.25 or more; the likeliest has 0.12")
        == 5
    )
    assert params.reads == {
        f"{section}.{key}" for section, keys in parameters.items() for key in keys
    }


def test_order_and_sharding_change_no_bit(project: Path):
    rows = [face(f"f{i}", photo=crop(SIZE, left=100 + 8 * i, side=210)) for i in range(4)]
    rows.append(face("f1b", photo=BLANK))
    renamed = [{**row, "id": f"z{9 - i}"} for i, row in enumerate(rows)]  # sorted the other way
    write_faces(project / "one", [rows], SIZE)
    write_faces(project / "other", [renamed[:2], renamed[2:]], SIZE)
    for name in ("one", "other"):
        find_landmarks(project / name, project / f"{name}-landmarks", SETTINGS)
    one, other = table("one-landmarks"), table("other-landmarks")
    assert len(one) == len(other) == 4
    for i in range(4):
        assert one[f"f{i}"]["mesh"] == other[f"z{9 - i}"]["mesh"]
        assert one[f"f{i}"]["score"] == other[f"z{9 - i}"]["score"]


def test_a_stage_that_died_goes_on_where_it_was(project: Path):
    good = [face("a", photo=crop(SIZE))]
    damaged = {**face("b"), "photo": image_cell(b"\x89PNG no picture", "b.png")}
    write_faces(project / "faces", [good, [damaged]], SIZE)
    out = project / "landmarks"
    with pytest.raises(SketchFaceError, match="damaged picture"):
        find_landmarks(project / "faces", out, SETTINGS)
    assert not out.exists()
    store = project / ".cache" / "shards" / "landmarks"
    finished = {path: path.stat().st_mtime_ns for path in store.glob("*.*")}
    assert sorted(path.suffix for path in finished) == [".done", ".parquet"]

    write_faces(project / "faces", [good, [face("b", photo=crop(SIZE, side=220))]], SIZE)
    find_landmarks(project / "faces", out, SETTINGS)
    assert set(table(out)) == {"a", "b"}
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert len(list(store.glob("*.*"))) == 4


def test_mesh_can_stand_in_for_the_data_sets_own_labels(faces: Path):
    find_landmarks(faces, Path("landmarks"), SETTINGS)
    segment(faces, Path("landmarks"), Path("segment"), SegmentSettings(source="mesh"))
    assert {row["source"] for row in table("segment").values()} == {"mesh"}
    assert "labelled" not in table("segment")


def test_no_training_face_no_average(project: Path):
    faces = write_faces(project / "faces", [[face("a", photo=BLANK)]], SIZE)
    find_landmarks(faces, Path("landmarks"), SETTINGS)
    settings = ContourSettings(width=2.0, roughness=1.0, seed=0)
    draw_contours(faces, Path("landmarks"), Path("contours"), settings)
    assert not Path("contours/average_face.json").exists()
    assert table("contours")["a"]["contour"] is None


def test_missing_size_is_said_in_one_line(faces: Path):
    (faces / "dataset.json").unlink()
    settings = ContourSettings(width=2.0, roughness=1.0, seed=0)
    with pytest.raises(SketchFaceError, match=r"dataset\.json.*faces stage"):
        draw_contours(faces, faces, Path("contours"), settings)


def test_wrong_parameters_end_the_command_in_a_line_each(project: Path):
    (project / "params.yaml").write_text("landmarks: {detector: dlib, min_confidence: 2}\n")
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.landmarks"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: landmarks: landmarks.detector: 'dlib'; allowed: one of mediapipe, face_alignment",
        "error: landmarks: landmarks.min_confidence: 2; allowed: a number in [0, 1]",
    ]


def test_average_face_is_symmetric_for_a_face_and_its_mirror(
    project: Path,
):
    shards = [[face("a", photo=crop()), face("b", photo=crop()[:, ::-1].copy())]]
    faces = write_faces(project / "faces", shards, 256)
    find_landmarks(faces, Path("landmarks"), SETTINGS)
    settings = ContourSettings(width=2.0, roughness=1.0, seed=0)
    draw_contours(faces, Path("landmarks"), Path("contours"), settings)
    points = np.array(json.loads(Path("contours/average_face.json").read_text())["points"])
    mirrored = points[ibug.FLIP] * (-1, 1) + (256, 0)
    np.testing.assert_allclose(points, mirrored, atol=4)
