"""Which run this is, and under what circumstances it is trained."""

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
from sketchface_models.training.settings import WITHOUT_EFFECT, Engine, accelerator, precision

ABOUT = "about.json"
_RESOLVED = ("device", "devices", "precision")
"""Settings whose meaning depends on the machine; what they came to counts as circumstances."""


@dataclass(frozen=True)
class Identity:
    """What a resume state belongs to: a run goes on only where both parts are the same."""

    content: str
    """SHA-256 (hex) of parameters, pack and code."""
    circumstances: dict[str, Any]
    """What changes the rounding of sums, and so the last bits of the weights."""

    @property
    def fingerprint(self) -> str:
        """Name of the folder its states wait in."""
        return _hash([self.content, self.circumstances])[:32]

    def claim(self, place: Path) -> None:
        """Write it into the run's folder, and say if states made otherwise lie beside that.

        Args:
            place: `fingerprint` in the store.
        """
        write_json(place / ABOUT, {"content": self.content, "circumstances": self.circumstances})
        for other in sorted(place.parent.glob(f"*/{ABOUT}")):
            if other.parent == place or not list(other.parent.glob("state*.safetensors")):
                continue
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                about = json.loads(other.read_text(encoding="utf-8"))
                if about["content"] == self.content:
                    print(_aside(other.parent, about["circumstances"]), file=sys.stderr)


def identity(config: Mapping[str, Any], engine: Engine, fabric: Fabric, pack: str) -> Identity:
    """The identity of a run of this process.

    Args:
        config: of the run, see `run.train`.
        engine: its engine section.
        fabric: launched.
        pack: hash of the pack.
    """
    settings = dict(config["engine"])
    for name in (*WITHOUT_EFFECT, *_RESOLVED):
        settings.pop(name, None)
    content = _hash([{**config, "engine": settings}, pack, code_hash()])
    circumstances = {
        "device": accelerator(engine),
        "precision": precision(engine),
        "processes": fabric.world_size,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    return Identity(content, circumstances)


def code_hash() -> str:
    """SHA-256 (hex) over every source file of this package."""
    root = Path(sketchface_models.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def folder_hash(folder: Path) -> str:
    """SHA-256 (hex) over the names and bytes of the files of a folder."""
    digest = hashlib.sha256()
    for path in sorted(p for p in Path(folder).iterdir() if p.is_file()):
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def environment(found: Identity) -> dict[str, Any]:
    """Where a run is trained: hardware, versions, commit."""
    cuda = found.circumstances["device"] == "cuda"
    return found.circumstances | {
        "hardware": torch.cuda.get_device_name() if cuda else _processor(),
        "python": platform.python_version(),
        "commit": _commit(),
    }


def _aside(place: Path, circumstances: Mapping[str, Any]) -> str:
    made = ", ".join(f"{name} {value}" for name, value in circumstances.items())
    return f"note: {place} holds this run as trained with {made}; it is not gone on from"


def _hash(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _commit() -> str:
    """The commit of this code, where it is a checkout and git is there to ask."""
    command = ["git", "rev-parse", "HEAD"]
    with contextlib.suppress(OSError):
        place = Path(__file__).parent
        asked = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        return asked.stdout.strip() or "unknown"
    return "unknown"


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f"{line.split(':', 1)[1].strip()}, {os.cpu_count()} cores"
    return platform.processor() or platform.machine()
