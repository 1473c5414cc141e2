"""The running average, the rates' decay, the step log, the settings."""

import copy
import json
import math
from pathlib import Path

import pytest
import torch
from made_packs import make_config
from torch import nn

from sketchface_models.config import load
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems.registry import build
from sketchface_models.systems.run_settings import Schedule
from sketchface_models.systems.schedules import cosine_ramp, linear_decay
from sketchface_models.training.ema import EMA
from sketchface_models.training.engine_settings import Engine, accelerator, precision
from sketchface_models.training.guards import StopOnNonfinite
from sketchface_models.training.log import Lines, StepLog
from sketchface_models.training.pack_reader import Pack
from sketchface_models.training.speed_log import ProgressLine, SpeedLog
from sketchface_models.training.trainer import Trainer


def schedule(**changes: float) -> Schedule:
    values = {
        "steps": 100,
        "batch": 8,
        "decay_from": 0.5,
        "ema_half_life": 40.0,
    }
    return Schedule(**(values | changes))


def test_average_against_a_plain_loop():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)).double()
    average = EMA(network, schedule())
    expected = [p.detach().clone() for p in network.parameters()]
    for step in range(60):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.normal_()
            network[1].running_mean.normal_()
            network[1].num_batches_tracked += 1
        average.update(network, step)
        keep = min(0.5 ** (8 / 40), (1 + step) / (10 + step))
        expected = [
            keep * old + (1 - keep) * new.detach()
            for old, new in zip(expected, network.parameters())
        ]
    for mine, wanted in zip(average.module.parameters(), expected):
        torch.testing.assert_close(mine.data, wanted)
    assert torch.equal(average.module[1].running_mean, network[1].running_mean)
    assert average.module[1].num_batches_tracked == 60


def test_average_halves_a_weight_in_its_half_life():
    network = nn.Linear(1, 1, bias=False)
    nn.init.ones_(network.weight)
    average = EMA(network, schedule())
    nn.init.zeros_(network.weight)
    for _ in range(5):  # 5 steps of 8 images
        average.update(network, 10**6)
    assert average.module.weight.item() == pytest.approx(0.5)


def test_average_is_its_own_copy_without_gradients():
    network = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    average = EMA(network, schedule())
    assert not average.module.training
    assert network.training
    assert not any(p.requires_grad for p in average.module.parameters())
    before = copy.deepcopy(average.module.state_dict())
    nn.init.zeros_(network[0].weight)
    assert torch.equal(average.module.state_dict()["0.weight"], before["0.weight"])


def test_rates_fall_linearly_to_zero_after_the_start():
    rates = [linear_decay(step, 100, 0.5) for step in (0, 49, 50, 75, 99)]
    assert rates == pytest.approx([1, 1, 1, 0.5, 0.02])
    assert {linear_decay(step, 100, 1.0) for step in range(100)} == {1.0}
    assert linear_decay(25, 100, 0.0) == 0.75
    assert linear_decay(0, 1, 0.0) == 1.0


def test_cosine_ramp_rises_over_its_slope_after_its_delay():
    weights = [cosine_ramp(step, 100, 40) for step in (0, 99, 100, 110, 120, 130, 140, 10**6)]
    half = math.sqrt(0.5)
    assert weights == pytest.approx([0, 0, 0, (1 - half) / 2, 0.5, (1 + half) / 2, 1, 1])
    assert [cosine_ramp(step, 2, 0) for step in range(4)] == [0, 0, 1, 1]
    assert cosine_ramp(0, 0, 0) == 1


def test_the_trainer_steps_at_those_rates(tmp_path: Path, pack: Path):
    config = make_config()
    opened = Pack(pack)
    engine = load(Engine, config["engine"])
    trainer = Trainer(build(config["model"], opened.channels), opened, 0, engine)
    seen: dict[str, list[float]] = {"generator": [], "discriminator": []}

    def note_rates(lines: Lines) -> None:
        for name, optimizer in trainer.optimizers.items():
            seen[name].append(optimizer.param_groups[0]["lr"])

    trainer.fit(StepLog(tmp_path / "steps.jsonl", 0, (note_rates,), every=1))
    factors = [1.0] * 7 + [5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]
    lines = read(tmp_path / "steps.jsonl")
    assert [line["lr_generator"] for line in lines] == seen["generator"]
    assert seen["generator"] == pytest.approx([2e-3 * factor for factor in factors])
    assert seen["discriminator"] == pytest.approx([1e-3 * factor for factor in factors])


def terms(**values: float) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value) for name, value in values.items()}


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_log_writes_every_step_and_tells_observers_in_order(tmp_path: Path):
    logged = []
    log = StepLog(tmp_path / "steps.jsonl", 0, (logged.extend,), every=3)
    for step in range(7):
        log.add(step, terms(l1=0.5 * step, **({"d": 1.0} if step % 2 else {})))
    assert len(read(log.path)) == 6
    log.flush()
    expected = [
        {"step": step, "l1": 0.5 * step, **({"d": 1.0} if step % 2 else {})} for step in range(7)
    ]
    assert read(log.path) == expected
    assert [{"step": step, **values} for step, values in logged] == expected
    log.flush()
    assert len(read(log.path)) == 7


def test_log_is_cut_where_the_checkpoint_stands(tmp_path: Path):
    log = StepLog(tmp_path / "steps.jsonl", 0, every=1)
    for step in range(6):
        log.add(step, terms(l1=1.0))
    with log.path.open("a") as file:
        file.write('{"step": 6, "l')  # killed while writing
    resumed = StepLog(log.path, 4, every=1)
    resumed.add(4, terms(l1=2.0))
    assert [(line["step"], line["l1"]) for line in read(log.path)] == [
        *((step, 1.0) for step in range(4)),
        (4, 2.0),
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["steps.jsonl"]


def test_lost_lines_are_not_passed_over(tmp_path: Path):
    log = StepLog(tmp_path / "steps.jsonl", 0, every=1)
    log.add(0, terms(l1=1.0))
    with pytest.raises(SketchFaceError, match=r"steps\.jsonl: 1 lines, .* step 3; remove "):
        StepLog(log.path, 3)
    assert len(read(log.path)) == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_term_that_is_not_finite_stops_naming_step_and_term(tmp_path: Path, value: float):
    stop = StopOnNonfinite(lambda step: [f"face-{step}", "other"])
    log = StepLog(tmp_path / "steps.jsonl", 0, every=4, check=stop.check)
    log.add(0, terms(l1=1.0, adversarial=1.0))
    log.add(1, terms(l1=1.0, adversarial=value))
    log.add(2, terms(l1=math.nan, adversarial=1.0))
    words = rf"^step 1: adversarial is {value};.* face-1, other$"
    with pytest.raises(SketchFaceError, match=words):
        log.flush()
    assert read(log.path) == []


def test_progress_line_shows_the_last_step_and_the_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    line = ProgressLine("train x", 10, 100, 4)
    now += 5
    line([(19, {"l1": 0.25})])
    assert capsys.readouterr().err == ""  # nobody watches: once a minute
    now += 55
    line([(38, {"l1": 0.5}), (39, {"l1": 0.25})])
    assert capsys.readouterr().err == "train x: 40/100  l1 0.250  2 images/s  2:00 left\n"
    line([(99, {"l1": 0.125, "lr_generator": 1.0, "grad_generator": 2.0})])
    last = capsys.readouterr().err
    assert "_generator" not in last
    assert "100/100" in last


def test_stopwatch_keeps_the_clock_out_of_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    logged: Lines = []
    path = tmp_path / "timing.jsonl"
    watch = SpeedLog(path, 0, 4, (logged.extend,))
    for first, seconds in ((0, 5.0), (20, 10.0)):
        now += seconds
        watch([(step, {"l1": 1.0}) for step in range(first, first + 20)])
    assert [(line["step"], line["images_per_second"]) for line in read(path)] == [
        (19, 16.0),
        (39, 8.0),
    ]
    shown = {step: terms["images_per_second"] for step, terms in logged if len(terms) == 2}
    assert shown == {19: 16.0, 39: 8.0}
    with path.open("a") as file:
        file.write('{"step": 4')  # killed while writing
    SpeedLog(path, 30, 4, ())
    assert [line["step"] for line in read(path)] == [19]


def engine(device: str, digits: str) -> Engine:
    return Engine(device=device, precision=digits, validate_every=1, checkpoint_every=1)


def test_auto_settings_follow_the_machine(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    assert accelerator(engine("auto", "auto")) == "cuda"
    assert accelerator(engine("cpu", "auto")) == "cpu"
    assert precision(engine("auto", "auto")) == "32-true"
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert precision(engine("auto", "auto")) == "bf16-mixed"
    assert precision(engine("auto", "32-true")) == "32-true"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert accelerator(engine("auto", "auto")) == "cpu"
