"""Whatever comments, settings and pages refer to exists in the repository."""

from __future__ import annotations

import calendar
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

import sketchface_models

ROOT = Path(sketchface_models.__file__).resolve().parents[1]
PAPERS = "docs/papers.md"
TEXT = {".py", ".md", ".yaml", ".toml", ".j2", ".sh", ".cfg", ""}
THIS = Path(__file__).resolve().relative_to(ROOT).as_posix()

NAME = r"[A-Z][a-zà-ÿ]+(?:-?[A-Z][a-zà-ÿ]+)*"
CITATION = re.compile(rf"\b({NAME}) (?:et al\.?|and ({NAME})),? \(?((?:19|20)\d\d)\b")
ALONE = re.compile(rf"\(({NAME}) ((?:19|20)\d\d)[,;)]")
ENTRY = re.compile(rf"^- ({NAME}(?: et al\.| and {NAME})? (?:19|20)\d\d)\.", re.MULTILINE)
OUTSIDE = {
    "fact sheet": r"\b[Ff]acts? (?:sheet\b|[A-H]\b)",
    "paper by letter": r"\b[Pp]aper [A-E]\b",
    "design": r"\((?:the )?design[,)]",
    "note": r"\b(?:design|facts|anchors|perf)\.md\b",
    "section by letter": r"(?<![\w.])[A-H]\.\d{1,2}\b(?!\.)",
}
"""Ways to point at notes that only the authors had."""
LOOSE = {
    "et al. without year": rf"\b{NAME},? et al\.(?!,? \(?(?:19|20)\d\d)",
    "ampersand": rf"\b{NAME} & {NAME},? (?:19|20)\d\d\b",
    "names and venue": rf"(?:\band {NAME},|\b{NAME}) \(?(?:CVPR|ICCV|ECCV|T?PAMI) (?:19|20)\d\d",
}
"""Ways to cite that no test could resolve."""
PACKAGES = "pipeline|face_geometry|synthetic_faces|sketchface_models|sketchface"
PATH = re.compile(rf"(?<![\w./-])((?:{PACKAGES}|tests|conf|docs|tools|benchmarks)/[\w./*-]*)")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def tracked() -> list[str]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [name for name in names.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


FILES = tracked()
PAGES = [name for name in FILES if name.endswith(".md") and not name.startswith("reports/")]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def prose(text: str) -> str:
    """The text with line breaks, and the comment signs after them, as single spaces."""
    return re.sub(r"\s*\n\s*(?:#+ |\* )?\s*", " ", text)


def sources() -> Iterator[tuple[str, str]]:
    """Name and prose of every tracked file that somebody wrote."""
    for name in FILES:
        locks = name.endswith((".lock", "dvc.lock")) or name.startswith(("reports/", ".dvc"))
        if Path(name).suffix in TEXT and not locks and name != THIS:
            yield name, prose(read(name))


def headings(text: str) -> list[str]:
    return re.findall(r"^#{1,6} (.+?)\s*$", text, re.MULTILINE)


def anchor(heading: str) -> str:
    """The name that GitHub gives a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower().replace("`", ""))
    return kept.replace(" ", "-")


def entries() -> set[str]:
    return set(ENTRY.findall(read(PAPERS).split("\n## References\n")[1]))


def citations(text: str) -> Iterator[str]:
    for first, second, year in CITATION.findall(text):
        yield f"{first} and {second} {year}" if second else f"{first} et al. {year}"
    for name, year in ALONE.findall(text):
        if name not in calendar.month_name:
            yield f"{name} {year}"


def test_every_citation_has_an_entry_under_references() -> None:
    known = entries()
    assert len(known) > 30
    missing = {
        f"{name}: {key}" for name, text in sources() for key in citations(text) if key not in known
    }
    assert not missing


def test_every_named_heading_of_the_papers_exists() -> None:
    known = tuple(headings(read(PAPERS)))
    wrong = {
        f"{name}: {match[1][:40]}"
        for name, text in sources()
        for match in re.finditer(r"docs/papers\.md, (.{1,60})", text)
        if not match[1].startswith(known)
    }
    assert not wrong


@pytest.mark.parametrize("pattern", OUTSIDE.values(), ids=list(OUTSIDE))
def test_nothing_names_a_source_that_is_not_here(pattern: str) -> None:
    wrong = [
        f"{name}: {text[max(0, match.start() - 30) : match.end() + 20]}"
        for name, text in sources()
        for match in re.finditer(pattern, text)
    ]
    assert not wrong


@pytest.mark.parametrize("pattern", LOOSE.values(), ids=list(LOOSE))
def test_papers_are_cited_in_one_form(pattern: str) -> None:
    wrong = [
        f"{name}: {match[0]}"
        for name, text in sources()
        for match in re.finditer(pattern, text)
        if name != PAPERS
    ]
    assert not wrong


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_headings(page: str) -> None:
    wrong = []
    for target in LINK.findall(re.sub(r"```.*?```", "", read(page), flags=re.DOTALL)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = unquote(target).partition("#")
        whole = (ROOT / page).parent.joinpath(path).resolve() if path else ROOT / page
        name = whole.relative_to(ROOT).as_posix()
        if name not in FILES and not any(each.startswith(f"{name}/") for each in FILES):
            wrong.append(f"{target}: no such file")
        elif fragment and fragment not in map(anchor, headings(read(name))):
            wrong.append(f"{target}: no such heading")
    assert not wrong


def exists(path: str) -> bool:
    """Whether `path` names a file or folder; STAGE, RUN and the like stand for any name."""
    return any(ROOT.glob(re.sub(r"\b[A-Z][A-Z-]*\b", "*", path.rstrip("./"))))


@pytest.mark.parametrize("page", [*PAGES, "dvc.yaml", "Makefile"])
def test_paths_that_pages_name_exist(page: str) -> None:
    text = re.sub(r"https?://\S+", "", read(page))
    made = re.compile(r"/residual\.(py|yaml)$")  # by whoever follows docs/your-own-method.md
    assert not [path for path in PATH.findall(text) if not exists(path) and not made.search(path)]


def rows(section: str) -> Iterator[tuple[str, str]]:
    """Default and setting of every row of a section's tables that names a setting."""
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and re.fullmatch(r"`[\w.-]+`", cells[4]):
            yield cells[3], cells[4].strip("`")


def test_readme_lists_every_study_and_every_stage() -> None:
    readme = read("README.md")
    listed = re.findall(r"^\| `(study-[\w-]+)` \|", readme, re.MULTILINE)
    studies = [path.stem for path in ROOT.glob("conf/model/study-*.yaml")]
    assert sorted(listed) == sorted(studies)

    (stages,) = re.findall(r"a folder a stage: ([\w\s]+);", readme)
    assert stages.split() == [
        stage
        for stage in yaml.safe_load(read("dvc.yaml"))["stages"]
        if (ROOT / "pipeline" / stage).is_dir()
    ]


def test_the_tables_of_papers_name_settings_and_their_defaults() -> None:
    parameters = yaml.safe_load(read("params.yaml"))
    named = list(rows(read(PAPERS)))
    assert len(named) > 40
    for default, setting in named:
        value = parameters
        for key in setting.split("."):
            assert isinstance(value, dict), setting
            assert key in value, setting
            value = value[key]
        literal = re.fullmatch(r"`([^`]+)`", default)
        assert literal is None or yaml.safe_load(literal[1]) == value, (setting, default, value)
