"""Typed parameters for stages, the record of what was read, and failure in one line."""

import json
import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import joblib
import pytest
import yaml

import sketchface_models
from pipeline.common.parameters import Parameters, run_stage
from sketchface_models.config import at_least
from sketchface_models.errors import SketchFaceError

ROOT = Path(sketchface_models.__file__).resolve().parents[1]


@dataclass(frozen=True)
class Deep:
    x: int
    y: int = 2

    def total(self) -> int:
        return self.x + self.y


@dataclass(frozen=True)
class Draw:
    width: Annotated[float, at_least(0)]
    seed: int
    deep: Deep
    names: tuple[str, ...] = ()


VALUES = {
    "draw": {"width": 2.0, "seed": 7, "deep": {"x": 1}, "names": ["a"]},
    "runs": ["one"],
    "systems": {"a": {"system": "pix2pix"}},
}


@pytest.fixture
def params() -> Parameters:
    return Parameters(VALUES)


def test_nothing_is_read_until_it_is_looked_at(params: Parameters):
    draw = params.section("draw", Draw)
    assert params.reads == set()
    deep = draw.deep
    assert params.reads == set()
    assert draw.width == 2.0
    assert params.reads == {"draw.width"}
    assert deep.x == 1
    assert params.reads == {"draw.width", "draw.deep.x"}
    assert params.value("systems.a.system") == "pix2pix"
    assert params.value("runs") == ["one"]
    assert params.reads == {"draw.width", "draw.deep.x", "systems.a.system", "runs"}


def test_what_methods_look_at_counts_but_showing_does_not(params: Parameters):
    draw = params.section("draw", Draw)
    assert "width=2.0" in repr(draw)
    assert params.reads == set()
    assert draw.deep.total() == 3
    assert params.reads == {"draw.deep.x", "draw.deep.y"}


def test_settings_are_still_their_class(params: Parameters):
    draw = params.section("draw", Draw)
    assert isinstance(draw, Draw)
    assert isinstance(draw.deep, Deep)
    with pytest.raises(AttributeError):
        draw.seed = 8
    assert repr(draw) == repr(Draw(2.0, 7, Deep(1), ("a",)))


def test_what_is_pickled_arrives_plain_and_does_not_count(params: Parameters):
    arrived = pickle.loads(pickle.dumps(params.section("draw", Draw)))
    assert type(arrived) is Draw
    assert type(arrived.deep) is Deep
    assert arrived == Draw(2.0, 7, Deep(1), ("a",))
    assert params.reads == set()


def test_one_job_works_here_and_its_reads_count(params: Parameters):
    deep = params.section("draw", Draw).deep
    totals = joblib.Parallel(n_jobs=1)(joblib.delayed(Deep.total)(deep) for _ in range(2))
    assert totals == [3, 3]
    assert params.reads == {"draw.deep.x", "draw.deep.y"}


def test_checking_reads_nothing_and_lists_all_sections(params: Parameters):
    params.check({"draw": Draw})
    assert params.reads == set()
    wrong = Parameters({"a": {"width": -1}, "b": {"x": "1"}})
    with pytest.raises(SketchFaceError) as caught:
        wrong.check({"a": Draw, "b": Deep})
    assert str(caught.value).split("\n") == [
        "a.width: -1; allowed: a number >= 0",
        "a.seed: missing; allowed: a whole number",
        "a.deep: missing; allowed: a mapping of settings",
        "b.x: '1'; allowed: a whole number",
    ]


@pytest.mark.parametrize("name", ["nothing", "draw.nothing", "draw.width.deeper", "runs.0"])
def test_missing_names_are_named(params: Parameters, name: str):
    with pytest.raises(SketchFaceError, match=rf"^{name}: missing in params\.yaml; `make params`"):
        params.value(name)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "missing; `make params` composes it"),
        ("a: [", "not valid YAML"),
        ("- 1", "not a mapping; `make params` composes it"),
        ("", "not a mapping"),
    ],
)
def test_unreadable_files(tmp_path: Path, content: str | None, words: str):
    path = tmp_path / "params.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SketchFaceError) as caught:
        Parameters.from_file(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SKETCHFACE_RECORD_READS", raising=False)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(VALUES))
    return tmp_path


def fail(params: Parameters) -> None:
    assert params.section("draw", Draw).seed == 7
    raise SketchFaceError("x.png: broken\ny.png: broken too")


def test_a_users_slip_is_one_line_each_and_status_1(
    project: Path, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit) as caught:
        run_stage("draw", fail)
    assert caught.value.code == 1
    captured = capsys.readouterr()
    assert captured.err == "error: draw: x.png: broken\nerror: draw: y.png: broken too\n"
    assert captured.out == ""


def test_our_own_slips_keep_their_traceback(project: Path):
    with pytest.raises(ZeroDivisionError):
        run_stage("draw", lambda params: 1 / 0)


@pytest.mark.parametrize("failing", [False, True])
def test_reads_are_recorded_where_asked(
    project: Path, monkeypatch: pytest.MonkeyPatch, failing: bool
):
    monkeypatch.setenv("SKETCHFACE_RECORD_READS", str(project / "reads"))
    if failing:
        with pytest.raises(SystemExit):
            run_stage("draw", fail)
    else:
        run_stage("draw", lambda params: params.section("draw", Draw).seed)
    assert json.loads((project / "reads" / "draw.json").read_text()) == ["draw.seed"]


def test_a_stage_command_ends_in_one_line(tmp_path: Path):
    code = (
        "from pipeline.common.parameters import run_stage\nrun_stage('draw', lambda params: None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 1
    assert done.stderr == "error: draw: params.yaml: missing; `make params` composes it\n"
