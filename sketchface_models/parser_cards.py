"""The cards of shipped parsers for people, NAME.md beside NAME.json, like those of generators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

USES = {
    "small": "labels photos that come without labels (`segment`, `sketchface translate`), and "
    "compares photos in losses",
    "judge": "measures generated photos; no loss uses it",
}
"""Name of a shipped parser -> what it is for."""
MEASURES = {
    "accuracy": "pixels that are right",
    "mean_f1": "F1, mean over classes",
    "mean_iou": "IoU, mean over classes",
    "mean_recall": "recall, mean over classes",
    "weighted_iou": "IoU, weighted by pixels",
}
"""Measure of a card -> what it is called there."""


def parser_markdown(card: Mapping[str, Any]) -> str:
    """Return the card of a shipped parser in Markdown.

    Args:
        card: what NAME.json holds; see `ship.parser_card`.
    """
    return "\n".join(_lines(card)) + "\n"


def _lines(card: Mapping[str, Any]) -> Iterator[str]:
    data, training, test = card["data"], card["training"], card["scores"]["test"]
    faces = ", ".join(f"{number:,} {split}" for split, number in data["faces"].items())
    yield f"# Parser `{card['name']}`"
    yield ""
    yield (
        f"{card['network']}: {card['reads']}; gives {card['gives']}. It {USES[card['name']]}. "
        f"{card['parameters']:,} parameters, {card['bytes'] / 1e6:.1f} MB; {card['precision']}. "
        f"Settings stand in `{card['name']}.json`."
    )
    yield ""
    yield f"**Terms.** {card['terms']}."
    yield ""
    yield (
        f"**Training.** On {data['what']} ({faces}). Seed {training['seed']}: "
        f"{training['steps']:,} steps, {training['images']:,} images. The hashes of all photos "
        "that it learned from stand in `learned_from.json`; `evaluate` refuses them as test faces."
    )
    yield ""
    yield f"**Scores.** On {test['faces']:,} test faces at {test['side']} x {test['side']} pixels."
    yield ""
    yield "| measure | value |"
    yield "|---|---|"
    for measure, title in MEASURES.items():
        yield f"| {title} | {test[measure]:.4f} |"
    yield ""
    yield "| class | IoU | F1 | precision | recall | pixels |"
    yield "|---|---|---|---|---|---|"
    for row in test["classes"]:
        values = (_number(row[key]) for key in ("iou", "f1", "precision", "recall"))
        yield f"| {row['class']} | {' | '.join(values)} | {row['pixels']:,} |"
    yield ""
    yield f"**SHA-256.** `{card['sha256']}`"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
