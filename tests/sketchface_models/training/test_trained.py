"""What `train` writes, and loading it again."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from made_packs import make_config, write_pack
from safetensors.torch import load_file, save_file
from torch import Tensor

import sketchface_models
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import load_trained
from sketchface_models.pixels import LUMA
from sketchface_models.systems.base import Output
from sketchface_models.training.pack_reader import Pack, normalise
from sketchface_models.training.run import train
from sketchface_models.training.validation import validation_terms

ROOT = Path(sketchface_models.__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, pack: Path) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train(make_config(), pack, folder / "out", folder / "store")
    return folder / "out"


@pytest.fixture
def weights(out: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return shutil.copytree(out / "weights", tmp_path / "weights")


def test_trained_system_is_ready_to_draw(out: Path, pack: Path):
    system, card = load_trained(out / "weights")
    assert card["run"] == "tiny"
    assert not any(module.training for module in system.networks.modules())
    opened = Pack(pack)
    batch = normalise(opened.read(opened.rows("test")), torch.device("cpu"))
    with torch.no_grad():
        generated = system.generate(batch)
        assert torch.equal(generated, system.generate(batch))
        alone = {name: tensor[:1] for name, tensor in batch.items()}
        torch.testing.assert_close(system.generate(alone), generated[:1])
    assert generated.shape == (4, 1, 64, 64)


def test_the_running_average_is_what_gets_used(out: Path, pack: Path):
    """The weights that were saved score what the last validation in the log says."""
    system, _ = load_trained(out / "weights")
    terms = validation_terms(system, Pack(pack), torch.device("cpu"))
    last = json.loads((out / "logs" / "steps.jsonl").read_text().splitlines()[-1])
    assert terms["val_l1"].item() == pytest.approx(last["val_l1"], abs=1e-6)
    assert terms["val_ssim"].item() == pytest.approx(last["val_ssim"], abs=1e-6)


def test_validation_l1_is_that_of_whole_grey_levels(out: Path, pack: Path):
    system, _ = load_trained(out / "weights")
    opened = Pack(pack)
    raw = opened.read(opened.rows("val"))
    with torch.no_grad():
        generated = system.generate(normalise(raw, torch.device("cpu"))).numpy()
    levels = np.clip(np.rint((generated + 1) * 127.5), 0, 255)
    expected = np.abs(levels - raw["sketch"].numpy()).mean() / 255
    terms = validation_terms(system, opened, torch.device("cpu"))
    assert terms["val_l1"].item() == pytest.approx(expected, abs=1e-6)


class Recoloured:
    """Paints the true photo in another hue of the same brightness; or the true sketch."""

    def __init__(self, field: str) -> None:
        self.outputs = {field: Output(field)}

    def tally(self, batch, generated):
        return None

    def generate_all(self, batch):
        (field,) = self.outputs
        if field == "sketch":
            return {field: batch["sketch"].expand(-1, 3, -1, -1)}
        red, green, blue = batch["photo"].unbind(1)
        hue = torch.stack([red + 0.2 * LUMA[1], green - 0.2 * LUMA[0], blue], dim=1)
        return {field: hue}


@pytest.mark.parametrize(("field", "error"), [("photo", 0.02), ("sketch", 0)])
def test_validation_sees_colour_where_the_target_has_colour(tmp_path: Path, field: str, error):
    folder = write_pack(tmp_path / "pack")
    photos = np.load(folder / "photo.npy")
    np.save(folder / "photo.npy", np.full_like(photos, 128))  # all one grey
    about = json.loads((folder / "pack.json").read_text())
    about["inputs"], about["target"] = (
        (["sketch"], "photo") if field == "photo" else (["photo"], field)
    )
    (folder / "pack.json").write_text(json.dumps(about))
    terms = validation_terms(Recoloured(field), Pack(folder), torch.device("cpu"))
    assert terms["val_l1"] >= error
    assert bool(terms["val_ssim"] < 1) is bool(terms["val_l1"] > 0) is bool(error)


def test_without_validation_faces_nothing_is_validated(tmp_path: Path):
    pack = write_pack(tmp_path / "pack", 8, 0, 2)
    train(make_config(), pack, tmp_path / "out", tmp_path / "store")
    log = (tmp_path / "out" / "logs" / "steps.jsonl").read_text()
    assert len(log.splitlines()) == 12
    assert "val_" not in log


def rewrite(weights: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    path = weights / "model.safetensors"
    tensors = load_file(path)
    card = (weights / "model.json").read_text()
    change(tensors)
    save_file(tensors, path, metadata={"about": card})


KEY = "generator.last.weight"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.pop(KEY), f"1 weights do not fit the network: {KEY} missing"),
        (lambda t: t.update(more=torch.zeros(2)), "more not expected"),
        (
            lambda t: t.update({KEY: torch.zeros(8, 3, 5, 5)}),
            f"{KEY} is torch.float32 (8, 3, 5, 5), expected torch.float32 (8, 3, 3, 3)",
        ),
        (lambda t: t.update({KEY: t[KEY].half()}), f"{KEY} is torch.float16 (8, 3, 3, 3)"),
        (lambda t: t.clear(), "weights do not fit the network"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights: Path, change, words: str):
    load_trained(weights)
    rewrite(weights, change)
    with pytest.raises(SketchFaceError) as caught:
        load_trained(weights)
    assert str(caught.value).startswith(str(weights / "model.safetensors"))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_weights_are_refused(weights: Path):
    path = weights / "model.safetensors"
    whole = path.read_bytes()
    for content in (whole[:-1], b"", b"\x80\x04N.", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(SketchFaceError, match=r"model\.safetensors: not one of our"):
            load_trained(weights)
    save_file({"x": torch.zeros(1)}, path, metadata={"about": '{"step": 3}'})
    with pytest.raises(SketchFaceError, match="not the weights of a finished run"):
        load_trained(weights)
    path.unlink()
    with pytest.raises(SketchFaceError, match=r"model\.safetensors"):
        load_trained(weights)


def command(*arguments: object, before: str = "") -> subprocess.CompletedProcess[str]:
    """`python -m sketchface_models.train`, after the statements `before`."""
    code = f"""
import sys, runpy
{before}
import torch; torch.set_num_threads(1)
sys.argv = ["train", *{list(map(str, arguments))!r}]
runpy.run_module("sketchface_models.train", run_name="__main__", alter_sys=True)
"""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


# What a GPU machine without the data side does not have.
BARE_MACHINE = """
for name in ("pipeline", "app", "dvc", "dvclive", "mediapipe", "hydra", "omegaconf", "cv2",
             "pyarrow", "pandas", "joblib", "PIL", "skimage", "typer", "matplotlib"):
    sys.modules[name] = None
"""


def test_command_trains_on_a_machine_without_the_data_side(tmp_path: Path, out: Path, pack: Path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(make_config()))
    arguments = (config, pack, tmp_path / "out", "--store", tmp_path / "store")
    # Nor is there a git: only this interpreter's folder is searched for programs.
    before = BARE_MACHINE + f"import os; os.environ['PATH'] = {str(tmp_path)!r}\n"
    done = command(*arguments, before=before)
    assert done.returncode == 0, done.stderr
    name = Path("weights", "model.safetensors")
    assert (tmp_path / "out" / name).read_bytes() == (out / name).read_bytes()
    notes = json.loads((tmp_path / "out" / "logs" / "run.json").read_text())
    assert notes["commit"] == "unknown"
    assert notes["precision"] == "32-true"


def errors(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert all(line.startswith("error: ") for line in lines)
    return [line.removeprefix("error: ") for line in lines]


def test_command_lists_every_violation(tmp_path: Path, pack: Path):
    config = make_config(seed="0", model__network__width=0, engine__precision="16")
    del config["model"]["schedule"]["batch"]
    config["model"]["loss"]["l2"] = 1.0
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    lines = errors(command(path, pack, tmp_path / "out"))
    assert sorted(lines) == [
        "engine.precision: '16'; allowed: one of auto, 32-true, bf16-mixed",
        "model.loss.l2: 1.0; allowed: one of the keys l1, scale, adversarial",
        "model.network.width: 0; allowed: a whole number >= 1",
        "model.schedule.batch: missing; allowed: a whole number >= 1",
        "seed: '0'; allowed: a whole number",
    ]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda c: c.pop("engine"), ["engine: missing; allowed: a mapping of settings"]),
        (lambda c: c.pop("model"), ["model: missing; allowed: a mapping of settings"]),
        (lambda c: c.update(model=3), ["model: 3; allowed: a mapping of settings"]),
        (lambda c: c.update(seed=True), ["seed: True; allowed: a whole number"]),
        (lambda c: c.update(run=""), ["run: ''; allowed: a text not empty"]),
        (
            lambda c: c.update(sead=1),
            ["sead: 1; allowed: one of the keys run, seed, model, engine"],
        ),
        (lambda c: c["model"].pop("system"), ["system: None; allowed: one of pix2pix"]),
    ],
)
def test_wrong_configurations(tmp_path: Path, pack: Path, spoil, words: list[str]):
    config = make_config()
    spoil(config)
    with pytest.raises(SketchFaceError) as caught:
        train(config, pack, tmp_path / "out", tmp_path / "store")
    problems = str(caught.value).split("\n")
    assert all(line.startswith(word) for line, word in zip(problems, words, strict=True))
    assert list(tmp_path.iterdir()) == []


def test_a_configuration_that_is_no_mapping(tmp_path: Path, pack: Path):
    with pytest.raises(SketchFaceError, match="a mapping of settings"):
        train([], pack, tmp_path / "out", tmp_path / "store")  # type: ignore[arg-type]


def test_command_names_an_unreadable_configuration(tmp_path: Path, pack: Path):
    path = tmp_path / "config.json"
    path.write_text("{")
    (line,) = errors(command(path, pack, tmp_path / "out"))
    assert line.startswith(f"{path}: not a readable JSON file")


@pytest.mark.parametrize(
    ("task", "made"),
    [
        ({"inputs": ["sketch"]}, "sketch -> sketch at 64"),
        ({"target": "photo"}, "photo -> photo at 64"),
        ({"size": 128}, "photo -> sketch at 128"),
    ],
)
def test_a_pack_made_for_another_task_is_refused(tmp_path: Path, pack: Path, task, made: str):
    config = make_config()
    config["model"]["task"] |= task
    with pytest.raises(SketchFaceError) as caught:
        train(config, pack, tmp_path / "out", tmp_path / "store")
    assert str(caught.value) == (
        f"{pack}: made for photo -> sketch at 64, the run asks for {made}; rerun its pack stage"
    )


def test_a_pack_with_one_training_face_is_refused(tmp_path: Path):
    pack = write_pack(tmp_path / "pack", 1, 2, 2)
    with pytest.raises(SketchFaceError, match="fewer than two training faces"):
        train(make_config(), pack, tmp_path / "out", tmp_path / "store")


def test_learns_eight_pictures_by_heart(tmp_path: Path):
    pack = write_pack(tmp_path / "pack", 8, 0, 0)
    config = make_config(
        model__network={"width": 8, "dropout": 0.0, "init_std": 0.0},
        model__augment={"flip": False, "jitter": 0.0},
        engine__checkpoint_every=1000,
    )
    plan = {"steps": 120, "batch": 8, "lr_generator": 5e-3, "ema_half_life": 0.0}
    config["model"]["schedule"] |= plan
    train(config, pack, tmp_path / "out", tmp_path / "store")
    lines = (tmp_path / "out" / "logs" / "steps.jsonl").read_text().splitlines()
    first, last = (json.loads(line)["l1"] for line in (lines[0], lines[-1]))
    assert last < 0.15 * first
    opened = Pack(pack)
    batch = normalise(opened.read(opened.rows("train")), torch.device("cpu"))
    system, _ = load_trained(tmp_path / "out" / "weights")
    with torch.no_grad():
        generated = system.generate(batch)
    # No one picture for all eight could be nearer in L1 than their median.
    median = batch["sketch"].median(dim=0, keepdim=True).values
    without_looking = (median - batch["sketch"]).abs().mean()
    assert (generated - batch["sketch"]).abs().mean() < 0.5 * without_looking
