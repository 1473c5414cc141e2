"""An interrupted run ends as if it had never been interrupted, and no other run goes on from it."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from made_packs import make_config
from safetensors.torch import save_file

import sketchface_models
from sketchface_models import checkpoint
from sketchface_models.errors import SketchFaceError
from sketchface_models.training import fingerprint
from sketchface_models.training.log import Lines, Observer
from sketchface_models.training.run import train

ROOT = Path(sketchface_models.__file__).resolve().parents[1]


class Interrupted(Exception):
    """The power went."""


def interrupt_at(last: int) -> Observer:
    def observe(lines: Lines) -> None:
        if lines[-1][0] >= last:
            raise Interrupted

    return observe


class Workspace:
    """A folder to train in."""

    def __init__(self, folder: Path, pack: Path) -> None:
        self.folder, self.pack = folder, pack
        self.out, self.store = folder / "out", folder / "store"

    def train(self, *observers: Observer, pack: Path | None = None, **changes: object) -> None:
        train(make_config(**changes), pack or self.pack, self.out, self.store, observers)

    def interrupted(self, last: int = 5, **changes: object) -> Path:
        """Train until the lines of step `last` are out; the folder that waits to be resumed."""
        before = self.runs()
        with pytest.raises(Interrupted):
            self.train(interrupt_at(last), **changes)
        (workspace,) = self.runs() - before
        return workspace

    def runs(self) -> set[Path]:
        return set(self.store.iterdir()) if self.store.exists() else set()

    def weights(self) -> bytes:
        return (self.out / "weights" / "model.safetensors").read_bytes()

    def steps(self) -> str:
        return (self.out / "logs" / "steps.jsonl").read_text()

    def resumed_at(self) -> int:
        return json.loads((self.out / "logs" / "run.json").read_text())["resumed_at"]


@pytest.fixture
def workspace(tmp_path: Path, pack: Path) -> Workspace:
    return Workspace(tmp_path, pack)


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory, pack: Path) -> Workspace:
    """Twelve steps (three epochs, the rates falling) without an interruption."""
    torch.set_num_threads(1)
    whole = Workspace(tmp_path_factory.mktemp("straight"), pack)
    whole.train()
    return whole


def test_an_uninterrupted_run_leaves_everything_and_no_state(straight: Workspace, pack: Path):
    lines = [json.loads(line) for line in straight.steps().splitlines()]
    assert [line["step"] for line in lines] == list(range(12))
    always = {"step", "generator", "adversarial", "l1", "grad_generator"}
    always |= {"lr_generator", "lr_discriminator"}
    for line in lines:
        assert always <= line.keys()
        learned = line["step"] // 4 % 2 == 0
        assert ("discriminator" in line) == ("grad_discriminator" in line) == learned
        assert ("val_l1" in line) == ("val_ssim" in line) == (line["step"] in (4, 9, 11))
    assert straight.runs() == set()
    card = json.loads((straight.out / "weights" / "model.json").read_text())
    assert card["steps"] == 12
    assert card["images"] == 48
    assert card["channels"] == {"photo": 3, "sketch": 1}
    assert straight.resumed_at() == 0
    assert {path.name for path in straight.out.iterdir()} == {"weights", "logs"}


def test_training_twice_gives_the_same_bytes(straight: Workspace, workspace: Workspace):
    torch.manual_seed(1234)
    np.random.seed(1234)
    workspace.train()
    assert workspace.weights() == straight.weights()
    assert workspace.steps() == straight.steps()


@pytest.mark.parametrize(("last", "checkpoint"), [(2, 0), (5, 3), (8, 6), (11, 9)])
def test_resumed_equals_straight(
    straight: Workspace, workspace: Workspace, last: int, checkpoint: int
):
    # The lines of the last three steps are out already, but the state is older.
    waiting = workspace.interrupted(last)
    assert not workspace.out.exists()
    assert len((waiting / "steps.jsonl").read_text().splitlines()) == last + 1
    workspace.train()
    assert workspace.resumed_at() == checkpoint
    assert workspace.weights() == straight.weights()
    assert workspace.steps() == straight.steps()
    assert workspace.runs() == set()


def test_resumed_twice_equals_straight(straight: Workspace, workspace: Workspace):
    workspace.interrupted(5)
    with pytest.raises(Interrupted):
        workspace.train(interrupt_at(8))
    workspace.train()
    assert workspace.resumed_at() == 6
    assert workspace.weights() == straight.weights()
    assert workspace.steps() == straight.steps()


def test_resumed_equals_straight_at_full_stretch(tmp_path: Path, pack: Path):
    """No average, no dropout, discriminator always, batches that straddle epochs."""
    changes = {
        "model__schedule__ema_half_life": 0.0,
        "model__schedule__batch": 5,
        "model__network__dropout": 0.0,
        "model__network__discriminator_dropout": 0.0,
        "model__conditional__timer": 1,
    }
    one, two = Workspace(tmp_path / "1", pack), Workspace(tmp_path / "2", pack)
    one.train(**changes)
    two.interrupted(8, **changes)
    two.train(**changes)
    assert two.resumed_at() == 6
    assert two.weights() == one.weights()
    assert two.steps() == one.steps()


KILLED = """
import json, os, signal, sys
from pathlib import Path
import torch
from sketchface_models import atomic
from sketchface_models.training.run import train
torch.set_num_threads(1)
config, pack, out, store, when = json.loads(sys.argv[1])
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
observers = ()
if when == "logging":
    observers = (lambda lines: die() if lines[-1][0] >= 8 else None,)
else:  # the third checkpoint is written, but has not taken its place
    keep, count = atomic._sync, iter(range(99))
    def sync(path):
        if ".state.safetensors." in path.name and next(count) == 2: die()
        keep(path)
    atomic._sync = sync
train(config, Path(pack), Path(out), Path(store), observers)
"""


@pytest.mark.parametrize("when", ["logging", "saving"])
def test_killed_process_is_resumed(straight: Workspace, workspace: Workspace, when: str):
    arguments = [make_config(), *map(str, (workspace.pack, workspace.out, workspace.store)), when]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, json.dumps(arguments)], cwd=ROOT, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert not workspace.out.exists()
    workspace.train()
    assert workspace.resumed_at() == 6
    assert workspace.weights() == straight.weights()
    assert workspace.steps() == straight.steps()


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"run": "other"},
        {"model__schedule__lr_generator": 1e-3},
        {"engine__validate_every": 6},
    ],
)
def test_another_run_never_goes_on_from_it(workspace: Workspace, changes: dict[str, object]):
    waiting = workspace.interrupted()
    before = contents(waiting)
    workspace.train(**changes)
    assert workspace.resumed_at() == 0
    assert workspace.runs() == {waiting}
    assert contents(waiting) == before


def test_another_pack_never_goes_on_from_it(workspace: Workspace, tmp_path: Path):
    waiting = workspace.interrupted()
    other = shutil.copytree(workspace.pack, tmp_path / "other")
    pictures = np.load(other / "photo.npy")
    pictures[0, 0, 0, 0] ^= 1
    np.save(other / "photo.npy", pictures)
    workspace.train(pack=other)
    assert workspace.resumed_at() == 0
    assert workspace.runs() == {waiting}


def test_a_copied_pack_does(workspace: Workspace, tmp_path: Path):
    workspace.interrupted()
    workspace.train(pack=shutil.copytree(workspace.pack, tmp_path / "copy"))
    assert workspace.resumed_at() == 3


def test_other_code_never_goes_on_from_it(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    waiting = workspace.interrupted()
    package = Path(sketchface_models.__file__).parent
    copied = shutil.copytree(package, tmp_path / "code" / "sketchface_models")
    same = fingerprint.code_hash()
    monkeypatch.setattr(sketchface_models, "__file__", str(copied / "__init__.py"))
    assert fingerprint.code_hash() == same
    with (copied / "training" / "feed.py").open("a") as file:
        file.write("# changed\n")
    workspace.train()
    assert workspace.resumed_at() == 0
    assert workspace.runs() == {waiting}


def test_a_second_process_on_the_same_run_is_refused_in_one_line(workspace: Workspace):
    refused = []

    def start_again(lines: Lines) -> None:
        with pytest.raises(SketchFaceError) as caught:
            workspace.train()
        refused.append(str(caught.value))

    workspace.train(start_again)
    assert len(refused) == 4
    assert all("another process trains this very run" in line for line in refused)
    assert "\n" not in refused[0]
    assert workspace.weights()  # the first was not disturbed


def truncate(state: Path) -> None:
    state.write_bytes(state.read_bytes()[:-100])


def empty(state: Path) -> None:
    state.write_bytes(b"")


def foreign(state: Path) -> None:
    save_file({"x": torch.zeros(3)}, state)


def finished(state: Path) -> None:
    save_file({"x": torch.zeros(3)}, state, metadata={"about": '{"model": {}}'})


def other_run(state: Path) -> None:
    tensors, about = checkpoint.load_tensors(state)
    checkpoint.save_tensors(state, tensors, about | {"run": "0" * 32})


def other_network(state: Path) -> None:
    _, about = checkpoint.load_tensors(state)
    checkpoint.save_tensors(state, {"network.generator/x": torch.zeros(3)}, about)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (truncate, "not one of our safetensors files"),
        (empty, "not one of our safetensors files"),
        (foreign, "not one of our safetensors files"),
        (finished, "no checkpoint of this run; remove it"),
        (other_run, "no checkpoint of this run; remove it"),
        (other_network, "weights do not fit the network"),
    ],
)
def test_a_spoilt_state_is_refused_and_its_removal_mends_it(
    straight: Workspace, workspace: Workspace, spoil: Callable[[Path], None], words: str
):
    state = workspace.interrupted() / "state.safetensors"
    spoil(state)
    with pytest.raises(SketchFaceError) as caught:
        workspace.train()
    assert str(state) in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    state.unlink()
    workspace.train()
    assert workspace.resumed_at() == 0
    assert workspace.weights() == straight.weights()
    assert workspace.steps() == straight.steps()


@pytest.mark.parametrize(
    ("rate", "message", "steps"),
    [
        (1e38, r"^step 1: discriminator is nan; lower the learning rate", 1),
        # Here step 0 ends with a finite loss and infinite weights, which are not to be kept.
        (1e39, r"^step 0: network\.generator/\S+ is no longer finite; lower the learning", None),
    ],
)
def test_what_blows_up_stops_the_run_and_keeps_the_last_good_state(
    workspace: Workspace, rate: float, message: str, steps: int | None
):
    changes = {"model__schedule__lr_generator": rate, "engine__checkpoint_every": 1}
    for _ in range(2):  # started again, it says the same
        with pytest.raises(SketchFaceError, match=message):
            workspace.train(**changes)
    assert not workspace.out.exists()
    (waiting,) = workspace.runs()
    state = waiting / "state.safetensors"
    assert state.exists() == (steps is not None)
    if steps is not None:
        tensors, about = checkpoint.load_tensors(state)
        assert all(tensor.isfinite().all() for tensor in tensors.values())
        assert about["step"] == steps == len((waiting / "steps.jsonl").read_text().splitlines())
