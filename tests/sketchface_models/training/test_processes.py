"""Several processes on the CPU (gloo) train as one does."""

import copy
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cyclegan_settings import PARAMS, small_run
from made_packs import make_config
from safetensors.torch import load_file
from tiny_systems import SYSTEMS, tiny_config
from torch import Tensor, nn

import sketchface_models
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems import registry
from sketchface_models.training.batchnorm import SyncBatchNorm2d, convert_batch_norms
from sketchface_models.training.distributed import launch, processes
from sketchface_models.training.engine_settings import Engine
from sketchface_models.training.run import train

ROOT = Path(sketchface_models.__file__).resolve().parents[1]
HERE = Path(__file__).parents[2] / "helpers"
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if "RANK" not in name},
    "PYTHONPATH": os.pathsep.join([str(ROOT), str(HERE)]),
    "OMP_NUM_THREADS": "1",
}
TOLERANCE = 1e-4
"""Relative, of every loss; sums over a batch are rounded in another order."""


class Program:
    """`train_tiny.py` in a folder of its own."""

    def __init__(self, folder: Path, pack: Path, config: dict[str, Any]) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.out = folder, folder / "out"
        (folder / "config.json").write_text(json.dumps(config))
        places = (folder / "config.json", pack, self.out, folder / "store")
        self.arguments = [str(HERE / "train_tiny.py"), *map(str, places)]

    def run(self, *mischief: str, launcher: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
        command = [sys.executable, *launcher, *self.arguments, *mischief]
        return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)

    def finished(self, *mischief: str, launcher: tuple[str, ...] = ()) -> "Program":
        done = self.run(*mischief, launcher=launcher)
        assert done.returncode == 0, done.stderr
        return self

    def here(self) -> "Program":
        """In this process instead of one of its own."""
        with pytest.MonkeyPatch.context() as patch:
            for name, cls in SYSTEMS.items():
                patch.setitem(registry.SYSTEMS, name, cls)
            config, *places = (Path(path) for path in self.arguments[1:])
            train(json.loads(config.read_text()), *places)
        return self

    def lines(self) -> list[dict[str, float]]:
        text = (self.out / "logs" / "steps.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def notes(self) -> dict[str, Any]:
        return json.loads((self.out / "logs" / "run.json").read_text())

    def weights(self) -> dict[str, Tensor]:
        return load_file(self.out / "weights" / "model.safetensors")

    def bytes(self) -> bytes:
        return (self.out / "weights" / "model.safetensors").read_bytes()


def assert_alike(one: Program, two: Program) -> None:
    """Every logged number and every weight, within `TOLERANCE`."""
    for line, other in zip(one.lines(), two.lines(), strict=True):
        assert line.keys() == other.keys()
        assert other == pytest.approx(line, rel=TOLERANCE, abs=TOLERANCE / 10)
    others = two.weights()
    for name, weight in one.weights().items():
        torch.testing.assert_close(others[name], weight, rtol=TOLERANCE, atol=TOLERANCE)


def test_two_processes_equal_one_with_the_same_batch(tmp_path: Path, pack: Path):
    one = Program(tmp_path / "one", pack, tiny_config("tiny", precision="32-true")).here()
    two = Program(
        tmp_path / "two", pack, tiny_config("tiny", devices=2, precision="32-true")
    ).finished()
    assert_alike(one, two)
    assert (one.notes()["processes"], two.notes()["processes"]) == (1, 2)
    assert one.lines()[-1]["l1"] < 0.8 * one.lines()[0]["l1"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "system", ["locks", "phases", "shared", "frozen", "innercritics", "spectral"]
)
def test_two_processes_equal_one_under_other_rules(
    tmp_path: Path, pack: Path, unpaired_pack: Path, system: str
):
    pack = unpaired_pack if system == "spectral" else pack
    config = tiny_config(system, precision="32-true")
    one = Program(tmp_path / "one", pack, config).here()
    config["engine"]["devices"] = 2
    two = Program(tmp_path / "two", pack, config).finished()
    assert_alike(one, two)


@pytest.mark.slow
def test_two_processes_equal_one_on_the_papers_system(tmp_path: Path, pack: Path):
    """Its rounding errors grow, here as when the faces of a batch change places in one process."""
    config = make_config(model__network__dropout=0.0, model__schedule__batch=8)
    config["model"]["network"]["discriminator_dropout"] = 0.0
    one = Program(tmp_path / "one", pack, config).here()
    config["engine"]["devices"] = 2
    two = Program(tmp_path / "two", pack, config).finished()
    terms = ("l1", "adversarial", "generator")
    for line, other in zip(one.lines(), two.lines(), strict=True):
        tolerance = 1e-5 if line["step"] == 0 else 2e-2
        for term in terms:
            assert other[term] == pytest.approx(line[term], rel=tolerance)


@pytest.mark.slow
def test_two_processes_equal_one_on_spade(tmp_path: Path, pack: Path):
    """Batch norms of the whole batch, spectral norms, two scales and an average, all at once."""
    about = json.loads((pack / "pack.json").read_text())
    about |= {"fields": {"parsing": 1, "photo": 3}, "inputs": ["parsing"], "target": "photo"}
    maps = tmp_path / "maps"
    maps.mkdir()
    (maps / "pack.json").write_text(json.dumps(about))
    np.save(maps / "parsing.npy", (np.load(pack / "sketch.npy") < 128).astype(np.uint8))
    np.save(maps / "photo.npy", np.load(pack / "photo.npy"))
    config = make_config()
    config["model"] = copy.deepcopy(PARAMS["systems"]["spade-released"])
    config["model"]["task"] |= {"size": 64}
    config["model"]["network"] |= {"width": 4, "discriminator_width": 4}
    config["model"]["coarse"] |= {"until": 0.0}
    config["model"]["loss"] |= {"perceptual": "none"}
    config["model"]["schedule"] |= {"steps": 6, "batch": 4}
    one = Program(tmp_path / "one", maps, config).here()
    config["engine"]["devices"] = 2
    two = Program(tmp_path / "two", maps, config).finished()
    terms = ("adversarial", "feature_matching", "generator", "discriminator")
    for line, other in zip(one.lines(), two.lines(), strict=True):
        tolerance = 1e-5 if line["step"] == 0 else 1e-3
        for term in terms:
            assert other[term] == pytest.approx(line[term], rel=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("system", ["pool", "cyclegan"])
def test_two_processes_resume_exactly_pools_included(
    tmp_path: Path, pack: Path, unpaired_pack: Path, system: str
):
    config = tiny_config("pool", devices=2, checkpoint_every=5)
    if system == "cyclegan":
        pack, config = unpaired_pack, small_run(devices=2, checkpoint_every=5)
    straight = Program(tmp_path / "straight", pack, config).finished()
    broken = Program(tmp_path / "broken", pack, config)
    assert broken.run("kill", "9").returncode == -signal.SIGKILL
    assert not broken.out.exists()
    (checkpoint,) = (broken.folder / "store").rglob("state.safetensors")
    state = load_file(checkpoint)
    pools = [pool for name, pool in state.items() if name.startswith("system/")]
    assert pools
    assert not any(torch.equal(*each) for each in pools)  # each process has its own fakes
    broken.finished()
    assert broken.notes()["resumed_at"] == 5
    assert broken.bytes() == straight.bytes()
    assert broken.lines() == straight.lines()


@pytest.mark.slow
def test_torchrun_starts_the_processes_itself(tmp_path: Path, pack: Path):
    started = Program(tmp_path / "started", pack, tiny_config("tiny", devices=2)).finished()
    ours = Program(tmp_path / "ours", pack, tiny_config("tiny"))  # says devices: 1
    launcher = ("-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone")
    ours.finished(launcher=launcher)
    assert ours.notes()["processes"] == 2
    assert ours.bytes() == started.bytes() or ours.lines() == started.lines()


def test_what_is_wrong_is_said_once(tmp_path: Path, pack: Path):
    program = Program(tmp_path / "p", pack, tiny_config("poisoned", devices=2))
    done = program.run()
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: step 3: critic is nan")
    assert lines[0].count("face-") == 8  # of both processes


@pytest.mark.slow
def test_a_batch_that_does_not_share_out_is_refused(tmp_path: Path, pack: Path):
    config = tiny_config("tiny", devices=2)
    config["model"]["schedule"]["batch"] = 5
    done = Program(tmp_path / "p", pack, config).run()
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.strip()] == [
        "error: schedule.batch: 5 faces do not share out evenly over 2 processes; choose a "
        "multiple of 2, such as 6"
    ]


@pytest.mark.slow
def test_the_end_of_one_process_ends_the_others(tmp_path: Path, pack: Path):
    config = tiny_config("tiny", devices=2)
    config["model"]["schedule"]["steps"] = 3000
    program = Program(tmp_path / "p", pack, config)
    running = subprocess.Popen(
        [sys.executable, *program.arguments], stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    states = program.folder / "store"
    while not list(states.glob("*/state.safetensors")):
        assert running.poll() is None
        time.sleep(0.1)
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    [child] = [int(pid) for pid in children]
    os.kill(child, signal.SIGKILL)
    _, stderr = running.communicate(timeout=60)
    assert running.returncode in (1, -signal.SIGKILL)
    assert "Traceback" not in stderr


def engine(device: str, devices: int) -> Engine:
    return Engine(device, "32-true", 1, 1, devices=devices)


def test_how_many_processes(monkeypatch: pytest.MonkeyPatch):
    for name in ("SLURM_NTASKS", "TORCHELASTIC_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    assert processes(engine("cpu", 3)) == (3, 1)
    assert processes(engine("cpu", 0)) == (1, 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert processes(engine("cuda", 0)) == (4, 1)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    monkeypatch.setenv("WORLD_SIZE", "8")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert processes(engine("cuda", 1)) == (4, 2)
    monkeypatch.delenv("TORCHELASTIC_RUN_ID")
    monkeypatch.setenv("SLURM_NTASKS", "6")
    monkeypatch.setenv("SLURM_NTASKS_PER_NODE", "3")
    monkeypatch.setenv("SLURM_NNODES", "2")
    monkeypatch.setenv("SLURM_JOB_NAME", "train")
    assert processes(engine("cuda", 1)) == (3, 2)


def test_more_gpus_than_there_are_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(SketchFaceError, match=r"^engine\.devices: 2; this machine has 1 GPU"):
        launch(engine("cuda", 2))


SHARED = """
import torch
from lightning_fabric import Fabric
from torch import nn
from sketchface_models.training.batchnorm import (
    SyncBatchNorm1d, SyncBatchNorm2d, convert_batch_norms
)
from sketchface_models.training.distributed import UnwrappedDDPStrategy

fabric = Fabric(accelerator="cpu", devices=2, strategy=UnwrappedDDPStrategy())
fabric.launch()
rank = fabric.global_rank

def near(a, b):
    torch.testing.assert_close(a, b, rtol=2e-4, atol=2e-5)

def compare(kind, converted, options, *inner):
    torch.manual_seed(0)
    x = 50 + 3 * torch.randn(6, 4, *inner)  # far from zero: squares minus squares would not do
    weights = torch.randn(6, 4, *inner)
    whole = nn.Sequential(kind(4, **options))
    shared = nn.Sequential(kind(4, **options))
    if whole[0].affine:
        for network in (whole, shared):
            torch.manual_seed(1)
            nn.init.normal_(network[0].weight)
            nn.init.normal_(network[0].bias)
    convert_batch_norms(shared)
    assert type(shared[0]) is converted
    mine = slice(rank, None, 2)

    for turn in range(3):
        a = (x + turn).requires_grad_()
        b = (x + turn)[mine].detach().requires_grad_()
        ya, yb = whole(a), shared(b)
        near(yb, ya[mine])
        (ya.sin() * weights).sum().backward()
        (yb.sin() * weights[mine]).sum().backward()
        near(b.grad, a.grad[mine])
        for p, q in zip(whole.parameters(), shared.parameters()):
            total = fabric.all_reduce(q.grad, reduce_op="sum")
            near(total, p.grad)
        whole.zero_grad(); shared.zero_grad()
    for (name, p), (_, q) in zip(whole.named_buffers(), shared.named_buffers(), strict=True):
        near(q, p)
    # A second derivative, as gradient penalties take it.
    a, b = x.clone().requires_grad_(), x[mine].clone().requires_grad_()
    (ga,) = torch.autograd.grad((whole(a).sin() * weights).sum(), a, create_graph=True)
    (gb,) = torch.autograd.grad((shared(b).sin() * weights[mine]).sum(), b, create_graph=True)
    near(gb, ga[mine])
    (ha,) = torch.autograd.grad((ga**2).sum(), a)
    (hb,) = torch.autograd.grad((gb**2).sum(), b)
    near(hb, ha[mine])
    whole.eval(); shared.eval()
    near(shared(x[mine]), whole(x[mine]))
    low = shared.train()(x[mine].bfloat16())
    assert low.dtype == torch.bfloat16
    assert shared.state_dict().keys() == whole.state_dict().keys()

bare, slow = {"affine": False, "track_running_stats": False}, {"momentum": None, "eps": 1e-3}
for options in ({}, bare, slow):
    compare(nn.BatchNorm2d, SyncBatchNorm2d, options, 5, 7)
    compare(nn.BatchNorm1d, SyncBatchNorm1d, options)
    compare(nn.BatchNorm1d, SyncBatchNorm1d, options, 9)
print("done", rank)
"""


def test_synchronised_batch_norm_is_that_of_the_whole_batch(tmp_path: Path):
    """Forward, backward, second derivatives, running statistics; also without weights."""
    script = tmp_path / "shared.py"
    script.write_text(SHARED)
    command = [sys.executable, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    # Both write to one pipe, so their words may interleave.
    assert sorted(done.stdout.replace(" ", "").replace("\n", "")) == sorted("done0done1")


def test_batch_norms_alone_are_synchronised_and_stay_the_same_objects():
    networks = nn.ModuleDict({"a": nn.Sequential(nn.BatchNorm2d(2), nn.InstanceNorm2d(2))})
    weight = networks["a"][0].weight
    convert_batch_norms(networks)
    assert isinstance(networks["a"][0], SyncBatchNorm2d)
    assert networks["a"][0].weight is weight
    assert type(networks["a"][1]) is nn.InstanceNorm2d
