"""What training shows and picks on the way: validation sheets, the best weights, run notes."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from made_packs import make_config, write_pack
from PIL import Image
from safetensors.torch import load_file

from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import BEST_FILE, load_trained
from sketchface_models.runtime import deterministic_mode
from sketchface_models.systems.pix2pix import Pix2Pix
from sketchface_models.training.engine_settings import Engine
from sketchface_models.training.pack_reader import Pack, normalise
from sketchface_models.training.run import train
from sketchface_models.training.validation import BestWeights, validation_terms
from sketchface_models.training.validation_sheets import write_png


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 5, 3), (64, 300, 3)])
def test_png_holds_the_pixels(tmp_path: Path, shape: tuple[int, ...]):
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    write_png(tmp_path / "x.png", pixels)
    with Image.open(tmp_path / "x.png") as read:
        read.load()
        assert (read.format, read.mode) == ("PNG", "RGB")
        assert np.array_equal(np.asarray(read), pixels)
    write_png(tmp_path / "y.png", np.asfortranarray(pixels))
    assert (tmp_path / "y.png").read_bytes() == (tmp_path / "x.png").read_bytes()
    assert (tmp_path / "x.png").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3))]
)
def test_what_is_no_picture_is_refused(tmp_path: Path, pixels: np.ndarray):
    with pytest.raises(ValueError, match="not an RGB picture"):
        write_png(tmp_path / "x.png", pixels)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten validation faces, two more than are shown."""
    return write_pack(tmp_path_factory.mktemp("many") / "pack", 8, 10, 2)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, many: Path) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    config = make_config(engine__best="val_l1", engine__validate_every=2)
    train(config, many, folder / "out", folder / "store", (), ())
    return folder / "out"


def test_sheets_show_the_first_validation_faces_by_input_drawing_target(trained: Path, many: Path):
    samples = sorted((trained / "logs" / "samples").iterdir())
    assert [path.name for path in samples] == [f"step-{step:07d}.png" for step in range(2, 13, 2)]
    sheet = np.asarray(Image.open(samples[-1]))
    assert sheet.shape == (3 * 64, 8 * 64, 3)
    pack = Pack(many)
    rows = pack.rows("val")[:8]
    raw = pack.read(rows)
    system, _ = load_trained(trained / "weights")
    with torch.no_grad():
        generated = system.generate(normalise(raw, torch.device("cpu")))
    generated = ((generated + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    for line, pictures in enumerate((raw["photo"], generated, raw["sketch"])):
        for column, picture in enumerate(pictures):
            cell = sheet[64 * line : 64 * line + 64, 64 * column : 64 * column + 64]
            expected = picture.expand(3, -1, -1).permute(1, 2, 0).numpy()
            assert np.abs(cell.astype(int) - expected).max() <= 1  # sums of other batches round


def test_sheets_are_told_of_as_they_are_made(tmp_path: Path, pack: Path):
    shown: list[tuple[int, bool]] = []
    sheets = (lambda step, path: shown.append((step, path.read_bytes()[:4] == b"\x89PNG")),)
    train(make_config(), pack, tmp_path / "out", tmp_path / "store", (), sheets)
    assert shown == [(5, True), (10, True), (12, True)]


def test_the_best_weights_are_those_of_the_best_validation(trained: Path, many: Path):
    lines = [json.loads(line) for line in (trained / "logs" / "steps.jsonl").open()]
    values = {line["step"] + 1: line["val_l1"] for line in lines if "val_l1" in line}
    best = min(values, key=values.__getitem__)
    system, card = load_trained(trained / "weights", file=BEST_FILE)
    # Logged as float32, compared as float64.
    value = pytest.approx(values[best], rel=1e-6)
    assert card["best"] == {"measure": "val_l1", "step": best, "value": value}
    assert (card["steps"], card["images"]) == (best, 4 * best)
    terms = validation_terms(system, Pack(many), torch.device("cpu"))
    assert terms["val_l1"].item() == pytest.approx(values[best], abs=1e-6)
    assert json.loads((trained / "logs" / "run.json").read_text())["best"] == card["best"]


def test_a_network_that_gets_worse_keeps_its_best(
    tmp_path: Path, many: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Pix2Pix, "rate", lambda self, name, clock: 1 if clock.step < 8 else -3)
    config = make_config(engine__best="val_ssim", engine__validate_every=1)
    config["model"]["schedule"] |= {"lr_generator": 0.1, "ema_half_life": 0.0}
    train(config, many, tmp_path / "out", tmp_path / "store")
    weights = tmp_path / "out" / "weights"
    lines = [json.loads(line) for line in (tmp_path / "out/logs/steps.jsonl").open()]
    values = [line["val_ssim"] for line in lines]
    _, card = load_trained(weights, file=BEST_FILE)
    assert card["best"]["value"] == pytest.approx(max(values), rel=1e-6)
    assert card["steps"] == values.index(max(values)) + 1 < 12
    last, best = load_file(weights / "model.safetensors"), load_file(weights / BEST_FILE)
    assert last.keys() == best.keys()
    assert any(not torch.equal(last[name], best[name]) for name in last)


@pytest.mark.parametrize("without", ["measure", "faces"])
def test_without_measure_or_faces_there_are_no_best_weights(
    tmp_path: Path, pack: Path, without: str
):
    config = make_config(engine__best="none" if without == "measure" else "val_l1")
    if without == "faces":
        pack = write_pack(tmp_path / "pack", 8, 0, 2)
    train(config, pack, tmp_path / "out", tmp_path / "store")
    weights = tmp_path / "out" / "weights"
    assert {path.name for path in weights.iterdir()} == {"model.safetensors", "model.json"}
    with pytest.raises(SketchFaceError, match=r"best\.safetensors"):
        load_trained(weights, file=BEST_FILE)
    assert (tmp_path / "out" / "logs" / "samples").exists() == (without == "measure")


def test_the_first_of_equal_ones_and_nothing_that_is_no_number():
    best, kept = BestWeights("val_ssim"), []

    def weights() -> dict[str, torch.Tensor]:
        kept.append(True)
        return {"w": torch.tensor([float(len(kept))])}

    for step, value in enumerate([float("nan"), 0.5, 0.5, 0.25, 0.75, float("inf")]):
        best.update(step, {"val_ssim": torch.tensor(value), "val_l1": torch.tensor(9.0)}, weights)
    assert (best.step, best.value, best.weights["w"].item()) == (4, 0.75, 2.0)
    lower = BestWeights("val_l1")
    for step, value in enumerate([0.5, 0.25, 0.25]):
        lower.update(step, {"val_l1": torch.tensor(value)}, weights)
    assert (lower.step, lower.value) == (1, 0.25)
    again = BestWeights("val_l1")
    again.load_state_dict(lower.weights, lower.note())
    assert (again.step, again.value) == (1, 0.25)


def test_what_training_cost_and_where_is_noted_apart(trained: Path):
    notes = json.loads((trained / "logs" / "run.json").read_text())
    assert notes["parameters"]["generator"] > notes["parameters"]["discriminator"] > 100
    assert notes["flops_per_sample"] > 1e6
    assert notes["matmul_flops_per_second"] > 1e8
    assert notes["peak_memory_bytes"] > 1e7
    assert notes["images_per_second"] > 0
    assert (notes["processes"], notes["device"]) == (1, "cpu")
    assert notes["threads"] >= 1
    timing = [json.loads(line) for line in (trained / "logs" / "timing.jsonl").open()]
    assert timing[-1]["step"] == 11
    assert all(line["images_per_second"] > 0 for line in timing)
    assert "images_per_second" not in (trained / "logs" / "steps.jsonl").read_text()


def engine(**changes: object) -> Engine:
    return Engine("cpu", "32-true", 5, 5, **changes)


def test_deterministic_mode_is_on_while_training_only(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")  # the user's own stays
    for wanted in (True, False):
        with deterministic_mode(wanted):
            assert torch.are_deterministic_algorithms_enabled() == wanted
            assert torch.backends.cudnn.benchmark != wanted
        assert not torch.are_deterministic_algorithms_enabled()
        assert not torch.backends.cudnn.benchmark


def test_deterministic_training_runs_and_gives_the_same_bytes(
    tmp_path: Path, pack: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    seen = []
    note = (lambda lines: seen.append(torch.are_deterministic_algorithms_enabled()),)
    for name in ("a", "b"):
        config = make_config(engine__deterministic=True)
        train(config, pack, tmp_path / name, tmp_path / "store", note)
    assert all(seen)
    first, second = (
        (tmp_path / name / "weights" / "model.safetensors").read_bytes() for name in ("a", "b")
    )
    assert first == second


@pytest.mark.slow
def test_compiled_networks_learn_the_same(tmp_path: Path, pack: Path):
    curves = []
    for compiled in (False, True):
        config = make_config(engine__compile=compiled)
        # Compiled code draws other random numbers.
        config["model"]["network"] |= {"dropout": 0.0, "discriminator_dropout": 0.0}
        train(config, pack, tmp_path / str(compiled), tmp_path / "store")
        lines = (tmp_path / str(compiled) / "logs" / "steps.jsonl").read_text().splitlines()
        curves.append([json.loads(line)["l1"] for line in lines])
        load_trained(tmp_path / str(compiled) / "weights")  # under the same names
    assert curves[1][:3] == pytest.approx(curves[0][:3], rel=1e-3)
