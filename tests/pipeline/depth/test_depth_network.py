"""Depth networks in ONNX form: small ones made here, whose answers can be worked out."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_faces import crop, face, write_faces

from pipeline.common.images import decode_depth, resize
from pipeline.common.shards import iter_rows, read_quarantine
from pipeline.depth.depth import DepthSettings, make_depth
from pipeline.depth.mesh import to_depth
from pipeline.depth.network import DepthNetwork
from pipeline.landmarks.landmarks import LandmarkSettings, find_landmarks
from sketchface_models.errors import SketchFaceError

MEAN, STD = (0.1, 0.2, 0.3), (0.5, 0.4, 0.3)
WEIGHTS = np.array([0.5, 1.0, -2.0], np.float32)
SIZE = 128


def write_model(
    path: Path,
    shape: list[int | str],
    last: bool = False,
    half: bool = False,
    flat: bool = True,
    bias: float = 0.0,
) -> Path:
    """A weighted sum of the three channels; `last`: channels last; `flat`: no channel axis out."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    kind = onnx.TensorProto.FLOAT16 if half else onnx.TensorProto.FLOAT
    dtype = np.float16 if half else np.float32
    make, tensor = onnx.helper.make_node, onnx.numpy_helper.from_array
    nodes, entry = [], "photo"
    if last:
        nodes.append(make("Transpose", ["photo"], ["planes"], perm=[0, 3, 1, 2]))
        entry = "planes"
    nodes.append(make("Conv", [entry, "weights", "bias"], ["sum"]))
    if flat:
        nodes.append(make("Squeeze", ["sum", "axis"], ["depth"]))
    given = ["n", "y", "x"] if flat else ["n", 1, "y", "x"]
    graph = onnx.helper.make_graph(
        nodes,
        "sum",
        [onnx.helper.make_tensor_value_info("photo", kind, shape)],
        [onnx.helper.make_tensor_value_info("depth" if flat else "sum", kind, given)],
        [
            tensor(WEIGHTS.reshape(1, 3, 1, 1).astype(dtype), "weights"),
            tensor(np.array([bias], dtype), "bias"),
            tensor(np.array([1]), "axis"),
        ],
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path


def expected(photo: np.ndarray, width: int, height: int) -> np.ndarray:
    fed = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    given = ((fed / 255 - MEAN) / STD) @ WEIGHTS
    return resize(given.astype(np.float32), (photo.shape[1], photo.shape[0]))


@pytest.mark.parametrize(
    ("shape", "last", "width", "height"),
    [
        ([1, 3, 64, 96], False, 96, 64),  # its own size
        (["batch", 3, "height", "width"], False, 112, 112),  # ours
        ([1, 64, 32, 3], True, 32, 64),
        ([1, "h", 48, 3], True, 48, 112),
    ],
)
@pytest.mark.parametrize("flat", [True, False])
def test_size_and_layout_are_the_models(
    tmp_path: Path, shape: list, last: bool, width: int, height: int, flat: bool
):
    model = write_model(tmp_path / "model.onnx", shape, last, flat=flat)
    network = DepthNetwork(tmp_path, 112, MEAN, STD)  # a folder with one model
    given = network(crop())
    assert given.shape == (256, 256)
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, expected(crop(), width, height), atol=1e-4)
    again = DepthNetwork(model, 112, MEAN, STD)
    np.testing.assert_array_equal(given, again(crop()))


def test_half_precision_and_photos_smaller_than_the_input(tmp_path: Path):
    write_model(tmp_path / "half.onnx", [1, 3, 64, 64], half=True)
    given = DepthNetwork(tmp_path / "half.onnx", 64, MEAN, STD)(crop())
    np.testing.assert_allclose(given, expected(crop(), 64, 64), atol=0.03)
    grey = np.full((32, 32, 3), 51, np.uint8)
    flat = DepthNetwork(tmp_path / "half.onnx", 64, MEAN, STD)(grey)
    np.testing.assert_allclose(flat, expected(grey, 32, 32), atol=0.03)


@pytest.fixture
def folders(project: Path) -> tuple[Path, Path]:
    rows = [face("a", photo=crop(SIZE)), face("blank", photo=np.full((SIZE, SIZE, 3), 9, np.uint8))]
    faces = write_faces(
        project / "faces", [rows, [face("drawing", sketch=crop(SIZE)[..., 0])]], SIZE
    )
    find_landmarks(faces, project / "landmarks", LandmarkSettings("mediapipe", 0.5))
    return faces, project / "landmarks"


def made(folders: tuple[Path, Path], **more: object) -> dict[str, np.ndarray]:
    settings = DepthSettings("onnx", path="model.onnx", size=SIZE, mean=MEAN, std=STD, **more)
    make_depth(*folders, Path("depth"), settings)
    return {row["id"]: decode_depth(row["depth"]["bytes"]) for row in iter_rows("depth")}


def test_the_stage_normalises_over_the_face(folders: tuple[Path, Path], project: Path):
    write_model(project / "model.onnx", [1, 3, SIZE, SIZE])
    rows = made(folders, surround=0.0)
    assert set(rows) == {"a"}
    given = expected(crop(SIZE), SIZE, SIZE)
    (found,) = iter_rows("landmarks")
    points = np.reshape(found["points"], (68, 2))
    hull = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.rint(points - 0.5).astype(np.int32)), [1])
    low, high = np.percentile(given[hull > 0], (0.5, 99.5))
    np.testing.assert_allclose(rows["a"], np.clip((given - low) / (high - low), 0, 1), atol=1e-3)
    around = made(folders, surround=0.3)["a"]
    np.testing.assert_allclose(around, to_depth(-given, -high, -low, 0.3), atol=1e-3)
    reasons = {row["id"]: row["reason"] for row in read_quarantine("depth")}
    assert reasons == {
        "blank": "no face found, so no range to normalise depth to",
        "drawing": "no photo to take depth from",
    }


def test_over_the_picture_and_the_other_way_round(folders: tuple[Path, Path], project: Path):
    write_model(project / "model.onnx", [1, 3, SIZE, SIZE])
    rows = made(folders, normalise="picture")
    assert set(rows) == {"a", "blank"}
    given = expected(crop(SIZE), SIZE, SIZE)
    stretched = (given - given.min()) / (given.max() - given.min())
    np.testing.assert_allclose(rows["a"], stretched, atol=1e-3)
    other = made(folders, normalise="picture", nearer="low")["a"]
    np.testing.assert_allclose(other, 1 - stretched, atol=1e-3)


def test_another_model_under_the_same_name_is_noticed(folders: tuple[Path, Path], project: Path):
    write_model(project / "model.onnx", [1, 3, SIZE, SIZE])
    before = made(folders, normalise="picture")["a"]
    WEIGHTS[:] = WEIGHTS[::-1].copy()
    try:
        write_model(project / "model.onnx", [1, 3, SIZE, SIZE])
        after = made(folders, normalise="picture")["a"]
    finally:
        WEIGHTS[:] = WEIGHTS[::-1].copy()
    assert np.abs(before - after).max() > 0.1


@pytest.mark.parametrize(
    ("shape", "bias", "size", "line"),
    [
        ([1, 4, 64, 64], 0.0, 64, r"takes tensor\(float\) \[1, 4, 64, 64\]; wanted one float"),
        ([1, 3, 64], 0.0, 64, r"takes tensor\(float\) \[1, 3, 64\]; wanted one float"),
        ([1, 3, 64, 64], np.nan, 64, r"gave .*values that are no numbers; wanted one number"),
    ],
)
def test_a_model_of_another_kind_is_refused_in_one_line(
    tmp_path: Path, shape: list, bias: float, size: int, line: str
):
    onnx = pytest.importorskip("onnx")
    path = write_model(tmp_path / "m.onnx", [1, 3, 64, 64], bias=bias)
    model = onnx.load(str(path))
    model.graph.input[0].CopyFrom(
        onnx.helper.make_tensor_value_info("photo", onnx.TensorProto.FLOAT, shape)
    )
    if shape != [1, 3, 64, 64]:
        del model.graph.node[:]
        model.graph.node.append(onnx.helper.make_node("Identity", ["photo"], ["depth"]))
    onnx.save(model, str(path))
    with pytest.raises(SketchFaceError, match=rf"m\.onnx: {line}") as error:
        DepthNetwork(path, size, MEAN, STD)(crop(64))
    assert "\n" not in str(error.value)


def test_damaged_missing_and_several_models(tmp_path: Path):
    pytest.importorskip("onnxruntime")
    (tmp_path / "m.onnx").write_bytes(b"no model")
    with pytest.raises(SketchFaceError, match="not a model that onnxruntime reads") as error:
        DepthNetwork(tmp_path / "m.onnx", 64, MEAN, STD)
    assert "\n" not in str(error.value)
    (tmp_path / "n.onnx").touch()
    with pytest.raises(SketchFaceError, match=r"2 models in it; wanted an \.onnx file"):
        DepthNetwork(tmp_path, 64, MEAN, STD)


def test_a_missing_runtime_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "m.onnx").touch()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(SketchFaceError, match=r"pip install 'sketchface\[onnx\]'$"):
        DepthNetwork(tmp_path, 64, MEAN, STD)


def test_a_torch_model_exported_to_onnx(tmp_path: Path):
    """As MiDaS and Depth Anything come: exported by torch, ImageNet's normalisation."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    import torch

    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, 2, 1), torch.nn.ReLU(), torch.nn.Conv2d(4, 1, 3, 1, 1)
    ).eval()
    torch.onnx.export(network, (torch.zeros(1, 3, 64, 64),), str(tmp_path / "m.onnx"))
    given = DepthNetwork(tmp_path, 64, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))(crop(64))
    photo = torch.from_numpy(crop(64)).permute(2, 0, 1)[None] / 255
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        wanted = network((photo - mean[:, None, None]) / std[:, None, None])[0, 0].numpy()
    np.testing.assert_allclose(given, resize(wanted, (64, 64)), atol=1e-4)
