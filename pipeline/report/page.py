"""The report as Markdown, and as one page that carries its pictures inside."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from PIL import Image

from pipeline.common.evaluations import (
    CODES_FILE,
    CONFUSION_PICTURE,
    CYCLES_FILE,
    PLANES,
    SAMPLES_FILE,
    SAMPLINGS_FILE,
    TRANSFER_FILE,
)
from pipeline.common.records import Kind
from pipeline.common.verdicts import Verdict
from pipeline.report.collect import Result, require
from pipeline.report.control_figures import (
    gradient_picture,
    plane_page,
    tolerance_picture,
    vector_maps,
)
from pipeline.report.control_section import moves_of
from pipeline.report.curves import GRADIENTS, LOCKED, Curve, data_uri, locks, picture
from pipeline.report.document import Document
from pipeline.report.markdown_tables import count, listed, plain
from pipeline.report.studies import Word
from pipeline.report.style_section import styles_sheet
from sketchface_models.styles import STYLE

COLOURED = {str(verdict): str(verdict) for verdict in Verdict} | {
    str(Word.SUPPORTED): "better",
    str(Word.CONTRADICTED): "worse",
}
"""Words in cells, and which colour they take."""
MARK = re.compile(r"<!-- pictures (.+) -->")
RANGE = re.compile(r" (\[[-\d., ]+\])</td>")
WIDTHS = (1400, 1000, 700, 480)
PAGE_BYTES = 7_000_000
"""What all sample sheets together may take, before base64 adds a third."""
WEBP, SVG = "image/webp", "image/svg+xml"
CONTROL = "Control"
"""Name of the mark of the pictures of control: no run's, as those have small letters."""
LONG = 40
"""Characters from which a cell of text may break into lines."""


def markdown(document: Document) -> str:
    """Return the report as GitHub-flavoured Markdown."""
    text = _templates().get_template("report.md.j2").render(doc=document, count=count, plain=plain)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def page(text: str, figures: Mapping[str, str], data: str) -> str:
    """Return the same report as a self-contained HTML page.

    Args:
        text: what `markdown` gave.
        figures: name of a result -> HTML that takes the place of its mark in the text.
        data: name of the data set, for the title.
    """
    parser = MarkdownIt("commonmark").enable("table")
    tokens = parser.parse(text)
    sections = _mark_headings(tokens)
    _mark_cells(tokens)
    for token in tokens:
        mark = MARK.match(token.content) if token.type == "html_block" else None
        if mark:
            token.content = figures[mark[1]]
    body = parser.renderer.render(tokens, parser.options, {})
    body = RANGE.sub(r' <span class="range">\1</span></td>', _scrolling(body))
    template = _templates().get_template("index.html.j2")
    return template.render(body=Markup(body), sections=sections, data=data) + "\n"


def figures(result: Result, curves: Sequence[Curve], most_bytes: int) -> str:
    """Return HTML with the pictures of the first seed and the loss curves of all.

    Args:
        result: whose pictures.
        curves: of all its seeds.
        most_bytes: what the sample sheet may take, with the other sheets and the picture of the
            confusion matrix where there are such.

    Raises:
        SketchFaceError: naming the stage to run, if the sample sheet is missing.
    """
    curves = [curve for curve in curves if not curve.term.startswith(GRADIENTS)]
    first = result.evaluations[0]
    stage = f"evaluate@{result.run}-{first.summary.seed}"
    samples = require(first.folder / SAMPLES_FILE, stage)
    more = {"styles": styles_sheet(result)}
    for name, file in (
        ("cycles", CYCLES_FILE),
        ("samplings", SAMPLINGS_FILE),
        ("codes", CODES_FILE),
        ("transfer", TRANSFER_FILE),
        ("confusion", CONFUSION_PICTURE),
    ):
        more[name] = first.folder / file if (first.folder / file).exists() else None
    share = most_bytes // (1 + sum(path is not None for path in more.values()))
    return (
        _templates()
        .get_template("figures.html.j2")
        .render(
            run=result.name,
            seed=first.summary.seed,
            columns=_columns(result),
            terms=listed(dict.fromkeys(c.term for c in curves if not c.term.startswith(LOCKED))),
            locked=listed(locks(curves)),
            samples=data_uri(webp(samples, share), WEBP),
            losses=data_uri(picture(list(curves)), SVG) if curves else "",
            **{
                name: data_uri(webp(path, share), WEBP) if path else ""
                for name, path in more.items()
            },
        )
    )


def _columns(result: Result) -> str:
    """What stands on the sample sheet, in words."""
    summary = result.summary
    if summary.kind is Kind.LABELS:
        return "photo, what was generated, truth; the worst first"
    pictures = [name for name in summary.inputs if name != STYLE]
    if not result.partners:
        return listed([*pictures, "what was generated"])
    return listed([*pictures, "what was generated", f"the target ({summary.target})"])


def webp(path: Path, most_bytes: int) -> bytes:
    """Return a picture as WebP, no wider than it need be to take at most so many bytes."""
    return smaller_webp(Image.open(path), most_bytes)


def smaller_webp(picture: Image.Image, most_bytes: int) -> bytes:
    """`webp` of an opened picture."""
    sheet = picture.convert("RGB")
    for width in WIDTHS:
        height = max(1, round(sheet.height * width / sheet.width))
        smaller = sheet.resize((width, height), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        (smaller if width < sheet.width else sheet).save(buffer, "WEBP", quality=82, method=4)
        if buffer.tell() <= most_bytes:
            break
    return buffer.getvalue()


def control_pictures(results: Sequence[Result], curves: Sequence[Curve], most_bytes: int) -> str:
    """Return HTML with the pictures of the section on control; empty if there are none.

    Args:
        results: of the report.
        curves: of all runs.
        most_bytes: what the pages of vectors may take together.

    Raises:
        SketchFaceError: naming the stage to run, if a file of vectors is damaged.
    """
    maps = vector_maps(results)
    moved = [result for result in results if moves_of(result)]
    gradients = any(curve.term.startswith(GRADIENTS) for curve in curves)
    planes = {name: plane_page(maps, name) for name in PLANES} if maps else {}
    return (
        _templates()
        .get_template("control.html.j2")
        .render(
            runs=listed(maps),
            planes={
                name: data_uri(smaller_webp(Image.open(io.BytesIO(each)), most_bytes // 2), WEBP)
                for name, each in planes.items()
            },
            tolerance=data_uri(tolerance_picture(moved), SVG) if moved else "",
            gradients=data_uri(gradient_picture(curves), SVG) if gradients else "",
        )
    )


@functools.cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(("html.j2",), default=False),
        undefined=StrictUndefined,
    )


def _mark_headings(tokens: list[Token]) -> list[tuple[str, str]]:
    """Give second-level headings an id; returns (id, title) of each."""
    headings = []
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.tag == "h2":
            title = inline.content.replace("`", "")
            id = re.sub(r"[^a-z0-9_-]+", "-", title.lower()).strip("-")
            token.attrSet("id", id)
            headings.append((id, title))
    return headings


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
    """Let wide tables scroll by themselves, with the keyboard too, and not the whole page."""
    frame = '<div class="scroll" role="region" aria-label="Table" tabindex="0">\n<table>'
    return body.replace("<table>", frame).replace("</table>", "</table>\n</div>")
