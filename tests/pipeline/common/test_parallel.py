"""Which processes do the work, and that the result does not depend on them."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import joblib
import pyarrow as pa
import pytest
import torch
import yaml

from pipeline.common.parallel import ParallelSettings, parallel_as, pool, workers
from pipeline.common.parameters import Parameters, run_stage
from pipeline.common.shard_jobs import Result, ShardJob, run_shards
from pipeline.common.shards import iter_rows, shard_paths
from sketchface_models.config import load
from sketchface_models.errors import SketchFaceError
from sketchface_models.runtime import one_thread

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = pa.schema([("id", pa.string()), ("process", pa.int64())])


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.delenv("SKETCHFACE_JOBS", raising=False)
    return tmp_path


def work(number: int) -> Result:
    return [{"id": f"f{number}", "process": os.getpid()}], []


def run() -> set[int]:
    """The processes that worked."""
    run_shards(
        "work",
        [ShardJob(i, str(i), work, (i,)) for i in range(4)],
        "out",
        SCHEMA,
        0,
        "pipeline.common.shard_jobs",
    )
    return {row["process"] for row in iter_rows("out")}


def test_the_settings_say_how_many_processes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 4)
    assert workers(9) == 4
    with parallel_as(ParallelSettings(jobs=3)):
        assert workers(9) == 3
        assert workers(2) == 2
        monkeypatch.setenv("SKETCHFACE_JOBS", "2")
        assert workers(9) == 2
        monkeypatch.delenv("SKETCHFACE_JOBS")
        with parallel_as(ParallelSettings(jobs=64)):
            assert workers(9) == 4
    assert workers(9) == 4


def test_one_job_works_in_this_process_and_its_result_is_everyones(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 2)
    with parallel_as(ParallelSettings(jobs=1)):
        assert run() == {os.getpid()}
    done = {path: path.stat().st_mtime_ns for path in Path(".cache/shards/work").glob("*.done")}
    with parallel_as(ParallelSettings(jobs=2)):
        assert run() == {os.getpid()}  # nothing was done again
    again = {path: path.stat().st_mtime_ns for path in Path(".cache/shards/work").glob("*.done")}
    assert again == done


def test_threads_of_this_process_share_the_work_and_compute_with_one_thread_each(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 2)
    meeting = threading.Barrier(2, timeout=60)

    def place() -> tuple[int, int, int]:
        meeting.wait()  # passes only where two threads work at a time
        return os.getpid(), threading.get_ident(), torch.get_num_threads()

    before = torch.get_num_threads()
    with one_thread(), pool(2, threads=True) as parallel:
        processes, threads, computing = zip(*parallel(joblib.delayed(place)() for _ in range(2)))
    assert set(processes) == {os.getpid()}
    assert len(set(threads)) == 2
    assert set(computing) == {1}
    assert torch.get_num_threads() == before


def test_a_stage_takes_the_section_without_reading_a_parameter(project: Path):
    values = {"parallel": {"backend": "loky", "scheduler": "", "jobs": 1}}
    (project / "params.yaml").write_text(yaml.safe_dump(values))
    seen = []

    def main(params: Parameters) -> None:
        seen.append((workers(9), params.reads))

    run_stage("any", main)
    assert seen == [(1, set())]


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"jobs": -1}, "parallel.jobs: -1; allowed: a whole number >= 0"),
        ({"backend": "ray"}, "parallel.backend: 'ray'; allowed: one of loky, dask"),
        (
            {"backend": "dask"},
            "parallel.scheduler: ''; allowed: with backend dask the scheduler's address",
        ),
    ],
)
def test_wrong_settings_are_one_line(values: dict, line: str, project: Path):
    with pytest.raises(SketchFaceError) as error:
        load(ParallelSettings, values, "parallel")
    assert str(error.value) == line
    (project / "params.yaml").write_text(yaml.safe_dump({"parallel": values}))
    code = "from pipeline.common.parameters import run_stage; run_stage('any', lambda params: None)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, f"error: any: {line}\n")


def test_a_missing_dask_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    settings = ParallelSettings("dask", "tcp://127.0.0.1:1")
    with (
        parallel_as(settings),
        pytest.raises(SketchFaceError, match=r"pip install 'sketchface\[cluster\]'$"),
        pool(1),
    ):
        pass
    with parallel_as(settings):
        run_shards(
            "work", [], "out", SCHEMA, 0, "pipeline.common.shard_jobs"
        )  # nothing to do: no cluster
    with pytest.raises(SketchFaceError, match="no shards in it"):
        shard_paths("out")


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("distributed", reason="extra `cluster` (dask, distributed) not installed")
    monkeypatch.setattr("pipeline.common.parallel.PATIENCE", 1)
    for address in ("tcp://127.0.0.1:1", "nonsense://x"):
        with (
            parallel_as(ParallelSettings("dask", address)),
            pytest.raises(
                SketchFaceError, match=r"^parallel\.scheduler: .* does not answer; start"
            ),
        ):
            run()
    assert not Path("out").exists()
