"""Runs that draw parsing maps: their own part of the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.evaluate.layout import PARSING
from pipeline.report.collect import Trained, read_json, require
from pipeline.report.tables import Table, code, count, number, percent, table

MEANS = {
    "accuracy": "pixel accuracy",
    "mean_f1": "mean F1",
    "mean_iou": "mean IoU",
    "mean_recall": "mean class accuracy",
    "weighted_iou": "weighted IoU",
}
HEAD = ("class", "part of all pixels", "F1", "IoU", "recall", "precision")


@dataclass(frozen=True)
class Parser:
    """One parser from one seed, as its part of the report shows it."""

    name: str
    seed: int
    summary: Mapping[str, Any]
    card: Mapping[str, Any]
    steps: Path
    folder: Path
    """Of `evaluate`, with the pictures."""

    @property
    def text(self) -> str:
        """What was trained and scored, in a sentence."""
        missing = len(self.summary["missing"])
        weights = self.summary["weights"]
        sizes = sum(self.card["parameters"].values())
        return (
            f"{sizes:,} parameters, {weights['images']:,} images seen, scored on "
            f"{count(self.summary['n'], 'face')} at {self.summary['size']} pixels"
            + (f", {missing} missing" if missing else "")
        )

    @property
    def classes(self) -> Table:
        """A line for each class that the truth has."""
        rows = self.summary["classes"]
        whole = sum(row["pixels"] for row in rows)
        columns = ("f1", "iou", "recall", "precision")
        return table(
            HEAD,
            [
                [
                    row["class"],
                    percent(row["pixels"] / whole),
                    *(number(row[column], column) for column in columns),
                ]
                for row in rows
            ],
        )

    def as_trained(self) -> Trained:
        """The same for the curves of its losses."""
        return Trained(
            *(self.seed, dict(self.summary), dict(self.card), {}, (), {}, (), {}),
            steps=self.steps,
            samples=self.folder / "samples.png",
        )


def is_parser(name: str, seed: int, data: Path) -> bool:
    """Whether `data/evaluate/NAME/SEED` holds the scores of parsing maps.

    Raises:
        SketchFaceError: if it is missing or damaged.
    """
    path = data / "evaluate" / name / str(seed) / "summary.json"
    return bool(read_json(path, f"evaluate@{name}-{seed}").get("kind") == PARSING)


def read_parser(name: str, seed: int, data: Path) -> Parser:
    """What `evaluate` and `train` left of a parser.

    Raises:
        SketchFaceError: naming the stage to run, if something is missing or damaged.
    """
    folder, trained = data / "evaluate" / name / str(seed), data / "train" / name / str(seed)
    evaluate, train = f"evaluate@{name}-{seed}", f"train@{name}-{seed}"
    for file in ("confusion.png", "samples.png"):
        require(folder / file, evaluate)
    return Parser(
        name=name,
        seed=seed,
        summary=read_json(folder / "summary.json", evaluate),
        card=read_json(trained / "weights" / "model.json", train),
        steps=require(trained / "logs" / "steps.jsonl", train),
        folder=folder,
    )


def overview(parsers: Sequence[Parser]) -> Table:
    """One line a parser."""
    head = ["run", "seed", *MEANS.values()]
    rows = [
        [
            code(each.name),
            str(each.seed),
            *(number(each.summary["scores"][name], name) for name in MEANS),
        ]
        for each in parsers
    ]
    return table(head, rows)


def score_rows(parser: Parser) -> Iterator[Sequence[Any]]:
    """Lines of `scores.csv`; what was measured once has no interval."""
    protocol = f"{PARSING}-{parser.summary['size']}"
    named = (parser.name, str(parser.seed), "model")
    faces = parser.summary["n"]
    for metric in MEANS:
        value = f"{parser.summary['scores'][metric]:.6g}"
        yield (*named, "all", metric, value, value, value, faces, "higher", protocol)
    for row in parser.summary["classes"]:
        value = f"{row['f1']:.6g}"
        yield (*named, row["class"], "f1", value, value, value, faces, "higher", protocol)
