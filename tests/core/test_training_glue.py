"""What the pipeline hands to the engine: configuration, resume store, DVCLive."""

import json
from pathlib import Path

import pytest
import yaml

import sketchface_models
from pipeline.stage import Parameters
from pipeline.training import live_logger, resume_store, run_config
from sketchface_models.errors import SketchFaceError

ROOT = Path(sketchface_models.__file__).resolve().parents[1]


def parameters() -> Parameters:
    values = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    return Parameters(values)


def test_a_runs_configuration_is_its_section_the_engine_and_nothing_else():
    params = parameters()
    config = run_config(params, "pix2pix", 3)
    whole = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(config)) == {
        "run": "pix2pix",
        "seed": 3,
        "model": whole["systems"]["pix2pix"],
        "engine": whole["engine"],
    }
    assert {name.split(".")[0] for name in params.reads} == {"systems", "engine"}
    assert all(name.startswith("systems.pix2pix.") for name in params.reads if name[:2] == "sy")


def test_all_violations_of_a_run_are_listed():
    params = parameters()
    params._values["systems"]["pix2pix"]["network"]["width"] = 0
    params._values["engine"]["device"] = "tpu"
    with pytest.raises(SketchFaceError) as caught:
        run_config(params, "pix2pix", 0)
    assert str(caught.value).split("\n") == [
        "systems.pix2pix.network.width: 0; allowed: a whole number >= 1",
        "engine.device: 'tpu'; allowed: one of auto, cpu, cuda",
    ]


def test_an_unknown_run_is_named():
    with pytest.raises(SketchFaceError, match=r"^systems\.pix3pix\.system: missing in"):
        run_config(parameters(), "pix3pix", 0)


def test_the_resume_store_stands_beside_dvcs_outputs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("DVC_ROOT", raising=False)
    assert resume_store() == Path(".cache/resume")
    monkeypatch.setenv("DVC_ROOT", "/x")
    assert resume_store() == Path("/x/.cache/resume")


def plotted(folder: Path, name: str) -> list[tuple[int, float]]:
    lines = (folder / "plots" / "metrics" / f"{name}.tsv").read_text().splitlines()
    table = [dict(zip(lines[0].split("\t"), line.split("\t"))) for line in lines[1:]]
    return [(int(line["step"]), float(line[name])) for line in table]


def test_live_logger_writes_seldom_but_every_validation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with live_logger(Path("live")) as observe:
        observe([(0, {"l1": 1.0}), (1, {"l1": 0.9})])
        now = 100.2  # within the same second: nothing
        observe([(2, {"l1": 0.8}), (3, {"l1": 0.7})])
        observe([(4, {"l1": 0.6, "val_l1": 0.5}), (5, {"l1": 0.4})])
        now = 101.5
        observe([(6, {"l1": 0.3}), (7, {"l1": 0.2})])
    assert plotted(Path("live"), "l1") == [(1, 0.9), (4, 0.6), (7, 0.2)]
    assert plotted(Path("live"), "val_l1") == [(4, 0.5)]
    summary = json.loads(Path("live/metrics.json").read_text())
    assert (summary["step"], summary["l1"], summary["val_l1"]) == (7, 0.2, 0.5)
    assert [path.name for path in tmp_path.iterdir()] == ["live"]  # no dvc.yaml, no report
