"""The metrics on folders of pictures, for any method's results (`sketchface score`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from json import dumps
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from pipeline.common.images import EXTENSIONS, read_image
from pipeline.common.pictures import default_device
from pipeline.common.progress import progress
from pipeline.common.verdicts import Estimate, Sample, Verdict, compare, estimate, verdicts
from sketchface_models.errors import SketchFaceError, printable
from sketchface_models.metrics.metric import (
    Direction,
    Extractor,
    Metric,
    SetMetric,
    weights_hash,
    why_not_measured,
)
from sketchface_models.metrics.protocol import Protocol, measures
from sketchface_models.metrics.registry import (
    METRICS,
    SET_METRICS,
    least_side,
    metric_names,
    score_batch,
)
from sketchface_models.metrics.retrieval import describe, rank
from sketchface_models.metrics.sets import score_sets
from sketchface_models.metrics.simple import finite

RANK_1 = "rank_1"
LABELS = {
    **{name: metric.label for name, metric in METRICS.items()},
    RANK_1: "rank-1",
    **{name: metric.label for name, metric in SET_METRICS.items()},
}
BATCH_PIXELS = 2**20


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


@dataclass(frozen=True)
class Options:
    """How pictures are compared.

    names: of the measures; all that can be measured if empty. target: width and height that all
    are resized to, None to compare them as they are. colour: in RGB instead of grey. patterns: of
    results' names, `*` stands for the reference's name.
    """

    names: tuple[str, ...] = ()
    target: tuple[int, int] | None = None
    colour: bool = False
    patterns: tuple[str, ...] = ()

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures that are asked for, in table order.

        Raises:
            SketchFaceError: for a name that is none, or one whose weights are missing.
        """
        channels = 3 if self.colour else 1
        possible = [*metric_names(channels, measurable=False), RANK_1, *SET_METRICS]
        every: dict[str, Metric | SetMetric] = {**METRICS, **SET_METRICS}
        lacking = {name: why_not_measured(every[name]) for name in possible if name in every}
        for name in self.names:
            if name not in possible:
                raise SketchFaceError(f"--metrics {name}: allowed: {', '.join(possible)}")
            if lacking.get(name):
                raise SketchFaceError(f"--metrics {name}: {lacking[name]}")
        return tuple(
            name
            for name in possible
            if (name in self.names if self.names else not lacking.get(name))
        )

    @property
    def pairwise(self) -> tuple[str, ...]:
        """Those of the measures that compare a picture with its reference."""
        return tuple(name for name in self.measures if name in METRICS)

    @property
    def extractors(self) -> dict[str, Extractor]:
        """Networks whose features the others compare."""
        used = [SET_METRICS[name].extractor for name in self.measures if name in SET_METRICS]
        return {each.name: each for each in used}


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
    references = _by_name(reference_dir)
    results = [_by_name(folder, options.patterns, references) for folder in generated_dirs]
    pairs = sorted(references.keys() & set.intersection(*(set(each) for each in results)))
    if not pairs:
        raise SketchFaceError(
            f"{', '.join(map(str, generated_dirs))}: no picture has the name of one of the "
            f"{len(references)} in {reference_dir}; name results as their references (endings may "
            "differ), or give --match"
        )
    networks = {name: each.load(default_device()) for name, each in options.extractors.items()}
    protocol = _protocol(options)
    return [
        _scored(label, protocol, references, own, pairs, networks, options)
        for label, own in zip(_labels(generated_dirs), results, strict=True)
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
    for reference, result in _batches(pairs, options):
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


def as_json(folders: Sequence[Scores], per_image: bool) -> str:
    """Return one JSON object, laid out as `sketchface score --help` says."""
    parts = {scores.folder: _json_part(scores, per_image) for scores in folders}
    result: dict[str, Any] = {"protocol": folders[0].protocol.tag}
    if len(folders) == 1:
        result |= parts[folders[0].folder]
    else:
        result["folders"] = parts
        result["verdicts"] = [
            {"ours": ours, "theirs": theirs, "metric": metric, "verdict": word}
            for ours, theirs, metric, word in compared(folders)
        ]
    text = dumps(result, indent=2, ensure_ascii=False, allow_nan=False)
    # Names that are no valid Unicode, as JSON escapes.
    return text.encode("utf-8", "backslashreplace").decode()


def _json_part(scores: Scores, per_image: bool) -> dict[str, Any]:
    part: dict[str, Any] = {
        "n": len(scores.pairs),
        "metrics": {
            name: {"mean": each.mean, "low": each.low, "high": each.high}
            for name, each in scores.means().items()
        },
        "missing": scores.missing,
        "extra": scores.extra,
    }
    if per_image:
        part["per_image"] = {
            name: {metric: values[i] for metric, values in scores.values.items()}
            for i, name in enumerate(scores.pairs)
        }
    return part


def as_table(folders: Sequence[Scores], per_image: bool) -> str:
    """Return the same for people: one line a measure, what did not match, and verdicts."""
    lines: list[str] = []
    for scores in folders:
        lines += [f"{scores.folder}:", ""] if len(folders) > 1 else []
        lines += [*_lines(scores), ""]
        if per_image:
            lines += [*_image_lines(scores), ""]
    words = compared(folders)
    if words:
        lines += ["Of these pictures, name by name (95 %, Holm's correction over all lines):"]
        lines += [f"  {a} is {word} than {b} by {LABELS[name]}" for a, b, name, word in words]
    return "\n".join(map(printable, lines)).rstrip()


def _lines(scores: Scores) -> list[str]:
    width = max(len(LABELS[name]) for name in scores.samples) + 2
    lines = [f"{'metric':{width}} {'mean':>9}   95 % interval", ""]
    for name, each in scores.means().items():
        metric = METRICS.get(name) or SET_METRICS.get(name)
        arrow = "↓" if metric and metric.direction == "lower" else "↑"
        interval = f"{each.mean:9.4f}   {each.low:.4f} to {each.high:.4f}"
        lines.append(f"{LABELS[name] + ' ' + arrow:{width}} {interval}")
    lines += ["", f"{len(scores.pairs)} pairs, protocol {scores.protocol.tag}"]
    if len(scores.pairs) == 1:
        lines.append("one pair has no interval: the bounds are its value")
    expected = len(scores.pairs) + len(scores.missing)
    for names, what in (
        (scores.missing, f"of {expected} references without a result"),
        (scores.extra, "results without a reference"),
    ):
        if names:
            lines.append(f"{len(names)} {what}: {', '.join(names)}")
    return lines


def _image_lines(scores: Scores) -> list[str]:
    width = max(len(name) for name in [*scores.pairs, "name"])
    head = f"{'name':{width}}" + "".join(f"{metric:>10}" for metric in scores.values)
    return [head] + [
        f"{name:{width}}" + "".join(f"{values[i]:10.4f}" for values in scores.values.values())
        for i, name in enumerate(scores.pairs)
    ]


def _protocol(options: Options) -> Protocol:
    kind: Any = "rgb" if options.colour else "grey"
    target = options.target
    hashes = {
        name: digest
        for extractor in options.extractors.values()
        for name, digest in extractor.hashes().items()
    }
    for name in options.pairwise:
        hashes |= {file.name: weights_hash(file) for file in METRICS[name].weights}
    every = measures(kind)
    parameters = {name: each for name, each in every.items() if name in options.pairwise}
    parameters |= {"retrieval": every["retrieval"]} if RANK_1 in options.measures else {}
    parameters |= {n: SET_METRICS[n].parameters for n in options.measures if n in SET_METRICS}
    return Protocol(
        name="score",
        size="native" if target is None else f"{target[0]}x{target[1]}",
        resize="none" if target is None else "pillow-bicubic",
        channels=kind,
        networks=hashes,
        metrics=parameters,
    )


def parse_size(text: str) -> tuple[int, int]:
    """Return `N` or `WxH` as (width, height).

    Raises:
        SketchFaceError: for anything else, or sides that metrics are not defined for.
    """
    sides, least = text.lower().split("x"), least_side(metric_names(1))
    if len(sides) > 2 or not all(side.isascii() and side.isdigit() for side in sides):
        raise SketchFaceError(f"--size {text}: expected a side such as 250, or WxH as in 200x250")
    width, height = int(sides[0]), int(sides[-1])
    if not least <= min(width, height) <= max(width, height) <= 8192:
        raise SketchFaceError(f"--size {text}: expected sides from {least} to 8192 pixels")
    return width, height


def _labels(folders: Sequence[Path]) -> list[str]:
    """Return the folders' names; their paths where two have one name."""
    names = [folder.name or str(folder) for folder in folders]
    return names if len(set(names)) == len(names) else [str(folder) for folder in folders]


def _by_name(
    folder: Path, patterns: Sequence[str] = (), references: Mapping[str, Path] | None = None
) -> dict[str, Path]:
    """Return the picture files of a folder by the name of their reference."""
    if not folder.is_dir():
        raise SketchFaceError(f"{folder}: no such folder")
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in EXTENSIONS or path.name.startswith("."):
            continue
        name = path.stem
        if references is None or name not in references:
            name = _stripped(path.stem, patterns)
        if name in files:
            raise SketchFaceError(f"{path}: {files[name].name} has the same name; keep one of both")
        files[name] = path
    if not files:
        raise SketchFaceError(f"{folder}: no picture in it (subfolders are not searched)")
    return files


def _stripped(stem: str, patterns: Sequence[str]) -> str:
    """Return what `*` stands for in the first pattern that a name has; else the name.

    Raises:
        SketchFaceError: for a pattern without one `*`.
    """
    for pattern in patterns:
        if pattern.count("*") != 1:
            raise SketchFaceError(f"--match {pattern}: expected one * for the reference's name")
        before, after = pattern.split("*")
        if stem.startswith(before) and stem.endswith(after) and len(stem) > len(before + after):
            return stem[len(before) : len(stem) - len(after)]
    return stem


def _batches(
    pairs: Sequence[tuple[Path, Path]], options: Options
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield consecutive pairs of one size as two tensors (B, C, H, W) uint8."""
    batch: list[tuple[np.ndarray, np.ndarray]] = []
    for paths in progress(pairs, len(pairs), "score", "pair"):
        pair = _read_pair(*paths, options)
        full = (len(batch) + 1) * pair[0].size > BATCH_PIXELS
        if batch and (full or batch[0][0].shape != pair[0].shape):
            yield _tensors(batch)
            batch = []
        batch.append(pair)
    yield _tensors(batch)


def _tensors(batch: list[tuple[np.ndarray, np.ndarray]]) -> tuple[Tensor, Tensor]:
    references, results = (torch.from_numpy(np.stack(side)) for side in zip(*batch, strict=True))
    return references, results


def _read_pair(reference: Path, result: Path, options: Options) -> tuple[np.ndarray, np.ndarray]:
    ours, theirs = (_read(path, options) for path in (reference, result))
    if ours.shape != theirs.shape:
        raise SketchFaceError(
            f"{result}: {_size(theirs)} pixels, but {reference.name} has {_size(ours)};"
            " make them equal or give --size"
        )
    least = least_side(options.pairwise) if options.pairwise else 1
    if min(ours.shape[1:]) < least:
        raise SketchFaceError(
            f"{reference}: {_size(ours)} pixels; the metrics need sides of {least} or more"
            " (--size enlarges)"
        )
    return ours, theirs


def _read(path: Path, options: Options) -> np.ndarray:
    """Read (C, H, W) uint8, resized as MATLAB's `imresize` does (bicubic, antialiased)."""
    picture = read_image(path, mode="RGB" if options.colour else "L")
    if options.target is not None:
        way = Image.Resampling.BICUBIC
        picture = np.asarray(Image.fromarray(picture).resize(options.target, way))
    return picture[None] if picture.ndim == 2 else np.moveaxis(picture, 2, 0)


def _size(image: np.ndarray) -> str:
    return f"{image.shape[2]} x {image.shape[1]}"
