"""The metrics on two folders of pictures, for any method's results (`sketchface score`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from json import dumps
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from pipeline.common.images import EXTENSIONS, read_image
from pipeline.common.verdicts import Estimate, Sample, estimate
from sketchface_models.errors import SketchFaceError, printable
from sketchface_models.metrics.protocol import Protocol, measures
from sketchface_models.metrics.registry import METRICS, least_side, metric_names, score_batch
from sketchface_models.metrics.simple import finite

NAMES = metric_names(channels=1)
LEAST_SIDE = least_side(NAMES)
BATCH_PIXELS = 2**20


@dataclass(frozen=True)
class Scores:
    """What was measured.

    pairs: names found in both folders, sorted. values: metric -> one value a pair, in that order,
    finite (identical pictures: PSNR 100 dB). missing: references without a result. extra: results
    without a reference.
    """

    protocol: Protocol
    pairs: list[str]
    values: dict[str, list[float]]
    missing: list[str]
    extra: list[str]

    def means(self) -> dict[str, Estimate]:
        """Return the mean of every metric with its 95 % interval over pairs."""
        return {name: estimate(Sample.per_face(values)) for name, values in self.values.items()}


def score_folders(reference_dir: Path, generated_dir: Path, size: str | None = None) -> Scores:
    """Score `generated_dir` against `reference_dir`, a few pictures in memory at a time.

    Args:
        reference_dir: folder of pictures.
        generated_dir: folder of pictures of the same names, endings apart.
        size: `N` or `WxH` in pixels, to which both are resized; None: compared as they are.

    Raises:
        SketchFaceError: if a folder is missing, a name stands for two files, no name is in both,
            a file is damaged, or a pair's sizes differ or are too small.
    """
    target = None if size is None else _parse_size(size)
    references, results = _by_name(reference_dir), _by_name(generated_dir)
    pairs = sorted(references.keys() & results.keys())
    if not pairs:
        raise SketchFaceError(
            f"{generated_dir}: no picture has the name of one of the {len(references)} in"
            f" {reference_dir}; name results as their references (endings may differ)"
        )
    parts = [
        score_batch(*batch)
        for batch in _batches([(references[name], results[name]) for name in pairs], target)
    ]
    return Scores(
        _protocol(target),
        pairs,
        {name: finite(torch.cat([part[name] for part in parts])).tolist() for name in NAMES},
        sorted(references.keys() - results.keys()),
        sorted(results.keys() - references.keys()),
    )


def as_json(scores: Scores, per_image: bool) -> str:
    """Return one JSON object, laid out as `sketchface score --help` says."""
    metrics = {
        metric: {end: asdict(interval)[end] for end in ("mean", "low", "high")}
        for metric, interval in scores.means().items()
    }
    result: dict[str, object] = {
        "protocol": scores.protocol.tag,
        "n": len(scores.pairs),
        "metrics": metrics,
        "missing": scores.missing,
        "extra": scores.extra,
    }
    if per_image:
        result["per_image"] = {
            name: {metric: values[i] for metric, values in scores.values.items()}
            for i, name in enumerate(scores.pairs)
        }
    text = dumps(result, indent=2, ensure_ascii=False, allow_nan=False)
    # Names that are no valid Unicode, as JSON escapes.
    return text.encode("utf-8", "backslashreplace").decode()


def as_table(scores: Scores, per_image: bool) -> str:
    """The same for people: one line a metric, then what did not match."""
    lines = [f"{'metric':12} {'mean':>9}   95 % interval", ""]
    for metric, interval in scores.means().items():
        arrow = "↑" if METRICS[metric].direction == "higher" else "↓"
        label = f"{METRICS[metric].label} {arrow}"
        lines.append(f"{label:12} {interval.mean:9.4f}   {interval.low:.4f} to {interval.high:.4f}")
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
    if per_image:
        lines += ["", *_image_lines(scores)]
    return "\n".join(map(printable, lines))


def _image_lines(scores: Scores) -> list[str]:
    width = max(len(name) for name in [*scores.pairs, "name"])
    head = f"{'name':{width}}" + "".join(f"{metric:>10}" for metric in scores.values)
    return [head] + [
        f"{name:{width}}" + "".join(f"{values[i]:10.4f}" for values in scores.values.values())
        for i, name in enumerate(scores.pairs)
    ]


def _protocol(target: tuple[int, int] | None) -> Protocol:
    return Protocol(
        name="score",
        size="native" if target is None else f"{target[0]}x{target[1]}",
        resize="none" if target is None else "pillow-bicubic",
        channels="grey",
        metrics=measures("grey", retrieval=False),
    )


def _parse_size(text: str) -> tuple[int, int]:
    """`N` or `WxH` as (width, height)."""
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isascii() and side.isdigit() for side in sides):
        raise SketchFaceError(f"--size {text}: expected a side such as 250, or WxH as in 200x250")
    width, height = int(sides[0]), int(sides[-1])
    if not LEAST_SIDE <= min(width, height) <= max(width, height) <= 8192:
        raise SketchFaceError(f"--size {text}: expected sides from {LEAST_SIDE} to 8192 pixels")
    return width, height


def _by_name(folder: Path) -> dict[str, Path]:
    """The picture files of a folder by name without ending."""
    if not folder.is_dir():
        raise SketchFaceError(f"{folder}: no such folder")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in EXTENSIONS or path.name.startswith("."):
            continue
        if path.stem in found:
            raise SketchFaceError(
                f"{path}: {found[path.stem].name} has the same name; keep one of the two"
            )
        found[path.stem] = path
    if not found:
        raise SketchFaceError(f"{folder}: no picture in it (subfolders are not searched)")
    return found


def _batches(
    pairs: list[tuple[Path, Path]], target: tuple[int, int] | None
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Consecutive pairs of one size as two tensors (B, 1, H, W) uint8."""
    batch: list[tuple[np.ndarray, np.ndarray]] = []
    for paths in tqdm(pairs, desc="score", unit="pair", disable=None, dynamic_ncols=True):
        pair = _read_pair(*paths, target)
        full = (len(batch) + 1) * pair[0].size > BATCH_PIXELS
        if batch and (full or batch[0][0].shape != pair[0].shape):
            yield _tensors(batch)
            batch = []
        batch.append(pair)
    yield _tensors(batch)


def _tensors(batch: list[tuple[np.ndarray, np.ndarray]]) -> tuple[torch.Tensor, torch.Tensor]:
    references, results = (torch.from_numpy(np.stack(side))[:, None] for side in zip(*batch))
    return references, results


def _read_pair(
    reference: Path, result: Path, target: tuple[int, int] | None
) -> tuple[np.ndarray, np.ndarray]:
    ours, theirs = (_read(path, target) for path in (reference, result))
    if ours.shape != theirs.shape:
        raise SketchFaceError(
            f"{result}: {_size(theirs)} pixels, but {reference.name} has {_size(ours)};"
            " make them equal or give --size"
        )
    if min(ours.shape) < LEAST_SIDE:
        raise SketchFaceError(
            f"{reference}: {_size(ours)} pixels; the metrics need sides of {LEAST_SIDE} or more"
            " (--size enlarges)"
        )
    return ours, theirs


def _read(path: Path, target: tuple[int, int] | None) -> np.ndarray:
    """Grey (H, W) uint8, resized as MATLAB's `imresize` does by default (bicubic, antialiased)."""
    grey = read_image(path, mode="L")
    if target is None:
        return grey
    return np.asarray(Image.fromarray(grey).resize(target, Image.Resampling.BICUBIC))


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]} x {image.shape[0]}"
