"""What a report says of a run's system: what it is in plain words, and how this run is set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.report.tables import listed, plain

SYSTEMS = Path(__file__).parent / "systems.json"
SETTINGS = ("network", "loss", "conditional", "augment", "schedule")
"""Sections of a model's configuration that a report shows."""


def described(system: str) -> str:
    """What a system is and whose, in Markdown; empty for one that `systems.json` lacks."""
    found = json.loads(SYSTEMS.read_text(encoding="utf-8")).get(system)
    return f"{found['about']} Source: {found['source']}." if found else ""


def settings(model: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Section -> its settings in one line, for those sections that the model has.

    Args:
        model: configuration, as the card of its weights has it.
    """
    shown = [(name, model[name]) for name in SETTINGS if model.get(name)]
    return [
        (name, listed(f"{plain(key)} {plain(value)}" for key, value in section.items()))
        for name, section in shown
    ]
