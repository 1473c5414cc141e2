"""What users install: the wheel's packages and files, quick help, and what a bare install says."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import sketchface
from sketchface.sheet_faces import BUILT_IN
from sketchface_models.metrics.registry import METRICS, SET_METRICS

ROOT = Path(sketchface.__file__).resolve().parents[1]
COMMANDS = ("figures", "peek", "score", "translate", "validate")
PACKAGES = {"face_geometry", "pipeline", "sketchface", "sketchface_models", "synthetic_faces"}


def run(*command: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200", "PYTHONPATH": "", "TERM": "dumb"}
    arguments = [str(argument) for argument in command]
    return subprocess.run(arguments, capture_output=True, text=True, cwd=cwd, env=environment)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the tracked files, built without network."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    copied = run("git", "ls-files", "-z", cwd=ROOT).stdout.split("\0")
    for name in copied:
        if name and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    build = run(
        *(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"),
        *("--wheel-dir", folder, source),
    )
    assert build.returncode == 0, build.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_five_packages_and_their_data(wheel: Path) -> None:
    assert wheel.name == f"sketchface-{sketchface.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (entry,) = [name for name in names if name.endswith("entry_points.txt")]
        assert "sketchface = sketchface.cli:main" in archive.read(entry).decode()
    folders = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert folders == PACKAGES
    tracked = run("git", "ls-files", *sorted(PACKAGES), cwd=ROOT).stdout.split()
    assert set(tracked) - names == set()
    assert {Path(name).suffix for name in names} >= {".safetensors", ".j2", ".json", ".md"}


def test_a_bare_install_names_the_extra_to_add(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    python = tmp_path / "bare/bin/python"
    target = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target.stdout.strip())
    result = run(python, "-m", "sketchface", "--help", cwd=tmp_path)
    remedy = "error: typer is not installed; run: pip install 'sketchface[pipeline]'\n"
    assert (result.returncode, result.stdout, result.stderr) == (1, "", remedy)
    version = "import sketchface; print(sketchface.__version__)"
    assert run(python, "-c", version, cwd=tmp_path).stdout.strip() == sketchface.__version__


def test_a_missing_shared_library_is_named_with_its_package(tmp_path: Path) -> None:
    """As where a container lacks libGL: OpenCV's module is there and cannot be loaded."""
    reason = "libGL.so.1: cannot open shared object file: No such file or directory"
    (tmp_path / "cv2.py").write_text(f"raise ImportError({reason!r}, name='cv2')\n")
    places = os.pathsep.join([str(tmp_path), str(ROOT)])
    result = subprocess.run(
        [sys.executable, "-m", "sketchface", "peek", "synthetic"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": places},
        capture_output=True,
        text=True,
        check=False,
    )
    remedy = f"error: {reason}; install the Debian package libgl1\n"
    assert (result.returncode, result.stdout, result.stderr) == (1, "", remedy)


def test_the_installed_command_works(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own, with the libraries of this one."""
    venv.create(tmp_path / "full", system_site_packages=False, with_pip=False)
    python = tmp_path / "full/bin/python"
    installed = run(
        *(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index"),
        *("--quiet", wheel),
    )
    assert installed.returncode == 0, installed.stderr
    purelib = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    libraries = Path(pytest.__file__).resolve().parents[1]
    # No .pth of this environment is read, so the wheel's own packages are what is imported.
    Path(purelib.stdout.strip(), "libraries.pth").write_text(f"{libraries}\n")
    command = tmp_path / "full/bin/sketchface"
    assert run(command, "--version").stdout == f"sketchface {sketchface.__version__}\n"
    result = run(command, "peek", "synthetic/doodles", "-n", 2, cwd=tmp_path)
    assert result.stdout == "sheet.png: 2 of synthetic/doodles (doodle)\n", result.stderr


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], *([c, "--help"] for c in COMMANDS)]
)
def test_help_loads_neither_torch_nor_numpy(arguments: list[str]) -> None:
    script = (
        "import sys; from sketchface.cli import main\n"
        f"sys.argv = ['sketchface', *{arguments}]\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "print('loaded', sorted({'torch', 'numpy', 'cv2', 'pyarrow'} & sys.modules.keys()))\n"
    )
    result = run(sys.executable, "-c", script, cwd=ROOT)
    assert result.stdout.endswith("loaded []\n"), result.stderr


def test_help_lists_what_the_code_knows() -> None:
    """Names that help repeats, so that it need not import where they come from."""
    text = {
        c: run(sys.executable, "-m", "sketchface", c, "--help", cwd=ROOT).stdout for c in COMMANDS
    }
    flat = {command: " ".join(words.split()) for command, words in text.items()}
    grey = [name for name, metric in METRICS.items() if metric.channels != "colour"]
    assert f"{', '.join([*grey, 'rank_1', *SET_METRICS])};" in flat["score"]
    assert f"one of {', '.join(BUILT_IN)}" in flat["peek"]


def test_the_version_is_printed_and_unknown_commands_are_refused() -> None:
    version = run(sys.executable, "-m", "sketchface", "--version", cwd=ROOT)
    assert version.stdout == f"sketchface {sketchface.__version__}\n"
    assert run(sys.executable, "-m", "sketchface", "paint", cwd=ROOT).returncode == 2
