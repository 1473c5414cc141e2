"""The report as Markdown, and as one page that carries its pictures inside."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from PIL import Image

from pipeline.report.collect import Run
from pipeline.report.curves import Curve, data_uri, picture
from pipeline.report.document import VERDICTS, Document
from pipeline.report.parsers import Parser, overview
from pipeline.report.studies import CONTRADICTED, SUPPORTED
from pipeline.report.styles import styles_sheet
from pipeline.report.tables import count, listed, plain
from sketchface_models.styles import STYLE

COLOURED = {word: word for word in VERDICTS} | {SUPPORTED: "better", CONTRADICTED: "worse"}
"""Words in cells, and which colour they take."""
MARK = re.compile(r"<!-- pictures (\S+) -->")
RANGE = re.compile(r" (\[[-\d., ]+\])</td>")
WIDTHS = (1400, 1000, 700, 480)
PAGE_BYTES = 7_000_000
"""What all sample sheets together may take, before base64 adds a third."""
LONG = 40
"""Characters from which a cell of text may break into lines."""


def markdown(document: Document) -> str:
    """The report as GitHub-flavoured Markdown."""
    text = _templates().get_template("report.md.j2").render(doc=document, count=count, plain=plain)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def parsers_markdown(parsers: Sequence[Parser], data: Mapping[str, Any], alone: bool) -> str:
    """The parsers' part; with a head of its own where there is nothing else to report."""
    template = _templates().get_template("parsers.md.j2")
    text = template.render(
        parsers=parsers, overview=overview(parsers), data=data, alone=alone,
        count=count, plain=plain,
    )  # fmt: skip
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def page(text: str, figures: Mapping[str, str], data: str) -> str:
    """The same report as a self-contained HTML page.

    Args:
        text: what `markdown` gave.
        figures: run -> HTML that takes the place of its mark in the text.
        data: name of the data set, for the title.
    """
    parser = MarkdownIt("commonmark").enable("table")
    tokens = parser.parse(text)
    sections = _mark_headings(tokens)
    _mark_cells(tokens)
    for token in tokens:
        found = MARK.match(token.content) if token.type == "html_block" else None
        if found:
            token.content = figures[found[1]]
    body = parser.renderer.render(tokens, parser.options, {})
    body = RANGE.sub(r' <span class="range">\1</span></td>', _scrolling(body))
    template = _templates().get_template("index.html.j2")
    return template.render(body=Markup(body), sections=sections, data=data) + "\n"


def figures(run: Run, curves: Sequence[Curve], most_bytes: int) -> str:
    """HTML with the sample sheet of the first seed and the loss curves of all.

    Args:
        run: whose pictures.
        curves: of all its seeds.
        most_bytes: what the sample sheet may take, with the sheet of styles where there is one.
    """
    first = run.trained[0]
    inputs = first.card["model"]["task"]["inputs"]
    pictures = [name for name in inputs if name != STYLE]
    columns = [*pictures, "what was drawn", f"the target ({run.summary['target']})"]
    styled = styles_sheet(run)
    share = most_bytes // 2 if styled else most_bytes
    return (
        _templates()
        .get_template("figures.html.j2")
        .render(
            run=run.name,
            seed=first.seed,
            columns=listed(columns),
            terms=listed(dict.fromkeys(curve.term for curve in curves)),
            samples=data_uri(webp(first.samples, share), "image/webp"),
            styles=data_uri(webp(styled, share), "image/webp") if styled else "",
            losses=data_uri(picture(list(curves)), "image/svg+xml"),
        )
    )


def parser_figures(parser: Parser, curves: Sequence[Curve], most_bytes: int) -> str:
    """HTML with the confusion picture, the sheet of the worst faces, and the loss curves."""
    share = most_bytes // 2
    return (
        _templates()
        .get_template("parsers.html.j2")
        .render(
            run=parser.name,
            terms=listed(dict.fromkeys(curve.term for curve in curves)),
            confusion=data_uri(webp(parser.folder / "confusion.png", share), "image/webp"),
            samples=data_uri(webp(parser.folder / "samples.png", share), "image/webp"),
            losses=data_uri(picture(list(curves)), "image/svg+xml"),
        )
    )


def webp(path: Path, most_bytes: int) -> bytes:
    """A picture as WebP, no wider than it need be to take at most so many bytes."""
    sheet = Image.open(path).convert("RGB")
    for width in WIDTHS:
        height = max(1, round(sheet.height * width / sheet.width))
        smaller = sheet.resize((width, height), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        (smaller if width < sheet.width else sheet).save(buffer, "WEBP", quality=82, method=4)
        if buffer.tell() <= most_bytes:
            break
    return buffer.getvalue()


@functools.cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(("html.j2",), default=False),
        undefined=StrictUndefined,
    )


def _mark_headings(tokens: list[Token]) -> list[tuple[str, str]]:
    """Give second-level headings an id; returns (id, title) of each."""
    found = []
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.tag == "h2":
            title = inline.content.replace("`", "")
            id = re.sub(r"[^a-z0-9_-]+", "-", title.lower()).strip("-")
            token.attrSet("id", id)
            found.append((id, title))
    return found


def _mark_cells(tokens: list[Token]) -> None:
    """Name rows and columns for screen readers, and verdicts for their colour."""
    first, row = False, None
    for token, inline in pairwise(tokens):
        if token.type == "tr_open":
            first = True
        elif token.type == "th_open":
            token.attrSet("scope", "col")
        elif token.type == "td_open" and first:
            token.tag, row, first = "th", token, False
            token.attrSet("scope", "row")
        elif token.type == "td_open" and inline.content in COLOURED:
            token.attrSet("class", COLOURED[inline.content])
        elif token.type == "td_open" and len(inline.content) > LONG:
            token.attrSet("class", "wide")
        elif token.type == "td_close" and row is not None:
            token.tag, row = "th", None


def _scrolling(body: str) -> str:
    """Wide tables scroll by themselves, with the keyboard too, and not the whole page."""
    frame = '<div class="scroll" role="region" aria-label="Table" tabindex="0">\n<table>'
    return body.replace("<table>", frame).replace("</table>", "</table>\n</div>")
