"""The pages made from the code are up to date, and nothing on them lacks a description."""

from dataclasses import dataclass

import pyarrow as pa
import pytest

from pipeline.common.evaluations import column
from tools import config_reference, data_flow, reference, write_docs
from tools.reference import Undescribed
from tools.written_files import File, parquet


@dataclass(frozen=True)
class Base:
    """Settings that others extend."""

    first: int
    """In pixels,
    at most the side."""


@dataclass(frozen=True)
class Extended(Base):
    """Settings with a field that nobody described."""

    second: float = 0.5


def test_the_pages_are_as_the_code_makes_them() -> None:
    stale = write_docs.stale()
    assert not stale, f"{', '.join(stale)}: stale; run `make docs`"


def test_a_stale_page_fails_the_check_with_the_command_to_run(
    tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(write_docs, "ROOT", tmp_path)
    monkeypatch.setattr(write_docs, "PAGES", {"page.md": lambda: "new\n"})
    page = tmp_path / "page.md"
    page.write_text("old\n")
    assert write_docs.main(["--check"]) == 1
    assert "page.md: stale; run `make docs`" in capsys.readouterr().err
    assert page.read_text() == "old\n"
    assert write_docs.main([]) == 0
    assert page.read_text() == "new\n"
    assert write_docs.main(["--check"]) == 0


def test_docstrings_of_fields_come_from_the_class_and_its_bases() -> None:
    first, second = reference.settings(Extended)
    assert (first.name, first.meaning) == ("first", "In pixels, at most the side.")
    assert (second.name, second.meaning, second.default) == ("second", "", 0.5)


def test_a_parameter_without_docstring_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(config_reference.SECTIONS, "augment", Extended)
    with pytest.raises(Undescribed, match=r"^augment: second has no docstring"):
        config_reference.page()


def test_a_section_that_the_page_does_not_know_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    values = reference.composed() | {"unknown": {"key": 1}}
    monkeypatch.setattr(config_reference, "composed", lambda: values)
    with pytest.raises(Undescribed, match=r"^unknown: "):
        config_reference.page()


@pytest.mark.parametrize("described", [True, False])
def test_a_column_without_description_is_named(
    monkeypatch: pytest.MonkeyPatch, described: bool
) -> None:
    schema = pa.schema([column("id", pa.string(), "the face"), ("dx", pa.float32())])
    file = parquet("shards/NNNN.parquet", "a row a face", schema, {"dx": "px"} if described else {})
    monkeypatch.setitem(data_flow.OUTPUTS, "data/augment", (file,))
    if described:
        assert "| `dx` | float32 | px |" in data_flow.page()
    else:
        with pytest.raises(Undescribed, match=r"^data/augment/shards/NNNN.parquet: dx has no"):
            data_flow.page()


def test_outputs_of_the_pipeline_and_of_the_page_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(data_flow.OUTPUTS, "data/augment")
    monkeypatch.setitem(data_flow.OUTPUTS, "data/gone", (File("", "nothing"),))
    with pytest.raises(Undescribed) as error:
        data_flow.page()
    assert str(error.value).splitlines() == [
        "data/augment: not in tools/written_files.py OUTPUTS",
        "data/gone: not in dvc.yaml",
    ]


def test_readers_are_the_stages_that_depend_on_a_part_or_on_the_whole() -> None:
    stages = [
        data_flow.Stage("part", "", ("data/train/RUN/SEED/weights",), ()),
        data_flow.Stage("whole", "", ("data/train",), ()),
        data_flow.Stage("neighbour", "", ("data/train/RUN/SEED/logs", "data/tra"), ()),
    ]
    assert data_flow.readers("data/train/RUN/SEED/weights", stages) == ["part", "whole"]
