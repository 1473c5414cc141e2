"""Work on shards: in parallel, and not repeated after a stage was killed."""

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import joblib
import pyarrow as pa
import pytest
import torch
from joblib.externals.loky import get_reusable_executor
from made_shards import SCHEMA, row

from pipeline.common import shard_jobs
from pipeline.common.parallel import workers
from pipeline.common.shard_jobs import Result, ShardJob, map_shards, run_shards
from pipeline.common.shards import (
    Row,
    iter_rows,
    quarantined,
    read_quarantine,
    read_rows,
    shard_name,
    shard_of,
    shard_paths,
    write_rows,
)
from sketchface_models.errors import SketchFaceError

MODULE = "pipeline.common.shard_jobs"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.setenv("SKETCHFACE_JOBS", "1")
    return tmp_path


def work(number: int, calls: str, fail: int | None) -> Result:
    with Path(calls).open("a") as file:
        file.write(f"{number}\n")
    if number == fail:
        raise RuntimeError("killed")
    return [row(f"b{number}", number), row(f"a{number}", number)], [
        quarantined(f"c{number}", "draw", "no\n face")
    ]


def run(
    parameters: object = "p",
    keys: tuple[str, ...] = ("k0", "k1", "k2"),
    fail: int | None = None,
    module: str = MODULE,
    schema: pa.Schema = SCHEMA,
) -> list[int]:
    """Run three shards; the numbers of those that were worked on."""
    calls = Path("calls")
    calls.write_text("")
    jobs = [ShardJob(i, key, work, (i, str(calls), fail)) for i, key in enumerate(keys)]
    try:
        run_shards("draw", jobs, "out", schema, parameters, module)
    finally:
        worked = [int(line) for line in calls.read_text().split()]
    return worked


def test_a_stage_writes_sorted_shards_and_its_quarantine():
    assert run() == [0, 1, 2]
    assert [path.name for path in shard_paths("out")] == [shard_name(i) for i in range(3)]
    assert [row["id"] for row in iter_rows("out")] == ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert read_rows(Path("out/shards/0001.parquet")) == [row("a1", 1), row("b1", 1)]
    assert read_quarantine("out") == [
        {"id": f"c{i}", "stage": "draw", "reason": "no face"} for i in range(3)
    ]
    assert sorted(path.name for path in Path("out").iterdir()) == ["quarantine.parquet", "shards"]


def test_a_killed_stage_goes_on_where_it_was():
    with pytest.raises(RuntimeError, match="killed"):
        run(fail=2)
    assert not Path("out").exists()
    assert not list(Path().glob(".out*"))
    assert run() == [2]
    resumed = [path.read_bytes() for path in shard_paths("out")]
    run(parameters="else")
    assert run() == [0, 1, 2]  # the store keeps the last run alone
    assert [path.read_bytes() for path in shard_paths("out")] == resumed


def test_a_failure_leaves_the_old_output():
    run()
    before = [path.read_bytes() for path in shard_paths("out")]
    with pytest.raises(RuntimeError):
        run(parameters="q", fail=1)
    assert [path.read_bytes() for path in shard_paths("out")] == before


def test_only_what_changed_is_done_again(monkeypatch: pytest.MonkeyPatch):
    assert run() == [0, 1, 2]
    assert run() == []
    assert run(keys=("k0", "new", "k2")) == [1]
    assert run(keys=("k0", "new", "k2", "k3")) == [3]
    assert run(keys=("k0", "new", "k2", "k3"), parameters="q") == [0, 1, 2, 3]
    narrow = pa.schema([field for field in SCHEMA if field.name != "style"])
    assert run(keys=("k0",), parameters="q", schema=narrow) == [0]
    assert run(keys=("k0",), parameters="q", schema=narrow) == []
    monkeypatch.setattr(shard_jobs, "code_hash", lambda module: f"{module} changed")
    assert run(keys=("k0",), parameters="q", schema=narrow) == [0]


def test_the_store_stands_beside_dvc_and_holds_only_what_is_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "root"))
    run()
    run(parameters="q")
    store = tmp_path / "root" / ".cache" / "shards" / "draw"
    assert len(list(store.glob("*.parquet"))) == len(list(store.glob("*.done"))) == 3
    assert not Path(".cache").exists()


def test_half_a_shard_does_not_count():
    run()
    store = Path(".cache/shards/draw")
    next(store.glob("*.done")).unlink()
    assert len(run()) == 1


def test_a_second_process_waits_for_the_store():
    """Pruning by one would otherwise take the finished shards of the other."""
    run()
    finished = threading.Event()
    with Path(".cache/shards/draw/lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        other = threading.Thread(target=lambda: (run(), finished.set()))
        other.start()
        time.sleep(0.3)
        assert not finished.is_set()
    other.join(20)
    assert finished.is_set()


@pytest.fixture
def fresh_workers() -> None:
    """Workers started by an earlier test stand in that test's folder."""
    get_reusable_executor().shutdown(wait=True)


@pytest.mark.usefixtures("fresh_workers")
def test_workers_give_the_same_bytes_as_one_process(monkeypatch: pytest.MonkeyPatch):
    run()
    alone = [path.read_bytes() for path in shard_paths("out")]
    quarantine = Path("out/quarantine.parquet").read_bytes()
    monkeypatch.setattr(joblib, "cpu_count", lambda: 2)
    monkeypatch.setenv("SKETCHFACE_JOBS", "2")
    assert sorted(run(keys=("x", "y", "z"))) == [0, 1, 2]
    assert [path.read_bytes() for path in shard_paths("out")] == alone
    assert Path("out/quarantine.parquet").read_bytes() == quarantine


def test_finish_adds_files_before_the_output_appears():
    def finish(folder: Path) -> None:
        assert (folder / "quarantine.parquet").exists()
        assert not Path("out").exists()
        (folder / "index.json").write_text("{}")

    run_shards("draw", [], "out", SCHEMA, None, MODULE, finish)
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "index.json",
        "quarantine.parquet",
        "shards",
    ]


def join(paths: tuple[Path, ...], parameters: float) -> Result:
    first, second = (read_rows(path) for path in paths)
    rows = [a | {"depth": parameters * b["depth"]} for a, b in zip(first, second)]
    return rows, []


def test_map_shards_pairs_shards_of_the_same_number():
    for folder, depth in (("one", 1.0), ("two", 3.0)):
        for number in (0, 2):
            rows = [row(f"f{number}") | {"depth": depth + number}]
            write_rows(Path(folder, "shards", shard_name(number)), rows, SCHEMA)
    map_shards("join", ["one", "two"], join, "out", SCHEMA, 10.0, MODULE)
    assert [path.name for path in shard_paths("out")] == ["0000.parquet", "0002.parquet"]
    assert [(row["id"], row["depth"]) for row in iter_rows("out")] == [("f0", 30.0), ("f2", 50.0)]
    done = {path: path.stat().st_mtime_ns for path in Path(".cache/shards/join").glob("*.done")}
    write_rows(Path("two/shards/0002.parquet"), [row("f2") | {"depth": 9.0}], SCHEMA)
    map_shards("join", ["one", "two"], join, "out", SCHEMA, 10.0, MODULE)
    assert [row["depth"] for row in iter_rows("out")] == [30.0, 90.0]
    unchanged = [path for path in Path(".cache/shards/join").glob("*.done") if path in done]
    assert [path.stat().st_mtime_ns == done[path] for path in unchanged] == [True]


def yielding(number: int) -> Iterator[Row]:
    for i in range(130):
        yield quarantined(f"{i:03d}", "draw", "odd") if i % 2 else row(f"{i:03d}", number)


def test_work_may_yield_its_rows():
    run_shards(
        "draw",
        [ShardJob(0, "k", yielding, (3,))],
        "out",
        SCHEMA,
        None,
        MODULE,
    )
    assert [row["id"] for row in iter_rows("out")] == [f"{i:03d}" for i in range(0, 130, 2)]
    assert [row["id"] for row in read_quarantine("out")] == [f"{i:03d}" for i in range(1, 130, 2)]


def test_added_photos_redo_their_own_shards_alone():
    """Ids decide the shard: ten faces more leave the shards that they are not in alone."""
    shards, worked = 32, []
    for count in (100, 103):
        ids = [f"face-{i}" for i in range(count)]
        groups = [[id for id in ids if shard_of(id, shards) == i] for i in range(shards)]
        calls = Path("calls")
        calls.write_text("")
        jobs = [
            ShardJob(i, json.dumps(group), work, (i, str(calls), None))
            for i, group in enumerate(groups)
        ]
        run_shards("draw", jobs, "out", SCHEMA, "p", MODULE)
        worked.append({int(line) for line in calls.read_text().split()})
    assert worked[0] == set(range(shards))
    assert worked[1] == {shard_of(f"face-{i}", shards) for i in (100, 101, 102)}


def test_what_a_killed_stage_was_putting_together_goes():
    run()
    left = Path(".out.abc123.tmp")
    (left / "shards").mkdir(parents=True)
    Path(".outer.abc.tmp").mkdir()
    run()
    assert not left.exists()
    assert Path(".outer.abc.tmp").exists()  # another's


def test_a_worker_with_other_code_does_nothing():
    origin = shard_jobs._Origin(("elsewhere", 1), Path.cwd(), MODULE, "other code")
    job = ShardJob(0, "k", work, (0, "calls", None))
    with pytest.raises(SketchFaceError, match="runs other code than this; start it again"):
        shard_jobs._finish_shard(job, Path("store/key"), SCHEMA, origin)
    assert not Path("calls").exists()
    assert not Path("store").exists()


def test_the_bar_shows_a_rate(monkeypatch: pytest.MonkeyPatch):
    shown = []

    class Bar(shard_jobs.ProgressBar):
        def update(self, count: int = 1, note: str = "") -> None:
            super().update(count, note)
            shown.append(note)

    monkeypatch.setattr(shard_jobs, "ProgressBar", Bar)
    run()
    assert len(shown) == 3
    assert all(float(text.removesuffix(" faces/s")) > 0 for text in shown)


def test_workers_never_exceed_tasks_or_what_is_allowed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 4)
    monkeypatch.setenv("SKETCHFACE_JOBS", "3")
    assert [workers(tasks) for tasks in (0, 1, 2, 9)] == [1, 1, 2, 3]
    monkeypatch.setenv("SKETCHFACE_JOBS", "64")
    assert [workers(tasks) for tasks in (2, 9)] == [2, 4]
    monkeypatch.delenv("SKETCHFACE_JOBS")
    assert workers(10**6) == 4


def test_all_cores_this_process_may_use_are_used(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SKETCHFACE_JOBS")
    assert 1 <= workers(10**6) <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize("jobs", ["", "0", "-1", "two", "1.5", "1e2", "9" * 5000, "1\n"])
def test_a_wrong_number_of_jobs_is_answered_in_one_line(jobs: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SKETCHFACE_JOBS", jobs)
    with pytest.raises(SketchFaceError, match=r"^SKETCHFACE_JOBS: .*; allowed: a whole") as error:
        run()
    assert "\n" not in str(error.value)
    assert not Path("out").exists()


def threads(number: int) -> Result:
    """The threads this process would use, as a quarantine row."""
    counts = [cv2.getNumThreads(), torch.get_num_threads()]
    counts += [int(os.environ.get(f"{name}_NUM_THREADS", 1)) for name in ("OMP", "OPENBLAS", "MKL")]
    return [], [quarantined(str(number), "threads", f"{os.getpid()} {max(counts)}")]


def threads_used(jobs: int, monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Process and threads of each of four shards."""
    monkeypatch.setenv("SKETCHFACE_JOBS", str(jobs))
    tasks = [ShardJob(i, f"{jobs} {i}", threads, (i,)) for i in range(4)]
    run_shards("threads", tasks, "out", SCHEMA, None, MODULE)
    return [[int(word) for word in row["reason"].split()] for row in read_quarantine("out")]


@pytest.mark.usefixtures("fresh_workers")
def test_workers_times_threads_never_exceed_the_cores(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 2)
    for name in [name for name in os.environ if name.endswith("_NUM_THREADS")]:
        monkeypatch.delenv(name)
    mine = cv2.getNumThreads(), torch.get_num_threads()
    for process, count in threads_used(2, monkeypatch):
        assert process != os.getpid()
        assert count == 1
    assert {process for process, _ in threads_used(1, monkeypatch)} == {os.getpid()}
    assert (cv2.getNumThreads(), torch.get_num_threads()) == mine
