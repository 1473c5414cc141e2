"""Figures of what a HIDA generator does with a face.

`maps_figure` is Figure 7 of Gao et al. 2023: the activations of its decoder layers, and the
parameters that adapt them to depth, style and appearance. `styles_figure` is one face in all styles
and in mixtures of them.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from pipeline.translation.inputs import Preparation, PreparedFace, as_picture
from pipeline.translation.requirements import Style
from pipeline.translation.trained_generator import Generator, Job
from sketchface_models.atomic import atomic_file
from sketchface_models.errors import SketchFaceError
from sketchface_models.networks.hida.decoder import DecoderLayer

ACTIVATION = "activation"
PARAMETERS = ("theta", "gamma", "beta")
"""Of InfoACON (Gao et al. 2023, Eq. 2) and of DySPADE (Eq. 3)."""
STEPS = 5
"""Sketches from one style to its neighbour, both included."""
_INCHES, _DPI = 1.6, 120
_FONT = 8


@dataclass(frozen=True)
class LayerMaps:
    """The maps of one decoder layer.

    number: of the layer, 0 the innermost. maps: `activation`, its output, and those of `PARAMETERS`
    that it has, each the mean over channels, (H, W) float32.
    """

    number: int
    maps: dict[str, np.ndarray]

    @property
    def side(self) -> int:
        """Side of the maps, pixels."""
        return int(self.maps[ACTIVATION].shape[0])


def write_figures(
    generator: Generator,
    preparation: Preparation,
    photo: Path,
    style: Style,
    layers: Sequence[int],
    folder: Path,
) -> list[Path]:
    """Write the figures of one face, NAME-maps.png and, of several styles, NAME-styles.png.

    Args:
        generator: a HIDA one.
        preparation: of its inputs, for one face a photo.
        photo: with the face.
        style: that the maps are of.
        layers: as for `maps_figure`.
        folder: to write to.

    Raises:
        SketchFaceError: if the face or the system cannot be shown.
    """
    (face,) = preparation(photo)
    if isinstance(face, str):
        raise SketchFaceError(f"{photo}: {face}")
    pictures = {"maps": maps_figure(generator, (face, style), layers)}
    if len(_trained(generator)) > 1:
        pictures["styles"] = styles_figure(generator, face)
    paths = [folder / f"{photo.stem}-{kind}.png" for kind in pictures]
    for path, picture in zip(paths, pictures.values(), strict=True):
        with atomic_file(path) as temporary:
            temporary.write_bytes(picture)
    return paths


@torch.no_grad()
def layer_maps(generator: Generator, job: Job) -> list[LayerMaps]:
    """Return every decoder layer's maps for one face, from the innermost on.

    Raises:
        SketchFaceError: if the system has no such layers.
    """
    networks = generator.system.networks
    layers = [module for module in networks.modules() if isinstance(module, DecoderLayer)]
    if not layers:
        raise SketchFaceError(
            f"{type(generator.system).__name__}: has no layers that adapt to depth and style; name "
            "the weights of a hida run"
        )
    maps_of: list[dict[str, np.ndarray]] = [{} for _ in layers]
    hooks = []
    for layer, maps in zip(layers, maps_of, strict=True):
        hooks.append(layer.register_forward_hook(_keep_activation(maps)))
        if layer.adaptation is not None:
            hooks.append(layer.adaptation.register_forward_hook(_keep_parameters(maps)))
    try:
        generator.system.generate(generator.batch([job]))
    finally:
        for hook in hooks:
            hook.remove()
    return [LayerMaps(number, maps) for number, maps in enumerate(maps_of)]


def maps_figure(generator: Generator, job: Job, layers: Sequence[int] = ()) -> bytes:
    """Return a PNG: a row for each decoder layer, a column for each kind of map.

    Every map is stretched over its own range, from the 1st to the 99th percentile of its values,
    which stand below it.

    Args:
        generator: a HIDA one.
        job: the face and its style.
        layers: numbers, 0 the innermost; the outer four where there are none.

    Raises:
        SketchFaceError: if the system has no such layers.
    """
    layer_rows = _select(layer_maps(generator, job), layers)
    present = {kind for row in layer_rows for kind in row.maps}
    kinds = [kind for kind in (ACTIVATION, *PARAMETERS) if kind in present]
    side = generator.requirements.size
    pictures = {name: as_picture(job[0], name, side) for name in job[0].raw}
    pictures["sketch"] = generator.generate([job], side)[0]
    columns, rows = max(len(kinds), len(pictures)), len(layer_rows) + 1
    figure = Figure((columns * _INCHES, rows * _INCHES * 1.2), dpi=_DPI, layout="constrained")
    table: Any = figure.subplots(rows, columns, squeeze=False)
    for axes in table.flat:
        axes.axis("off")
    for axes, (name, picture) in zip(table[0], pictures.items(), strict=False):
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
        axes.set_title(name, fontsize=_FONT)
    for table_row, row in zip(table[1:], layer_rows, strict=True):
        for axes, kind in zip(table_row, kinds, strict=False):
            if kind in row.maps:
                _show_map(axes, f"{kind}, layer {row.number}", row.maps[kind])
    return _png(figure)


def _select(maps: list[LayerMaps], numbers: Sequence[int]) -> list[LayerMaps]:
    """The layers of these numbers, by default the outer four."""
    wrong = [number for number in numbers if not 0 <= number < len(maps)]
    if wrong:
        raise SketchFaceError(f"layer {wrong[0]}: allowed: 0 to {len(maps) - 1}, the outermost")
    return [maps[number] for number in numbers] if numbers else maps[-4:]


def styles_figure(generator: Generator, face: PreparedFace) -> bytes:
    """Return a PNG of a face in every trained style, and in mixtures of neighbours.

    Three styles stand at the corners of a triangle, with all mixtures in quarters between; of other
    numbers each row goes from one style to the next.

    Raises:
        SketchFaceError: if there are fewer than two styles.
    """
    requirements, labels = generator.requirements, _trained(generator)
    if len(labels) < 2:
        raise SketchFaceError(f"{requirements.source}: has fewer than two styles; nothing to mix")
    order = list(requirements.styles)
    cells = _triangle(labels, order) if len(labels) == 3 else _rows(labels, order)
    styles = [Style(",".join(f"{w:g}" for w in weights), weights) for _, _, weights in cells]
    sketches = generator.generate([(face, style) for style in styles], requirements.size)
    width, height = STEPS, 1 + max(row for row, _, _ in cells)
    figure = Figure((width * _INCHES, height * _INCHES * 1.15), dpi=_DPI)
    for (row, column, weights), sketch in zip(cells, sketches, strict=True):
        bottom = 1 - (row + 1) / height
        axes = figure.add_axes(
            ((column + 0.02) / width, bottom + 0.01, 0.96 / width, 0.86 / height)
        )
        axes.imshow(sketch, cmap="gray", vmin=0, vmax=255)
        axes.axis("off")
        axes.set_title(_mixture(weights, order), fontsize=_FONT, pad=2)
    return _png(figure)


def _trained(generator: Generator) -> list[str]:
    """Labels of the styles that had training faces."""
    return [label for label, count in generator.requirements.styles.items() if count]


Cell = tuple[int, float, tuple[float, ...]]
"""Row, column (halves occur), and weights of the styles."""


def _triangle(labels: Sequence[str], order: Sequence[str]) -> list[Cell]:
    """The first style at the top, the second one left below, the third right."""
    last, cells = STEPS - 1, []
    for row in range(STEPS):
        for column in range(row + 1):
            parts = (last - row, row - column, column)
            shares = dict(zip(labels, (part / last for part in parts), strict=True))
            cells.append((row, (last - row) / 2 + column, _weights(shares, order)))
    return cells


def _rows(labels: Sequence[str], order: Sequence[str]) -> list[Cell]:
    """A row for each pair of neighbours."""
    return [
        (row, float(step), _weights({one: 1 - step / (STEPS - 1), two: step / (STEPS - 1)}, order))
        for row, (one, two) in enumerate(pairwise(labels))
        for step in range(STEPS)
    ]


def _weights(shares: dict[str, float], order: Sequence[str]) -> tuple[float, ...]:
    return tuple(shares.get(label, 0.0) for label in order)


def _mixture(weights: Sequence[float], order: Sequence[str]) -> str:
    """`style 2`, or `25 % 1, 75 % 2`."""
    shares = {label: weight for label, weight in zip(order, weights, strict=True) if weight}
    if len(shares) == 1:
        return f"style {next(iter(shares))}"
    return ", ".join(f"{100 * share:g} % {label}" for label, share in shares.items())


def _keep_activation(maps: dict[str, np.ndarray]) -> Any:
    def hook(module: object, inputs: object, output: Tensor) -> None:
        maps[ACTIVATION] = _mean(output)

    return hook


def _keep_parameters(maps: dict[str, np.ndarray]) -> Any:
    def hook(module: object, inputs: object, output: dict[str, Tensor]) -> None:
        maps.update({name: _mean(output[name]) for name in PARAMETERS if name in output})

    return hook


def _mean(maps: Tensor) -> np.ndarray:
    """(1, C, H, W) -> (H, W) float32, the mean over channels."""
    mean: np.ndarray = maps[0].float().mean(dim=0).cpu().numpy()
    return mean


def _show_map(axes: Any, title: str, values: np.ndarray) -> None:
    low, high = (float(bound) for bound in np.percentile(values, (1, 99)))
    axes.imshow(values, cmap="viridis", vmin=low, vmax=max(high, low + 1e-9))
    axes.set_title(f"{title}\n{low:.3g} to {high:.3g}", fontsize=_FONT)


def _png(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()
