"""DVC's run-cache keys leave out entries called `size`: they must be listed by themselves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BY_THEIR_PACK = {"pretrain", "train"}
"""Stages that no size reaches but through the pack, which they depend on."""
WRITES_NO_IMAGES = {"check", "code"}


def sizes(values: Any, name: str) -> Iterator[str]:
    """Yield the dotted names of all entries called `size` within a section."""
    if isinstance(values, dict):
        for key, value in values.items():
            if key == "size":
                yield f"{name}.{key}"
            yield from sizes(value, f"{name}.{key}")


def section(params: dict[str, Any], name: str) -> Any:
    for part in name.split("."):
        params = params[part]
    return params


def stages() -> dict[str, list[str]]:
    """Stage -> its parameters, for one run of those that are made for every run."""
    defined = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    return {
        name: [param.replace("${item.run}", "hida") for param in stage.get("params", [])]
        for name, stage in defined.items()
    }


@pytest.mark.parametrize("stage", sorted(stages().keys() - BY_THEIR_PACK - WRITES_NO_IMAGES))
def test_sizes_are_listed_by_themselves(stage: str):
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    listed = stages()[stage]
    hidden = {size for name in listed for size in sizes(section(params, name), name)}
    assert hidden <= set(listed)


def test_the_test_above_has_something_to_find():
    assert "systems.hida.task.size" in stages()["pack"]
    assert list(sizes({"a": {"size": 1}, "size": 2}, "x")) == ["x.a.size", "x.size"]
