"""What goes wrong while training: numbers, memory, disk, spoilt and half-written checkpoints."""

import json
import math
from pathlib import Path

import pytest
import torch
from test_processes import Program
from tiny_systems import SYSTEMS, Poisoned, tiny_config
from torch.optim import Adam

from sketchface_models.checkpoint import load_tensors, save_tensors
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems import registry
from sketchface_models.training.guards import one_line_resource_errors
from sketchface_models.training.log import Lines
from sketchface_models.training.pack_reader import Pack
from sketchface_models.training.run import train


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, cls in SYSTEMS.items():
        monkeypatch.setitem(registry.SYSTEMS, name, cls)


def store_of(program: Program) -> Path:
    (store,) = (program.folder / "store").iterdir()
    return store


def refused(program: Program) -> str:
    with pytest.raises(SketchFaceError) as caught:
        program.here()
    assert "\n" not in str(caught.value)
    assert not program.out.exists()
    return str(caught.value)


def test_stop_names_step_term_and_faces_and_keeps_the_last_good_state(tmp_path: Path, pack: Path):
    program = Program(tmp_path / "p", pack, tiny_config("poisoned", checkpoint_every=2))
    message = refused(program)
    assert message.startswith("step 3: critic is nan; lower the learning rate")
    faces = message.split(": ")[-1].split(", ")
    assert len(faces) == 8
    assert set(faces) <= set(Pack(pack).ids)
    tensors, about = load_tensors(store_of(program) / "state.safetensors")
    assert about["step"] == 2
    assert all(t.isfinite().all() for t in tensors.values() if t.is_floating_point())


def test_a_gradient_that_is_not_finite_stops_as_well(
    tmp_path: Path, pack: Path, monkeypatch: pytest.MonkeyPatch
):
    class Kink(SYSTEMS["tiny"]):
        """A finite loss whose slope is infinite."""

        def training_step(self, batch, clock, update):
            loss = self.networks["critic"](batch["sketch"]).square().mean()
            zero = (loss - loss.detach()).clamp(min=0)
            return {"critic": update("critic", loss + zero.sqrt() if clock.step == 2 else loss)}

    monkeypatch.setitem(registry.SYSTEMS, "tiny", Kink)
    program = Program(tmp_path / "p", pack, tiny_config("tiny"))
    config = json.loads((program.folder / "config.json").read_text())
    with pytest.raises(SketchFaceError, match=r"^step 2: grad_critic is (nan|inf); .*face-"):
        train(config, pack, program.out, program.folder / "store")


def test_skip_leaves_the_update_out_and_counts_it(tmp_path: Path, pack: Path):
    program = Program(tmp_path / "p", pack, tiny_config("poisoned", on_nonfinite="skip")).here()
    lines = program.lines()
    assert {line["step"]: line["skipped"] for line in lines if "skipped" in line} == {3: 2, 7: 2}
    for line in lines:
        assert all(math.isfinite(value) for value in line.values())
        assert ("generator" in line) == ("grad_critic" in line) == (line["step"] not in (3, 7))
    assert program.notes()["skipped_updates"] == 4
    weights = program.weights()
    assert all(t.isfinite().all() for t in weights.values() if t.is_floating_point())


def test_a_skipped_step_leaves_weights_optimizers_and_statistics_alone(
    tmp_path: Path, pack: Path, monkeypatch: pytest.MonkeyPatch
):
    """The states before and after it differ in nothing but the average's and the step."""
    monkeypatch.setattr(Poisoned, "bad", (3,))
    states = {}
    for steps in (3, 4):
        config = tiny_config("poisoned", on_nonfinite="skip", checkpoint_every=steps)
        program = Program(tmp_path / str(steps), pack, config)

        class Enough(Exception):
            pass

        def stop(lines: Lines, steps: int = steps) -> None:
            if lines[-1][0] >= steps:
                raise Enough

        with pytest.raises(Enough):
            train(config, pack, program.out, program.folder / "store", (stop,))
        name = "state.safetensors"
        states[steps], about = load_tensors(store_of(program) / name)
        if about["step"] != steps:
            states[steps], about = load_tensors(store_of(program) / "state.previous.safetensors")
        assert about["step"] == steps
    compared = [n for n in states[3] if n.startswith(("network", "optimizer")) and "num_b" not in n]
    assert len(compared) > 20
    for name in compared:
        assert torch.equal(states[3][name], states[4][name]), name


def test_skip_without_a_fault_is_the_very_same_run(tmp_path: Path, pack: Path):
    stop = Program(tmp_path / "stop", pack, tiny_config("tiny")).here()
    skip = Program(tmp_path / "skip", pack, tiny_config("tiny", on_nonfinite="skip")).here()
    assert skip.lines() == stop.lines()
    weights = skip.weights()
    assert all(torch.equal(weights[name], tensor) for name, tensor in stop.weights().items())


def test_a_stopped_run_goes_on_with_skip_from_its_last_state(tmp_path: Path, pack: Path):
    straight = Program(
        tmp_path / "s", pack, tiny_config("poisoned", on_nonfinite="skip", checkpoint_every=2)
    ).here()
    program = Program(tmp_path / "p", pack, tiny_config("poisoned", checkpoint_every=2))
    refused(program)
    again = tiny_config("poisoned", on_nonfinite="skip", checkpoint_every=2)
    (program.folder / "config.json").write_text(json.dumps(again))
    program.here()
    assert program.notes()["resumed_at"] == 2
    assert program.lines() == straight.lines()


def test_skip_does_not_go_on_for_ever(tmp_path: Path, pack: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Poisoned, "bad", range(5, 100))
    config = tiny_config("poisoned", on_nonfinite="skip", checkpoint_every=50)
    config["model"]["schedule"]["steps"] = 60
    message = refused(Program(tmp_path / "p", pack, config))
    assert message == (
        "step 24: updates of the last 20 steps were not finite; lower the learning rate"
    )


def test_skip_needs_optimizers_that_can(
    tmp_path: Path, pack: Path, monkeypatch: pytest.MonkeyPatch
):
    plain = staticmethod(lambda rate, network: Adam(network.parameters(), lr=rate))
    monkeypatch.setattr(SYSTEMS["tiny"], "_adam", plain)
    message = refused(Program(tmp_path / "p", pack, tiny_config("tiny", on_nonfinite="skip")))
    assert message.startswith("engine.on_nonfinite: skip needs optimizers with fused=True; gener")


def test_out_of_memory_names_what_to_lower(tmp_path: Path, pack: Path):
    message = refused(Program(tmp_path / "p", pack, tiny_config("greedy")))
    assert message == (
        "out of memory with batches of 8 at 64 pixels; lower schedule.batch or task.size"
    )


def test_other_failures_are_not_dressed_up():
    with pytest.raises(RuntimeError, match=r"^shapes differ$"), one_line_resource_errors(8, 64):
        raise RuntimeError("shapes differ")
    with pytest.raises(FileNotFoundError), one_line_resource_errors(8, 64):
        Path("not/there").read_text()
    with (
        pytest.raises(SketchFaceError, match=r"lower schedule\.batch"),
        one_line_resource_errors(8, 64),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_a_full_disk_leaves_the_earlier_checkpoint_whole(tmp_path: Path, pack: Path):
    straight = Program(tmp_path / "straight", pack, tiny_config("tiny", checkpoint_every=3)).here()
    program = Program(tmp_path / "p", pack, tiny_config("tiny", checkpoint_every=3))
    done = program.run("limit", "5")  # seen before the second checkpoint is written
    assert done.returncode == 1
    [line] = [line for line in done.stderr.splitlines() if line.strip()]
    assert line.startswith(f"error: {store_of(program) / 'state.safetensors'}: cannot be written")
    assert "File too large" in line
    assert load_tensors(store_of(program) / "state.safetensors")[1]["step"] == 3
    left = {path.name for path in store_of(program).iterdir()}
    assert not any(name.startswith(".") for name in left)  # no half-written file
    program.here()
    assert program.notes()["resumed_at"] == 3
    assert program.bytes() == straight.bytes()
    assert program.lines() == straight.lines()


def test_a_full_disk_under_the_log():
    words = r"^/x: No space left.* free some space"
    with pytest.raises(SketchFaceError, match=words), one_line_resource_errors(8, 64):
        raise OSError(28, "No space left on device", "/x")


class Stopped(Exception):
    """The power went."""


def interrupted(program: Program, pack: Path, last: int) -> None:
    def stop(lines: Lines) -> None:
        if lines[-1][0] >= last:
            raise Stopped

    config = json.loads((program.folder / "config.json").read_text())
    with pytest.raises(Stopped):
        train(config, pack, program.out, program.folder / "store", (stop,))


@pytest.mark.parametrize("fault", ["truncated", "empty", "foreign", "other run", "gone"])
def test_the_checkpoint_before_a_spoilt_one_is_used(
    tmp_path: Path, pack: Path, fault: str, capsys: pytest.CaptureFixture[str]
):
    config = tiny_config("tiny", checkpoint_every=2)
    straight = Program(tmp_path / "straight", pack, config).here()
    program = Program(tmp_path / "p", pack, config)
    interrupted(program, pack, 9)
    newest = store_of(program) / "state.safetensors"
    tensors, about = load_tensors(newest)
    assert about["step"] == 8
    if fault == "truncated":
        newest.write_bytes(newest.read_bytes()[:-7])
    elif fault == "empty":
        newest.write_bytes(b"")
    elif fault == "foreign":
        save_tensors(newest, {"network.critic/0.weight": torch.zeros(3)}, about)
    elif fault == "other run":
        save_tensors(newest, tensors, about | {"run": "0" * 32})
    else:
        newest.unlink()
    capsys.readouterr()
    program.here()
    printed = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    assert len(printed) == (0 if fault == "gone" else 1)
    if printed:
        assert printed[0].startswith(f"warning: {newest}: ")
        assert printed[0].endswith("; going on from state.previous.safetensors")
    assert program.notes()["resumed_at"] == 6
    assert program.bytes() == straight.bytes()
    assert program.lines() == straight.lines()


def test_a_refused_checkpoint_never_takes_the_place_of_a_good_one(tmp_path: Path, pack: Path):
    config = tiny_config("tiny", checkpoint_every=2)
    program = Program(tmp_path / "p", pack, config)
    interrupted(program, pack, 9)
    store = store_of(program)
    (store / "state.safetensors").write_bytes(b"spoilt")
    interrupted(program, pack, 8 + 1)  # goes on from 6, and saves at 8 once more
    assert load_tensors(store / "state.safetensors")[1]["step"] == 8
    assert load_tensors(store / "state.previous.safetensors")[1]["step"] == 6


def test_a_state_made_otherwise_is_named_and_left_alone(
    tmp_path: Path, pack: Path, capsys: pytest.CaptureFixture[str]
):
    program = Program(tmp_path / "p", pack, tiny_config("tiny", checkpoint_every=2))
    interrupted(program, pack, 9)
    left = store_of(program)
    torch.set_num_threads(2)
    program.here()
    printed = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note")]
    assert len(printed) == 1
    assert str(left) in printed[0]
    assert "threads 1" in printed[0]
    assert program.notes()["resumed_at"] == 0
    assert (left / "state.safetensors").exists()


def test_sessions_are_recorded(tmp_path: Path, pack: Path):
    program = Program(tmp_path / "p", pack, tiny_config("tiny", checkpoint_every=2))
    interrupted(program, pack, 5)
    interrupted(program, pack, 9)
    program.here()
    notes = program.notes()
    assert [session["from_step"] for session in notes["earlier_sessions"]] == [0, 4]
    assert all(session["threads"] == 1 for session in notes["earlier_sessions"])


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"checkpoint_every": 3}, {"checkpoint_every": 100}),
        ({"checkpoint_every": 3}, {"checkpoint_every": 3, "checkpoint_minutes": 0.001}),
        ({"checkpoint_every": 3, "device": "cpu"}, {"checkpoint_every": 3, "device": "auto"}),
    ],
)
def test_settings_without_effect_do_not_part_runs(
    tmp_path: Path, pack: Path, first: dict, then: dict
):
    if torch.cuda.is_available():
        then = then | {"device": "cpu"}
    straight = Program(tmp_path / "s", pack, tiny_config("tiny")).here()
    program = Program(tmp_path / "p", pack, tiny_config("tiny", **first))
    interrupted(program, pack, 8)
    (program.folder / "config.json").write_text(json.dumps(tiny_config("tiny", **then)))
    program.here()
    assert program.notes()["resumed_at"] == 6
    assert program.bytes() == straight.bytes()


def test_minutes_make_checkpoints_and_change_nothing(
    tmp_path: Path, pack: Path, monkeypatch: pytest.MonkeyPatch
):
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    by_steps = Program(tmp_path / "steps", pack, tiny_config("tiny", checkpoint_every=100)).here()
    config = tiny_config("tiny", checkpoint_every=100, checkpoint_minutes=2.0)
    program = Program(tmp_path / "minutes", pack, config)
    seen = []

    class Slow(SYSTEMS["tiny"]):
        """Thirty seconds a step."""

        def training_step(self, batch, clock, update):
            nonlocal now
            now += 30
            state = store_of(program) / "state.safetensors"
            seen.append(load_tensors(state)[1]["step"] if state.exists() else 0)
            return super().training_step(batch, clock, update)

    monkeypatch.setitem(SYSTEMS, "tiny", Slow)
    program.here()
    assert seen[1:] == [0] * 4 + [4] * 4 + [8] * 4  # the first call only counted the cost
    assert program.bytes() == by_steps.bytes()
    assert program.lines() == by_steps.lines()
