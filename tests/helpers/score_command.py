"""`sketchface score` as tests run it, and the values that it must print."""

import numpy as np
import torch
import typer
from typer.testing import CliRunner

from sketchface.commands import score
from sketchface_models.errors import SketchFaceError
from sketchface_models.metrics.registry import metric_names, score_batch

NAMES = metric_names(channels=1)
app = typer.Typer()
app.command()(score)


def run(*arguments):
    """Return what the command prints; raise the error that it refuses with."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, SketchFaceError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def grey(seed, height=32, width=40):
    """Return a picture of noise, (height, width) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def expected_scores(pairs):
    """Return metric -> (N,) values of pairs (reference, generated), scored as one batch."""
    reference, generated = (
        torch.from_numpy(np.stack(side))[:, None] for side in zip(*pairs, strict=True)
    )
    return score_batch(reference, generated)
