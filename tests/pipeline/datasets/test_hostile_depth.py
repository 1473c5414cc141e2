"""Depth pictures and networks that are no good: each face has depth, or a reason why not."""

from __future__ import annotations

import os
from pathlib import Path

import hostile
import numpy as np
import pytest
from hostile_sets import LAYOUTS
from PIL import Image

from pipeline.common.shards import iter_rows, read_quarantine
from pipeline.datasets import adapter
from pipeline.depth.depth import DepthSettings, make_depth
from pipeline.faces.ingest import ingest
from pipeline.landmarks.landmarks import LandmarkSettings, find_landmarks
from sketchface_models.errors import SketchFaceError

folder = adapter("folder")

SIDE = 96
COLOUR = ("jpeg", "progressive jpeg", "webp", "tiff", "compressed tiff", "bmp", "avif", "png")


@pytest.fixture
def stages(tmp_path: Path) -> tuple[Path, Path]:
    """Four faces and their landmarks."""
    layout = LAYOUTS["folder"](tmp_path / "data", [], 0)
    ingest(folder, layout.settings, tmp_path / "faces")
    find_landmarks(tmp_path / "faces", tmp_path / "landmarks", LandmarkSettings("mediapipe", 0.5))
    return tmp_path / "faces", tmp_path / "landmarks"


def accounted(out: Path) -> dict[str, str]:
    """Reasons of the faces without depth; all four are there."""
    left_out = {row["id"]: row["reason"] for row in read_quarantine(out)}
    rows = {row["id"] for row in iter_rows(out, ["id"])}
    assert rows.isdisjoint(left_out)
    assert rows | left_out.keys() == {f"sound-{n}" for n in range(4)}
    assert all(reason and "\n" not in reason for reason in left_out.values())
    return left_out


def deep(kind: str, random: np.random.Generator, path: Path) -> Path:
    """A depth picture as a kind of file is: noise of the right size where the kind is a format."""
    if kind in COLOUR:
        grey = Image.fromarray(random.integers(0, 256, (SIDE, SIDE)).astype(np.uint8))
        return hostile.saved(path, grey, {"jpeg": ".jpg", "png": ".png"}.get(kind, ".bmp"))
    return hostile.KINDS[kind].make(random, path)


@pytest.mark.parametrize("framing", ["aligned", "source"])
def test_hostile_depth_pictures(framing: str, stages: tuple[Path, Path], tmp_path: Path) -> None:
    kinds = [
        k
        for k in hostile.KINDS
        if k not in ("strange name", "long name", "deep folder", "copy", "hidden", "circle")
    ]
    for first in range(0, len(kinds), 4):
        pictures = tmp_path / f"depth-{first}"
        pictures.mkdir()
        group = kinds[first : first + 4]
        for number, kind in enumerate(group):
            deep(kind, np.random.default_rng([5, first, number]), pictures / f"sound-{number}")
        hostile.saved(pictures / "nobody", Image.new("L", (SIDE, SIDE)), ".png")
        settings = DepthSettings("files", path=str(pictures), framing=framing)  # type: ignore[arg-type]
        make_depth(*stages, tmp_path / "depth", settings)
        left_out = accounted(tmp_path / "depth")
        for number, kind in enumerate(group):
            reason = left_out.get(f"sound-{number}", "")
            if kind in COLOUR:
                assert not reason, kind
            elif kind in ("loop", "pipe", "other ending"):
                assert reason.startswith("no depth picture sound-"), kind
            elif kind in ("truncated", "wrong checksum", "bomb", "zero area", "text", "empty"):
                assert any(words in reason for words in hostile.KINDS[kind].reason.split("|")), kind


def test_a_depth_picture_that_goes_or_becomes_a_pipe(
    stages: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.depth import files as depthfiles

    pictures = tmp_path / "pictures"
    random = np.random.default_rng(0)
    pictures.mkdir()
    for number in range(4):
        deep("png", random, pictures / f"sound-{number}")
    names = depthfiles.listed(pictures)
    (pictures / "sound-0.png").unlink()
    assert depthfiles.pictures_of(names, ["sound-0"]) == {
        "sound-0": [(str(pictures / "sound-0.png"), "")]
    }
    os.mkfifo(pictures / "sound-0.png")
    for path, reason in (
        (pictures / "sound-0.png", "not a regular file"),
        (tmp_path / "no.png", "No such file"),
    ):
        with pytest.raises(depthfiles.Unusable, match=reason):
            depthfiles.read_depth([(str(path), "")], SIDE, None, "high", "sound-0")


def log_model(path: Path) -> Path:
    """The logarithm of a photo's mean channel: no number where a pixel is black."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    node, value = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [
            node("ReduceMean", ["photo"], ["mean"], axes=[1], keepdims=1),
            node("Log", ["mean"], ["depth"]),
        ],
        "log",
        [value("photo", onnx.TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [value("depth", onnx.TensorProto.FLOAT, [1, 1, SIDE, SIDE])],
    )
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
    )
    onnx.save(model, str(path))
    return path


def test_a_network_that_fails_on_some_photos_alone(
    stages: tuple[Path, Path], tmp_path: Path
) -> None:
    model = log_model(tmp_path / "log.onnx")
    for mean, lost in ((-0.1, 0), (0.9, 4)):
        settings = DepthSettings("onnx", path=str(model), mean=(mean,) * 3, std=(1.0,) * 3)
        make_depth(*stages, tmp_path / "depth", settings)
        left_out = accounted(tmp_path / "depth")
        assert len(left_out) == lost
        assert all("values that are no numbers" in reason for reason in left_out.values())


def test_models_that_are_damaged_end_in_one_line(stages: tuple[Path, Path], tmp_path: Path) -> None:
    sound = log_model(tmp_path / "log.onnx").read_bytes()
    random = np.random.default_rng(1)
    broken = [b"", b"\0" * 100, random.bytes(500), sound[: len(sound) // 2], sound[:-1], b"<html>"]
    for _ in range(30):
        flipped = bytearray(sound)
        for _ in range(3):
            flipped[int(random.integers(len(flipped)))] = int(random.integers(256))
        broken.append(bytes(flipped))
    refused = 0
    for number, data in enumerate(broken):
        path = tmp_path / f"broken-{number}.onnx"
        path.write_bytes(data)
        settings = DepthSettings("onnx", path=str(path), mean=(-0.1,) * 3, std=(1.0,) * 3)
        try:
            make_depth(*stages, tmp_path / "depth", settings)
        except SketchFaceError as error:
            assert "\n" not in str(error)  # noqa: PT017
            assert path.name in str(error)  # noqa: PT017
            refused += 1
        else:
            accounted(tmp_path / "depth")
    assert refused >= 6
