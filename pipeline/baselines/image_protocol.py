"""The protocol of an output that is a picture: everything that could change a score."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from pipeline.baselines.scoring import extractors
from pipeline.baselines.targets import TEST, fingerprint
from pipeline.common.scored_pictures import RESIZE
from pipeline.common.shards import file_hash
from sketchface_models.metrics.metric import weights_hash
from sketchface_models.metrics.protocol import Protocol, measures
from sketchface_models.metrics.registry import METRICS, SET_METRICS, metric_names

STYLE_CLASSIFIER = Path("style", "model.safetensors")


def image_protocol(
    data: Path,
    dataset: str,
    target: str,
    ids: Sequence[str],
    targets: Tensor,
    inputs: Sequence[str],
    seed: int,
) -> Protocol:
    """Return the protocol by which pictures of some faces are scored.

    Args:
        data: folder with the stages' folders.
        dataset: name of the data set.
        target: field that pictures are compared with.
        ids: of the N faces.
        targets: theirs, (N, C, S, S) uint8.
        inputs: fields that the system reads.
        seed: of the choice of another face.
    """
    channels, size = targets.shape[1], targets.shape[-1]
    kind: Any = "grey" if channels == 1 else "rgb"
    networks = {
        name: digest for each in extractors().values() for name, digest in each.hashes().items()
    }
    for metric in metric_names(channels):
        networks |= {file.name: weights_hash(file) for file in METRICS[metric].weights}
    if (data / STYLE_CLASSIFIER).exists():
        networks["style"] = file_hash(data / STYLE_CLASSIFIER)
    return Protocol(
        f"{dataset}-{size}",
        f"{size}x{size}",
        RESIZE,
        kind,
        data=f"{dataset}/{TEST}/{len(ids)}/{target}/{fingerprint(target, ids, targets)}",
        networks=networks,
        metrics={
            **measures(kind),
            **{
                name: metric.parameters
                for name, metric in SET_METRICS.items()
                if metric.extractor.name in extractors()
            },
            **{name: each.parameters for name, each in extractors().items()},
        },
        seeds={"another face": seed},
        inputs=tuple(inputs),
    )
