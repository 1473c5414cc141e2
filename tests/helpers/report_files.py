"""Reading back what a report says, independently of how it was written."""

import re
from pathlib import Path

import pandas as pd

METRICS = {"L1": "l1", "PSNR": "psnr", "SSIM": "ssim", "SCOOT": "scoot", "FSIM": "fsim"}


def sections(text: str) -> dict[str, str]:
    """Second-level title -> text below it."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def tables(text: str) -> list[list[list[str]]]:
    """Every table as rows of cells, head first, rule left out."""
    collected: list[list[list[str]]] = []
    lines: list[list[str]] = []
    for line in [*text.split("\n"), ""]:
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line.strip())[1:-1]
            lines.append([cell.strip().replace("\u00a0", " ") for cell in cells])
        elif lines:
            collected.append([lines[0], *lines[2:]])
            lines = []
    return collected


def measured(root: Path, run: str, seeds: list[int], metric: str, method: str = "system"):
    """Every image's score by one metric: a line for each seed, a column for each face."""
    frames = [
        pd.read_parquet(path)
        for seed in seeds
        for path in (root / "data" / "evaluate" / run / str(seed)).glob("*/scores.parquet")
    ]
    lines = pd.concat(frames).query("method == @method and metric == @metric and id.notna()")
    return lines[lines.subset == "all"].pivot(index="seed", columns="id", values="value")
