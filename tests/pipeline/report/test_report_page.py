import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt
from PIL import Image
from report_files import sections

from pipeline.report.markdown_tables import brief, plain, ranged, table
from pipeline.report.page import webp

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Reader(HTMLParser):
    """Collects tags and checks that they nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def html(made: Path) -> str:
    return (made / "reports" / "index.html").read_text()


def test_the_page_loads_nothing(html: str):
    reader = Reader(html)
    for tag, attributes in reader.tags:
        assert tag not in {"script", "link", "iframe", "object", "embed"}
        for name in ("src", "href", "srcset", "poster", "data"):
            if name in attributes:
                assert str(attributes[name]).startswith(("data:image/", "#"))
    assert "http" not in re.sub(r"data:image/[^\"]+", "", html)
    assert "@import" not in html
    assert "url(" not in html


def test_the_page_is_accessible(html: str):
    reader = Reader(html)
    assert reader.all("html") == [{"lang": "en"}]
    assert all(image["alt"] for image in reader.all("img"))
    assert all(cell.get("scope") in ("col", "row") for cell in reader.all("th"))
    assert reader.all("th")
    ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {str(link["href"]).removeprefix("#") for link in reader.all("a")}
    assert targets == set(ids)
    assert len(html) < 10_000_000


def test_the_page_holds_the_report_and_pictures_of_every_run(made: Path, html: str):
    reader = Reader(html)
    said = " ".join("".join(reader.text).split())
    text = (made / "reports" / "report.md").read_text()
    for paragraph in MarkdownIt().parse(sections(text)["How to read the numbers"]):
        if paragraph.type == "inline":
            words = re.sub(r"[*`]", "", paragraph.content)
            assert " ".join(words.split()) in said
    assert [image["src"].split(";")[0] for image in reader.all("img")] == [
        "data:image/webp",
        "data:image/svg+xml",
    ] * 2
    assert "<!--" not in html
    sheet = Image.open(io.BytesIO(base64.b64decode(reader.all("img")[0]["src"].split(",")[1])))
    with Image.open(made / "data/evaluate/able/0/sketch/samples.png") as original:
        assert sheet.size == original.size


def test_verdicts_have_a_class_for_their_colour(html: str):
    # The parser's kernel distance says the same as the five, but has no row of other faces.
    assert html.count('<td class="better">better</td>') == 3 * 5 + 2 + 5 + 1
    assert html.count('<td class="worse">worse</td>') == 3 * 5 + 2


def test_a_large_sample_sheet_shrinks_to_its_share(tmp_path: Path):
    noise = np.random.default_rng(0).integers(0, 256, (900, 2000, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "sheet.png")
    small = webp(tmp_path / "sheet.png", 400_000)
    assert len(small) <= 400_000
    assert Image.open(io.BytesIO(small)).width < 1400
    assert Image.open(io.BytesIO(webp(tmp_path / "sheet.png", 10**7))).width == 1400


@pytest.mark.parametrize("text", ["a | b", "*x* _y_", "`code`", "<b>&amp;", "[a](b)", "# 1 ~~2~~"])
def test_foreign_text_is_shown_as_it_is(text: str):
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    row = f"| {plain(text)} | end |"
    rendered = parser.render(f"| a | b |\n| - | - |\n{row}\n")
    cell = re.search(r"<tbody>\s*<tr>\s*<td>(.*?)</td>\s*<td>end</td>", rendered, re.DOTALL)
    assert cell is not None
    reader = Reader(f"<p>{cell[1]}</p>")
    assert "".join(reader.text) == text
    assert len(reader.tags) == 1


def line(metric: str = "ssim", **changes: object) -> pd.Series:
    values = {"metric": metric, "mean": 0.12345, "low": 0.1, "high": 0.2, "count": 24}
    return pd.Series(values | {"spread": None, "few": False} | changes, dtype=object)


def test_a_cell_has_the_mean_its_spread_over_seeds_and_the_interval():
    assert ranged(line()) == "0.123 [0.100, 0.200]"
    assert ranged(line("psnr", mean=21.456, low=20.0, high=22.0)) == "21.46 [20.00, 22.00]"
    assert ranged(line(spread=0.0123)) == "0.123\u00a0±\u00a00.012 [0.100, 0.200]"
    assert brief(line(spread=0.0123, few=True)) == "0.123†\u00a0±\u00a00.012"


def test_one_face_has_no_interval():
    assert ranged(line(low=0.12345, high=0.12345, count=1)) == "0.123"


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="another length"):
        table(["a", "b"], [["1"]])
