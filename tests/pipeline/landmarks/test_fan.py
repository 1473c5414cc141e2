"""The face_alignment backend, run whole with weights made here whose answers are known."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from made_faces import crop, face, write_faces

from pipeline.common.shards import iter_rows, read_quarantine
from pipeline.depth.depth import DepthSettings, make_depth
from pipeline.landmarks import face_alignment as fan
from pipeline.landmarks.detector import face_index
from pipeline.landmarks.landmarks import LandmarkSettings, find_landmarks
from sketchface_models.errors import SketchFaceError

CONFIDENCE = 0.8
STRIDE, ANCHOR = 16, 64  # of S3FD's third scale (Zhang et al. 2017, table 1)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector that sees a 64-pixel face everywhere, and points in their boxes' first corner."""
    pytest.importorskip("face_alignment")
    from face_alignment.detection.sfd.net_s3fd import s3fd
    from face_alignment.models import FAN

    folder = tmp_path_factory.mktemp("weights")
    boxes = s3fd().state_dict()
    for name, value in boxes.items():
        value.zero_()
        if name.endswith("mbox_conf.bias"):
            value[-1] = -9  # sure that there is none
    odds = np.log(CONFIDENCE / (1 - CONFIDENCE))
    boxes["conv5_3_norm_mbox_conf.bias"][:] = torch.tensor([0, odds])
    torch.save(boxes, folder / fan.BOXES)
    points = FAN(4).state_dict()
    for value in points.values():
        value.zero_()
    torch.save(points, folder / fan.NETWORK)
    return folder


@pytest.fixture(scope="module")
def detector(weights: Path) -> fan.FaceAlignment:
    return fan.FaceAlignment(0.5, "central", weights)


def test_the_whole_package_runs_on_local_weights(detector: fan.FaceAlignment):
    photo = crop(256)
    found = detector.detect(photo)
    assert found is not None
    assert found.mesh is None
    assert found.score == pytest.approx(CONFIDENCE, abs=1e-6)
    assert detector.best_score(photo) == pytest.approx(CONFIDENCE, abs=1e-6)
    boxes = detector._boxes(photo)
    assert found.faces == len(boxes) > 4
    np.testing.assert_allclose(boxes[:, 2:4] - boxes[:, :2], ANCHOR - 1, atol=1)
    centres = (boxes[:, :2] + boxes[:, 2:4]) / 2
    middle = np.hypot(*(centres - 128).T)
    box = boxes[face_index(boxes[:, :4], 256, 256, "central")]
    assert np.hypot(*((box[:2] + box[2:4]) / 2 - 128)) <= middle.min() + 2.56  # 1 % of the side
    # Empty heat maps have their maximum in the first of 64 x 64 cells; the crop around a box is
    # 200/195 of its width and height together, its middle 12 % of the height above the box's.
    side = (box[2] - box[0] + box[3] - box[1]) * 200 / 195
    centre = (box[:2] + box[2:4]) / 2 - (0, 0.12 * (box[3] - box[1]))
    corner = centre - side / 2 + side / 64 / 2
    assert found.landmarks.shape == (68, 2)
    assert found.landmarks.dtype == np.float32
    np.testing.assert_allclose(found.landmarks, np.tile(np.floor(corner) + 0.5, (68, 1)))


def test_too_little_confidence_is_no_face(weights: Path):
    detector = fan.FaceAlignment(0.9, "largest", weights)
    assert detector.detect(crop(64)) is None
    assert detector.best_score(crop(64)) == pytest.approx(CONFIDENCE, abs=1e-6)
    for wrong in (crop()[..., 0], crop().astype(np.float32)):
        with pytest.raises(ValueError, match="photo"):
            detector.detect(wrong)


@pytest.mark.slow
def test_the_stage_runs_on_it_and_mesh_depth_says_what_lacks(
    weights: Path, project: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(project / "hub"))
    faces = write_faces(project / "faces", [[face("a", photo=crop(64)), face("b")]], 64)
    for confidence, found in ((0.5, ["a"]), (0.9, [])):
        settings = LandmarkSettings("face_alignment", confidence, "largest", str(weights))
        find_landmarks(faces, project / "landmarks", settings)
        assert [row["id"] for row in iter_rows(project / "landmarks")] == found
    reasons = {row["id"]: row["reason"] for row in read_quarantine(project / "landmarks")}
    assert reasons["a"].endswith("a confidence of 0.9 or more; the likeliest has 0.80")
    find_landmarks(
        faces,
        project / "landmarks",
        LandmarkSettings("face_alignment", 0.5, "largest", str(weights)),
    )
    (row,) = iter_rows(project / "landmarks")
    assert row["mesh"] is None
    assert len(row["points"]) == 136
    make_depth(faces, project / "landmarks", project / "depth", DepthSettings("facemesh"))
    reasons = {row["id"]: row["reason"] for row in read_quarantine(project / "depth")}
    assert reasons["a"] == "landmarks without a mesh; set landmarks.detector to mediapipe"


def test_missing_weights_are_named_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    settings = LandmarkSettings("face_alignment", 0.5, "largest", str(tmp_path / "mine"))
    with pytest.raises(SketchFaceError) as error:
        find_landmarks(tmp_path, tmp_path / "out", settings)
    line = str(error.value)
    assert "\n" not in line
    for part in (*fan.FILES, str(tmp_path / "mine"), str(tmp_path / "hub"), "landmarks.weights"):
        assert part in line
    checkpoints = tmp_path / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / fan.BOXES).touch()
    with pytest.raises(SketchFaceError, match=f"needs {fan.NETWORK}; put"):
        fan.find_weights(tmp_path / "mine")
    (tmp_path / "mine").mkdir()
    for name in fan.FILES:
        (tmp_path / "mine" / name).touch()
    assert fan.find_weights(tmp_path / "mine") == [tmp_path / "mine" / name for name in fan.FILES]


def test_other_files_under_those_names_are_refused_in_one_line(tmp_path: Path):
    pytest.importorskip("face_alignment")
    for name in fan.FILES:
        (tmp_path / name).write_bytes(b"no weights")
    with pytest.raises(SketchFaceError, match="does not hold the weights of that name") as error:
        fan.FaceAlignment(0.5, "largest", tmp_path)
    assert "\n" not in str(error.value)


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "face_alignment", None)
    with pytest.raises(SketchFaceError, match=r"pip install 'sketchface\[face-alignment\]'$"):
        fan.FaceAlignment(0.5, "largest", tmp_path)
