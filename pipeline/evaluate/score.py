"""One value a face: every metric, and the rank of its own target."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from pipeline.evaluate.draw import BATCH
from sketchface_models.metrics.registry import metric_names, score_batch
from sketchface_models.metrics.retrieval import describe, rank


def processor() -> torch.device:
    """Where to draw and score: on a GPU where there is one, as the engine's `auto` does."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def score(
    pictures: Tensor, targets: Tensor, device: torch.device, name: str = ""
) -> dict[str, np.ndarray]:
    """Every metric that applies, and `rank` (int64, from 1), each (N,).

    Args:
        pictures: (N, C, S, S) uint8, picture i made for target i.
        targets: same shape.
        device: on which to compute, a batch at a time.
        name: for the progress bar.
    """
    found: dict[str, list[Tensor]] = {metric: [] for metric in metric_names(targets.shape[1])}
    ours, theirs = [], []
    steps = range(0, len(targets), BATCH)
    for start in tqdm(steps, desc=f"score {name}", unit="batch", disable=None):
        part = slice(start, start + BATCH)
        drawn, wanted = pictures[part].to(device), targets[part].to(device)
        for metric, values in score_batch(wanted, drawn).items():
            found[metric].append(values.cpu())
        ours.append(describe(drawn))
        theirs.append(describe(wanted))
    ranks = rank(torch.cat(ours), torch.cat(theirs)).ranks.cpu().numpy()
    return {metric: torch.cat(values).numpy() for metric, values in found.items()} | {"rank": ranks}
