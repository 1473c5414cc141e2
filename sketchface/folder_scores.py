"""The metrics on folders of pictures, for any method's results (`sketchface score`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipeline.common.scored_pictures import default_device
from pipeline.common.verdicts import Estimate, Sample, Verdict, compare, estimate, verdicts
from sketchface.picture_pairs import batches, files_by_name, folder_labels
from sketchface.score_options import RANK_1, Options, protocol_of
from sketchface_models.errors import SketchFaceError
from sketchface_models.metrics.metric import Direction
from sketchface_models.metrics.protocol import Protocol
from sketchface_models.metrics.registry import METRICS, SET_METRICS, score_batch
from sketchface_models.metrics.retrieval import describe, rank
from sketchface_models.metrics.sets import score_sets
from sketchface_models.metrics.simple import finite


@dataclass(frozen=True)
class Scores:
    """What was measured of one folder.

    folder: name of the folder. pairs: names found in it and among the references, sorted. values:
    metric -> one value a pair, in that order, finite (identical pictures: PSNR 100 dB). samples:
    measure -> the sample that intervals and verdicts come from. missing: references without a
    result. extra: results without a reference.
    """

    folder: str
    protocol: Protocol
    pairs: list[str]
    values: dict[str, list[float]]
    samples: dict[str, Sample]
    missing: list[str]
    extra: list[str]

    def means(self) -> dict[str, Estimate]:
        """Return mean and 95 % interval of every measure."""
        return {name: estimate(sample) for name, sample in self.samples.items()}


@dataclass(frozen=True)
class Measured:
    """Pictures of one folder and their references, seen by the metrics, name by name.

    values: metric -> (N,). descriptors: by which pictures are ranked, (own, reference), each
    (N, D). features: extractor -> (own, reference), each (N, D).
    """

    values: dict[str, Tensor]
    descriptors: tuple[Tensor, Tensor]
    features: dict[str, tuple[Tensor, Tensor]]


def score_folders(
    reference_dir: Path, generated_dirs: Sequence[Path], options: Options | None = None
) -> list[Scores]:
    """Score folders against `reference_dir`, a few pictures in memory at a time.

    Several folders are scored on the names that all of them have.

    Args:
        reference_dir: folder of pictures.
        generated_dirs: folders of pictures of the same names, endings apart.
        options: how pictures are compared.

    Raises:
        SketchFaceError: if a folder is missing, a name stands for two files, no name is in all,
            a file is damaged, or a pair's sizes differ or are too small.
    """
    options = options or Options()
    references = files_by_name(reference_dir)
    results = [files_by_name(folder, options.patterns, references) for folder in generated_dirs]
    pairs = sorted(references.keys() & set.intersection(*(set(each) for each in results)))
    if not pairs:
        raise SketchFaceError(
            f"{', '.join(map(str, generated_dirs))}: no picture has the name of one of the "
            f"{len(references)} in {reference_dir}; name results as their references (endings may "
            "differ), or give --match"
        )
    networks = {name: each.load(default_device()) for name, each in options.extractors.items()}
    protocol = protocol_of(options)
    return [
        _scored(label, protocol, references, own, pairs, networks, options)
        for label, own in zip(folder_labels(generated_dirs), results, strict=True)
    ]


def compared(folders: Sequence[Scores]) -> list[tuple[str, str, str, Verdict]]:
    """Return every pair of folders by every measure: (ours, theirs, measure, verdict on ours).

    The pictures are compared, name by name; nothing is said of other trainings of their makers.
    """
    keys, comparisons = [], []
    for ours, theirs in combinations(folders, 2):
        for name in ours.samples:
            metric = METRICS.get(name) or SET_METRICS.get(name)
            direction = metric.direction if metric else Direction.HIGHER
            least = SET_METRICS[name].least if name in SET_METRICS else 6
            keys.append((ours.folder, theirs.folder, name))
            comparisons.append(compare(ours.samples[name], theirs.samples[name], direction, least))
    return [(*key, word) for key, word in zip(keys, verdicts(comparisons), strict=True)]


def _scored(
    folder: str,
    protocol: Protocol,
    references: Mapping[str, Path],
    results: Mapping[str, Path],
    pairs: list[str],
    networks: Mapping[str, Callable[[Tensor], Tensor]],
    options: Options,
) -> Scores:
    measured = _measured([(references[n], results[n]) for n in pairs], networks, options)
    samples = {name: Sample.per_face(each.numpy()) for name, each in measured.values.items()}
    if RANK_1 in options.measures:
        ranks = rank(*measured.descriptors).ranks.cpu().numpy()
        samples[RANK_1] = Sample.per_face((ranks == 1).astype(float))
    for extractor, (own, reference) in measured.features.items():
        metrics = {
            name: SET_METRICS[name]
            for name in options.measures
            if name in SET_METRICS and SET_METRICS[name].extractor.name == extractor
        }
        for name, score in score_sets(metrics, {folder: own}, reference)[folder].items():
            draws = score.resamples[np.isfinite(score.resamples)]
            samples[name] = Sample.pooled([score.value], draws[None], score.n)
    return Scores(
        folder,
        protocol,
        pairs,
        {name: finite(each.numpy()).tolist() for name, each in measured.values.items()},
        {name: samples[name] for name in options.measures if name in samples},
        sorted(references.keys() - results.keys()),
        sorted(results.keys() - references.keys()),
    )


def _measured(
    pairs: Sequence[tuple[Path, Path]],
    networks: Mapping[str, Callable[[Tensor], Tensor]],
    options: Options,
) -> Measured:
    values: dict[str, list[Tensor]] = {name: [] for name in options.pairwise}
    descriptors: tuple[list[Tensor], list[Tensor]] = ([], [])
    features: dict[str, tuple[list[Tensor], list[Tensor]]] = {name: ([], []) for name in networks}
    for reference, result in batches(pairs, options):
        for name, each in score_batch(reference, result, names=options.pairwise).items():
            values[name].append(each)
        for side, pictures in enumerate((result, reference)):
            descriptors[side].append(describe(pictures))
            for name, network in networks.items():
                features[name][side].append(network(pictures).cpu())
    return Measured(
        {name: torch.cat(parts) for name, parts in values.items()},
        (torch.cat(descriptors[0]), torch.cat(descriptors[1])),
        {name: (torch.cat(own), torch.cat(other)) for name, (own, other) in features.items()},
    )
