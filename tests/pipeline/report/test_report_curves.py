import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.report.curves import POINTS, Curve, locks, picture, thin, turns

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("count", [1, 7, 199, 200, 201, 450, 1234])
def test_thinning_keeps_the_last_step_and_the_mean(count: int):
    steps = np.arange(count) * 3
    values = np.random.default_rng(count).normal(size=count)
    kept, means = thin(steps, values)
    assert len(kept) == len(means) == min(count, POINTS)
    assert kept[-1] == steps[-1]
    assert (np.diff(kept) > 0).all()
    sizes = np.diff(kept, prepend=-3) / 3
    assert (sizes * means).sum() / count == pytest.approx(values.mean())
    if count <= POINTS:
        np.testing.assert_array_equal(means, values)


def test_a_point_is_the_mean_of_the_steps_since_the_one_before():
    kept, means = thin(np.arange(10), np.arange(10.0), points=3)
    assert kept.tolist() == [2, 6, 9]
    assert means.tolist() == [1.0, 4.5, 8.0]


def test_curves_csv(made: Path):
    found = pd.read_csv(made / "reports/curves.csv")
    assert list(found.columns) == ["run", "seed", "step", "term", "value"]
    log = made / "data/train/able/1/logs/steps.jsonl"
    lines = pd.DataFrame([json.loads(line) for line in log.read_text().splitlines()])
    ours = found[(found.run == "able") & (found.seed == 1)]
    for term in ("generator", "discriminator", "val_ssim"):
        whole = lines[["step", term]].dropna()
        kept = ours[ours.term == term]
        assert kept.step.iloc[-1] == whole.step.iloc[-1]
        assert len(kept) == min(len(whole), POINTS)
    kept = ours[ours.term == "val_ssim"]
    np.testing.assert_allclose(kept.value, lines.val_ssim.dropna(), rtol=1e-5)


def test_the_picture_is_the_same_each_time_and_follows_the_reader(tmp_path: Path):
    curves = [Curve("run", seed, "l1", np.arange(5), np.arange(5.0)) for seed in (0, 1)]
    svg = picture(curves)
    assert svg == picture(curves)
    assert b"currentColor" in svg
    assert b"prefers-color-scheme:dark" in svg
    assert b"seed 1" in svg
    assert not re.search(rb"<dc:date>|#123456", svg)


def test_turns_are_where_a_value_changes():
    steps, values = turns(np.arange(8), np.array([0, 0, 1, 1, 1, 0, 0, 0]))
    assert steps.tolist() == [0, 2, 5, 7]
    assert values.tolist() == [0, 1, 0, 0]
    assert turns(np.array([3]), np.array([1.0]))[0].tolist() == [3]


def lock_curves(seed: int, locked: list[float]) -> list[Curve]:
    steps = np.arange(len(locked))
    loss = Curve("run", seed, "generator", steps, steps + 1.0)
    return [
        loss,
        Curve("run", seed, "locked_discriminator", *turns(steps, np.array(locked))),
        Curve("run", seed, "locked_generator", *turns(steps, np.zeros(len(locked)))),
    ]


def test_what_was_locked_is_shaded_and_has_no_panel_of_its_own():
    curves = [*lock_curves(3, [0, 0, 1, 1, 0, 0]), *lock_curves(4, [1, 1, 1, 1, 1, 1])]
    locked = locks(curves)
    assert list(locked) == ["discriminator"]
    assert [each.tolist() for each in locked["discriminator"]] == [[0, 2, 4, 5], [0, 1, 0, 0]]
    svg = picture(curves).decode()
    assert "discriminator does not learn" in svg
    assert "generator does not learn" not in svg
    assert "locked_" not in svg
    plain = picture([curve for curve in curves if curve.term == "generator"]).decode()
    assert "does not learn" not in plain
    # One area beside what is there without it, as wide as two of the five intervals.
    assert svg.count("PolyCollection") == 1
    assert plain.count("PolyCollection") == 0


def test_only_where_all_seeds_agree_is_shaded():
    curves = [*lock_curves(3, [0, 1, 1, 0, 0, 0]), *lock_curves(4, [0, 0, 1, 1, 0, 0])]
    steps, values = locks(curves)["discriminator"]
    assert steps.tolist() == [0, 1, 2, 3, 4, 5]
    assert values.tolist() == [0, 0, 1, 0, 0, 0]
    apart = [*lock_curves(3, [0, 1, 0, 0, 0, 0]), *lock_curves(4, [0, 0, 0, 1, 0, 0])]
    assert list(locks(apart)) == ["discriminator"]  # the caption says that the seeds differ
    assert "does not learn" not in picture(apart).decode()


def test_dvc_plots_show_fills_both_templates(made: Path, tmp_path: Path):
    shutil.copytree(made / "reports", tmp_path / "reports")
    shutil.copytree(ROOT / ".dvc" / "plots", tmp_path / ".dvc" / "plots")
    whole = (ROOT / "dvc.yaml").read_text()
    (tmp_path / "dvc.yaml").write_text(whole[whole.index("\nmetrics:") :])
    (tmp_path / ".dvc" / "config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    environment = os.environ | {"DVC_NO_ANALYTICS": "1"}
    command = [sys.executable, "-m", "dvc", "plots", "show", "-o", "out"]
    subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    page = (tmp_path / "out" / "index.html").read_text()
    specs = [json.loads(spec) for spec in re.findall(r"var spec = (\{.*?\});\n", page, re.DOTALL)]
    assert [spec["title"]["text"] for spec in specs] == ["Losses", "Scores"]
    for spec in specs:
        points = spec["data"].pop("values")
        known = {*points[0], *(step["as"] for step in spec["transform"] if "as" in step)}
        assert fields(spec) <= known
        assert "<DVC_METRIC" not in json.dumps(spec)
        assert {point["run"] for point in points} == {"able", "hopeless"}


def fields(spec: Any) -> set[str]:
    """Every column a Vega-Lite specification draws."""
    if isinstance(spec, list):
        return {name for each in spec for name in fields(each)}
    if not isinstance(spec, dict):
        return set()
    own = {spec["field"]} if "field" in spec else set()
    return own | {name for each in spec.values() for name in fields(each)}
