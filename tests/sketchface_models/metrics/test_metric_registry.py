import dataclasses
import hashlib
import os

import pytest
import torch
from metric_pictures import DATA, noise, read_pair

from sketchface_models.errors import SketchFaceError
from sketchface_models.metrics import simple
from sketchface_models.metrics.metric import Direction, Metric, weights_hash
from sketchface_models.metrics.protocol import Protocol, measures
from sketchface_models.metrics.registry import (
    METRICS,
    least_side,
    metric_names,
    not_measured,
    score_batch,
)
from sketchface_models.pixels import from_signed
from sketchface_models.pretrained.published import Published


def test_names_and_directions():
    assert list(METRICS) == ["l1", "psnr", "ssim", "scoot", "fsim", "fsimc", "lpips"]
    assert [name for name in METRICS if METRICS[name].direction == "lower"] == ["l1", "lpips"]
    assert metric_names(3) == tuple(METRICS)[:-1]  # the weights of LPIPS are not here
    assert metric_names(1) == ("l1", "psnr", "ssim", "scoot", "fsim")
    assert least_side(metric_names(3)) == 20


@pytest.mark.parametrize("channels", [1, 3])
def test_score_batch_is_every_function(channels):
    ours, theirs = noise(5, channels, 40, 36, seed=1), noise(5, channels, 40, 36, seed=2)
    scores = score_batch(ours, theirs)
    assert tuple(scores) == metric_names(channels)
    for name, values in scores.items():
        torch.testing.assert_close(values, METRICS[name].function(ours, theirs, 255.0))


def test_score_batch_computes_in_float64():
    ours, theirs = read_pair(DATA, "p12_64_noise")
    exact = score_batch(ours, theirs)
    for dtype in (torch.float32, torch.uint8):
        scores = score_batch(ours.to(dtype), theirs.to(dtype))
        assert all(torch.equal(scores[name], exact[name]) for name in exact)


def test_score_batch_of_some_names():
    image = noise(1, 3, 40, 40)
    assert list(score_batch(image, image, names=["fsimc", "l1"])) == ["fsimc", "l1"]
    with pytest.raises(ValueError, match=r"no metric 'fid'; there are l1, psnr"):
        score_batch(image, image, names=["fid"])


def test_score_batch_refuses_what_is_no_pair():
    with pytest.raises(ValueError, match="differ in shape"):
        score_batch(noise(5, 1, 40, 40), noise(2, 1, 40, 40))
    with pytest.raises(ValueError, match="expected"):
        score_batch(noise(40, 40), noise(40, 40))


def test_worse_pictures_score_worse():
    reference = read_pair(DATA, "p01_face_blur2")[0]
    spots = noise(1, 1, 250, 250) - 128
    slight = score_batch(reference, (reference + 0.05 * spots).round().clamp(0, 255))
    strong = score_batch(reference, (reference + 0.5 * spots).round().clamp(0, 255))
    for name in slight:
        better = slight[name] > strong[name]
        assert better.item() == (METRICS[name].direction == "higher")


def test_from_signed_gives_the_levels_of_a_written_file():
    values = torch.tensor([-1.0, -0.9999, 0.0, 0.5, 1.0, 1.2, -3.0])
    assert from_signed(values).tolist() == [0, 0, 128, 191, 255, 255, 0]
    assert from_signed(torch.arange(256) / 127.5 - 1).tolist() == list(range(256))
    assert from_signed(torch.tensor([torch.nan])).isnan().all()


PROTOCOL = Protocol(
    "fs2k", "250x250", "pillow-bicubic", "grey", data="fs2k/test", metrics=measures("grey")
)


def test_a_protocol_prints_its_name_and_hash():
    name, digest = PROTOCOL.tag.split(":")
    assert name == "fs2k"
    assert len(digest) == 8
    assert int(digest, 16) >= 0
    assert dataclasses.replace(PROTOCOL, name="other").tag == f"other:{digest}"


@pytest.mark.parametrize(
    "change",
    [
        {"size": "256x256"},
        {"resize": "none"},
        {"channels": "rgb"},
        {"data": "fs2k/train"},
        {"data_range": 1.0},
        {"precision": "float32"},
        {"networks": {"parser": "0" * 64}},
        {"metrics": measures("rgb")},
        {"metrics": measures("grey", retrieval=False)},
        {"metrics": {**measures("grey"), "ssim": {"sigma": 2}}},
        {"seeds": {"another face": 1}},
        {"inputs": ("photo",)},
    ],
)
def test_everything_that_changes_a_value_changes_the_hash(change):
    assert dataclasses.replace(PROTOCOL, **change).tag != PROTOCOL.tag


def test_the_order_of_a_mapping_does_not_change_the_hash():
    backwards = dict(reversed(measures("grey").items()))
    assert dataclasses.replace(PROTOCOL, metrics=backwards).tag == PROTOCOL.tag


def test_measures_cover_every_metric_with_parameters():
    assert set(measures("rgb")) == {*metric_names(3), "retrieval"}
    assert all(measures("rgb").values())


def test_a_metric_whose_weights_are_missing_is_not_measured_and_names_the_file():
    lacking = not_measured(1)
    assert set(lacking) == {"lpips", "fid", "kid"}
    assert lacking["fid"].startswith("models/judges/pt_inception-2015-12-05-6726825d.pth: ")
    with pytest.raises(SketchFaceError, match=r"models/judges/alexnet-owt-7be5be79\.pth: "):
        score_batch(noise(1, 3, 40, 40), noise(1, 3, 40, 40), names=["lpips"])


def test_a_metric_is_measured_once_its_weights_are_there(tmp_path, monkeypatch):
    """A metric with weights of its own is an object that names its file, and a line."""
    file = Published("toy.pth", "made by this test")
    metric = Metric(simple.l1, Direction.LOWER, "toy", weights=(file,))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(METRICS, "toy", metric)
    assert "toy" not in metric_names(1)
    path = tmp_path / "models" / "judges" / "toy.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    assert metric_names(1)[-1] == "toy"
    assert weights_hash(file) == hashlib.sha256(b"weights").hexdigest()
    path.write_bytes(b"others")
    os.utime(path, (1, 1))
    assert weights_hash(file) == hashlib.sha256(b"others").hexdigest()


def test_the_tag_for_any_inputs_is_that_of_a_run_without_inputs():
    reading = dataclasses.replace(PROTOCOL, inputs=("photo", "depth"))
    assert reading.tag != PROTOCOL.tag
    assert reading.tag_any_inputs == PROTOCOL.tag
