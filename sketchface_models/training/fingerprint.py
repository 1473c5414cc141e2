"""The fingerprint of a run, under which its checkpoints wait; hardware and versions beside it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

import sketchface_models
from sketchface_models.atomic import write_json
from sketchface_models.training.engine_settings import (
    WITHOUT_EFFECT,
    Engine,
    accelerator,
    precision,
)

FINGERPRINT_FILE = "fingerprint.json"
_RESOLVED = ("device", "devices", "precision")
"""Settings whose meaning depends on the machine; what they resolve to counts as numerics."""


@dataclass(frozen=True)
class Fingerprint:
    """What a checkpoint belongs to: a run resumes only where both parts are the same."""

    content: str
    """SHA-256 (hex) of parameters, pack, start and code."""
    numerics: dict[str, Any]
    """What changes the rounding of sums, and so the last bits of the weights."""

    @property
    def name(self) -> str:
        """Name of the folder its checkpoints wait in."""
        return _hash([self.content, self.numerics])[:32]

    def record(self, folder: Path) -> None:
        """Write it into the run's folder; print a note if the same run waits under other numerics.

        Args:
            folder: of this run in the store, called `name`.
        """
        write_json(folder / FINGERPRINT_FILE, {"content": self.content, "numerics": self.numerics})
        for other in sorted(folder.parent.glob(f"*/{FINGERPRINT_FILE}")):
            if other.parent == folder or not list(other.parent.glob("state*.safetensors")):
                continue
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                entry = json.loads(other.read_text(encoding="utf-8"))
                if entry["content"] == self.content:
                    made = ", ".join(f"{name} {value}" for name, value in entry["numerics"].items())
                    print(
                        f"note: {other.parent} holds this run as trained with {made}; "
                        "it is not gone on from",
                        file=sys.stderr,
                    )


def fingerprint(
    config: Mapping[str, Any], engine: Engine, fabric: Fabric, data: str
) -> Fingerprint:
    """Return the fingerprint of a run in this process.

    Args:
        config: of the run, see `run.train`.
        engine: its engine section.
        fabric: launched.
        data: hash of the pack and of the starting weights.
    """
    settings = dict(config["engine"])
    for name in (*WITHOUT_EFFECT, *_RESOLVED):
        settings.pop(name, None)
    content = _hash([{**config, "engine": settings}, data, code_hash()])
    numerics = {
        "device": accelerator(engine),
        "precision": precision(engine),
        "processes": fabric.world_size,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    return Fingerprint(content, numerics)


def code_hash() -> str:
    """Return the SHA-256 (hex) of every source file of this package."""
    root = Path(sketchface_models.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def folder_hash(folder: Path) -> str:
    """Return the SHA-256 (hex) of the names and bytes of the files of a folder."""
    digest = hashlib.sha256()
    for path in sorted(p for p in Path(folder).iterdir() if p.is_file()):
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def environment(device: str) -> dict[str, str]:
    """Return hardware, Python version and commit.

    Args:
        device: "cpu" or "cuda", whose name is the hardware.
    """
    return {
        "hardware": torch.cuda.get_device_name() if device == "cuda" else _processor(),
        "python": platform.python_version(),
        "commit": _commit(),
    }


def _hash(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _commit() -> str:
    """The commit of this code, where it is a checkout and git is installed."""
    command, root = ["git", "rev-parse", "HEAD"], Path(__file__).parent
    with contextlib.suppress(OSError):
        answer = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        return answer.stdout.strip() or "unknown"
    return "unknown"


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f"{line.split(':', 1)[1].strip()}, {os.cpu_count()} cores"
    return platform.processor() or platform.machine()
