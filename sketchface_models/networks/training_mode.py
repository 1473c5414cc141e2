"""Networks that go on as in training when they generate: dropout, and batch norm of one picture.

pix2pix does both on purpose (Isola et al. 2017, section 3.3), the portrait sketches' code because
it never calls `eval()` (docs/papers.md, Portrait sketches).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def generate(network: nn.Module, condition: Tensor, dropout: bool, statistics: bool) -> Tensor:
    """Run a network in eval mode; picture by picture, as in training, if either is asked for.

    What is dropped follows from the picture's own bytes, so that it comes out alike each time and
    whatever stands beside it.

    Args:
        network: in eval mode; ends in it, with the running statistics that it had.
        condition: (B, C, S, S).
        dropout: go on dropping values.
        statistics: normalise each picture by its own statistics.

    Returns:
        (B, C', S, S).
    """
    if not (dropout or statistics):
        generated: Tensor = network(condition)
        return generated
    pictures = []
    for one in condition.split(1):
        digest = hashlib.sha256(one.detach().cpu().float().numpy().tobytes()).digest()
        devices = [one.device] if one.device.type == "cuda" else []
        with torch.random.fork_rng(devices), as_in_training(network, dropout, statistics):
            torch.manual_seed(int.from_bytes(digest[:7], "big"))
            pictures.append(network(one))
    return torch.cat(pictures)


@contextmanager
def as_in_training(network: nn.Module, dropout: bool, statistics: bool) -> Iterator[None]:
    """Run a network in eval mode as if nobody had switched it over.

    Args:
        network: in eval mode; ends in it, with the running statistics that it had.
        dropout: go on dropping values.
        statistics: normalise by the batch's own statistics.
    """
    kinds = nn.Dropout | nn.Dropout2d
    layers = [each for each in network.modules() if dropout and isinstance(each, kinds)]
    norms = [each for each in network.modules() if statistics and isinstance(each, nn.BatchNorm2d)]
    for each in (*layers, *norms):
        each.train()
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for each in (*layers, *norms):
            each.eval()
        for norm in norms:
            norm.track_running_stats = True
