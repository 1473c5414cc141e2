"""What the report says of faces by what is known of them, in HIDA's Table 1 and run by run."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_runs import IDS, made_faces, write_faces, write_run
from report_files import measured, sections, tables

from pipeline.common.evaluations import FACES_FILE, write_frame
from pipeline.report.write import write_report

SEEDS = [0, 1, 2]
SKILLS = {"pix2pix-photo": 3.0, "pix2pixhd-photo": 2.0, "cyclegan": 1.0, "hida": 4.0}
TITLE = "Study: photo to sketch by four systems"
TURNED = IDS[::3]
TRAITS = [["pose turned" if id in TURNED else "pose frontal", "source made"] for id in IDS]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The four systems, each better than the next; a third of the faces is turned."""
    root = tmp_path_factory.mktemp("traits")
    write_faces(root / "data", "made")
    for run, skill in SKILLS.items():
        inputs = ("photo", "depth", "style") if run == "hida" else ("photo",)
        for seed in SEEDS:
            folder = write_run(root / "data", run, seed, skill, steps=60, inputs=inputs)
            write_frame(folder / FACES_FILE, made_faces().assign(traits=TRAITS))
    write_report(list(SKILLS), SEEDS, root / "data", root / "reports")
    return root


@pytest.fixture(scope="module")
def text(project: Path) -> str:
    return (project / "reports" / "report.md").read_text()


def mean_of(project: Path, run: str, faces: tuple[str, ...]) -> str:
    """SCOOT on some faces over all seeds, from the scores themselves."""
    return f"{measured(project, run, SEEDS, 'scoot')[list(faces)].to_numpy().mean():.3f}"


def test_scores_stand_trait_by_trait_with_the_number_of_faces(project: Path, text: str) -> None:
    """What is true of all faces, their source here, is none of them."""
    *_, head_and_rows = tables(sections(text)[TITLE])
    head, *rows = head_and_rows
    column = head.index("SCOOT ↑")
    frontal = tuple(id for id in IDS if id not in TURNED)
    assert [row[0] for row in rows] == ["pose frontal (16)"] * 4 + ["pose turned (8)"] * 4
    for row in rows:
        run = row[1].split("`")[1]
        faces = TURNED if row[0].startswith("pose turned") else frontal
        assert row[column].split(" ")[0] == mean_of(project, run, faces)


def test_a_runs_own_section_has_them_too(project: Path, text: str) -> None:
    own = next(t for t in tables(sections(text)["Run `hida`"]) if t[0][0] == "test faces")
    numbers = {row[0]: row[1] for row in own[1:]}
    assert numbers == {
        "all": "24",
        "style 1": "12",
        "style 2": "12",
        "pose frontal": "16",
        "pose turned": "8",
    }
    turned = next(row for row in own if row[0] == "pose turned")
    assert turned[own[0].index("SCOOT ↑")].split(" ")[0] == mean_of(project, "hida", TURNED)


def test_claims_on_some_faces_are_of_those_alone(text: str) -> None:
    """Nobody knows who wears glasses here."""
    claims = next(t for t in tables(sections(text)[TITLE]) if t[0][0] == "the paper says")
    scoot = claims[0].index("SCOOT ↑")
    verdicts = {row[0]: row[scoot] for row in claims[1:]}
    assert verdicts["HIDA is the best on turned faces"] == "supported"
    assert verdicts["HIDA is the best on faces behind glasses"] == "not measured"
    assert verdicts["Pix2Pix comes second"] == "supported"
    assert verdicts["Pix2PixHD is better than CycleGAN, but for FID"] == "supported"


def test_what_nobody_ran_here_stands_as_it_was_published(text: str) -> None:
    section = sections(text)[TITLE]
    head, *rows = tables(section)[0]
    alone = {row[0]: row for row in rows if row[1] == "published"}
    assert list(alone) == [
        *("Pix2Pix", "Pix2PixHD", "CycleGAN", "MDAL", "SCA-GAN", "FSGAN", "GENRE", "HIDA"),
    ]
    assert alone["SCA-GAN"][head.index("FSIM ↑")] == "0.782"
    assert "Not run" not in section
