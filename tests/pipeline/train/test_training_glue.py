"""What the pipeline hands to the engine: configuration, resume store, DVCLive."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

import sketchface_models
from pipeline.common.parameters import Parameters
from pipeline.train.training import LiveLogger, resume_store, run_config
from sketchface_models.errors import SketchFaceError
from sketchface_models.training.validation_sheets import write_png

ROOT = Path(sketchface_models.__file__).resolve().parents[1]


def parameters() -> Parameters:
    values = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    return Parameters(values)


def says_all(values: dict, section: dict) -> bool:
    """Whether `values` holds everything that `section` says."""
    return all(
        says_all(values[key], value) if isinstance(value, dict) else values[key] == value
        for key, value in section.items()
    )


def test_a_runs_configuration_is_its_section_the_engine_and_nothing_else():
    params = parameters()
    config = run_config(params, "pix2pix", 3)
    whole = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    section = whole["systems"]["pix2pix"]
    config = json.loads(json.dumps(config))
    model = config.pop("model")
    assert config == {"run": "pix2pix", "seed": 3, "engine": whole["engine"]}
    assert says_all(model, section)
    # What the section does not say has its default.
    assert "sizes" not in section["task"]
    assert model["task"]["sizes"] == {}
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
    with LiveLogger(Path("live")) as live:
        live.lines([(0, {"l1": 1.0}), (1, {"l1": 0.9})])
        now = 100.2  # within the same second: nothing
        live.lines([(2, {"l1": 0.8}), (3, {"l1": 0.7})])
        live.lines([(4, {"l1": 0.6, "val_l1": 0.5}), (5, {"l1": 0.4})])
        now = 101.5
        live.lines([(6, {"l1": 0.3}), (7, {"l1": 0.2})])
        assert plotted(Path("live"), "l1") == [(1, 0.9), (4, 0.6), (7, 0.2)]
        assert plotted(Path("live"), "val_l1") == [(4, 0.5)]
        now = 101.6
        live.lines([(8, {"l1": 0.15}), (9, {"l1": 0.1})])
        assert plotted(Path("live"), "l1")[-1] == (7, 0.2)
    # The last step is written however soon it came.
    assert plotted(Path("live"), "l1") == [(1, 0.9), (4, 0.6), (7, 0.2), (9, 0.1)]
    summary = json.loads(Path("live/metrics.json").read_text())
    assert (summary["step"], summary["l1"], summary["val_l1"]) == (9, 0.1, 0.5)
    assert [path.name for path in tmp_path.iterdir()] == ["live"]  # no dvc.yaml, no report


def test_live_logger_shows_the_newest_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with LiveLogger(Path("live")) as live:
        for step, shade in ((5, 10), (10, 200)):
            write_png(Path("sheet.png"), np.full((4, 6, 3), shade, np.uint8))
            live.sheet(step, Path("sheet.png"))
            live.lines([(step - 1, {"val_l1": 0.5})])
    with Image.open("live/plots/images/validation.png") as shown:
        assert (shown.size, shown.getpixel((0, 0))) == ((6, 4), (200, 200, 200))
    assert [step for step, _ in plotted(Path("live"), "val_l1")] == [4, 9]


def test_a_process_that_is_told_nothing_writes_nothing(tmp_path: Path):
    with LiveLogger(tmp_path / "live"):
        pass
    assert not (tmp_path / "live").exists()
