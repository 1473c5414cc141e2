"""Figures of what a HIDA generator does with a face.

`maps_figure` is the paper's Figure 7: what its decoder layers give, and the parameters that adapt
them to depth, style and appearance. `styles_figure` is one face in all styles and mixtures of them.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from pipeline.translation.drawing import Job, batch_of, draw
from pipeline.translation.inputs import Prepared, pictured
from pipeline.translation.recipe import Recipe, Style
from sketchface_models.errors import SketchFaceError
from sketchface_models.networks.hida.decoder import DecoderLayer
from sketchface_models.systems.base import System

ACTIVATION = "activation"
PARAMETERS = ("theta", "gamma", "beta")
"""Of InfoACON (Eq. 2) and of DySPADE (Eq. 3)."""
STEPS = 5
"""Drawings from one style to its neighbour, both included."""
_INCHES, _DPI = 1.6, 120
_FONT = 8


@dataclass(frozen=True)
class LayerMaps:
    """What one decoder layer did.

    number: of the layer, 0 the innermost. maps: `activation`, its result, and of `PARAMETERS` what
    it has, each the mean over channels, (H, W) float32.
    """

    number: int
    maps: dict[str, np.ndarray]

    @property
    def side(self) -> int:
        """Of its maps, pixels."""
        return int(self.maps[ACTIVATION].shape[0])


@torch.no_grad()
def layer_maps(system: System, device: torch.device, job: Job) -> list[LayerMaps]:
    """Every decoder layer's maps for one face, from the innermost on.

    Args:
        system: in eval mode.
        device: that it stands on.
        job: the face and its style.

    Raises:
        SketchFaceError: if the system has no such layers.
    """
    layers = [module for module in system.networks.modules() if isinstance(module, DecoderLayer)]
    if not layers:
        raise SketchFaceError(
            f"{type(system).__name__}: has no layers that adapt to depth and style; name the "
            "weights of a hida run"
        )
    found: list[dict[str, np.ndarray]] = [{} for _ in layers]
    hooks = []
    for layer, maps in zip(layers, found, strict=True):
        hooks.append(layer.register_forward_hook(_keep_result(maps)))
        if layer.adaptation is not None:
            hooks.append(layer.adaptation.register_forward_hook(_keep_parameters(maps)))
    try:
        system.generate(batch_of([job], device))
    finally:
        for hook in hooks:
            hook.remove()
    return [LayerMaps(number, maps) for number, maps in enumerate(found)]


def maps_figure(
    system: System,
    device: torch.device,
    recipe: Recipe,
    job: Job,
    layers: Sequence[int] = (),
) -> bytes:
    """PNG of a table: a row for each decoder layer, a column for each kind of map.

    Every map is stretched over its own range, from the 1st to the 99th per cent of its values,
    which stand below it.

    Args:
        system: in eval mode.
        device: that it stands on.
        recipe: what it reads.
        job: the face and its style.
        layers: numbers, 0 the innermost; the outer four where there are none.

    Raises:
        SketchFaceError: if the system has no such layers.
    """
    found = layer_maps(system, device, job)
    numbers = layers or range(len(found))[-4:]
    wrong = [number for number in numbers if not 0 <= number < len(found)]
    if wrong:
        raise SketchFaceError(f"layer {wrong[0]}: allowed: 0 to {len(found) - 1}, the outermost")
    chosen = [found[number] for number in numbers]
    kinds = [kind for kind in (ACTIVATION, *PARAMETERS) if any(kind in row.maps for row in chosen)]
    given = [(name, pictured(job[0], name, recipe.size)) for name in job[0].raw]
    given.append(("sketch", draw(system, device, recipe.source, [job], recipe.size)[0]))
    columns, rows = max(len(kinds), len(given)), len(chosen) + 1
    figure = Figure((columns * _INCHES, rows * _INCHES * 1.2), dpi=_DPI, layout="constrained")
    table: Any = figure.subplots(rows, columns, squeeze=False)
    for axes in table.flat:
        axes.axis("off")
    for axes, (name, picture) in zip(table[0], given, strict=False):
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
        axes.set_title(name, fontsize=_FONT)
    for line, row in zip(table[1:], chosen, strict=True):
        for axes, kind in zip(line, kinds, strict=False):
            if kind in row.maps:
                _show_map(axes, f"{kind}, layer {row.number}", row.maps[kind])
    return _png(figure)


def styles_figure(system: System, device: torch.device, recipe: Recipe, face: Prepared) -> bytes:
    """PNG of a face in every style that was trained, and in mixtures of neighbours.

    Three styles stand at the corners of a triangle, with all mixtures in quarters between; of other
    numbers each row goes from one style to the next.

    Raises:
        SketchFaceError: if there are fewer than two styles.
    """
    labels = [label for label, count in recipe.styles.items() if count]
    if len(labels) < 2:
        raise SketchFaceError(f"{recipe.source}: has fewer than two styles, so nothing to mix")
    order = list(recipe.styles)
    places = _triangle(labels, order) if len(labels) == 3 else _rows(labels, order)
    styles = [Style(",".join(f"{w:g}" for w in weights), weights) for _, _, weights in places]
    drawings = draw(system, device, recipe.source, [(face, style) for style in styles], recipe.size)
    width, height = STEPS, 1 + max(row for row, _, _ in places)
    figure = Figure((width * _INCHES, height * _INCHES * 1.15), dpi=_DPI)
    for (row, column, weights), drawing in zip(places, drawings, strict=True):
        bottom = 1 - (row + 1) / height
        axes = figure.add_axes(
            ((column + 0.02) / width, bottom + 0.01, 0.96 / width, 0.86 / height)
        )
        axes.imshow(drawing, cmap="gray", vmin=0, vmax=255)
        axes.axis("off")
        axes.set_title(_mixture(weights, order), fontsize=_FONT, pad=2)
    return _png(figure)


Place = tuple[int, float, tuple[float, ...]]
"""Row, column (in cells, which may be half ones), and weights of the styles."""


def _triangle(labels: Sequence[str], order: Sequence[str]) -> list[Place]:
    """The first style at the top, the second one left below, the third right."""
    last, places = STEPS - 1, []
    for row in range(STEPS):
        for column in range(row + 1):
            parts = (last - row, row - column, column)
            shares = dict(zip(labels, (part / last for part in parts), strict=True))
            places.append((row, (last - row) / 2 + column, _weights(shares, order)))
    return places


def _rows(labels: Sequence[str], order: Sequence[str]) -> list[Place]:
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


def _keep_result(maps: dict[str, np.ndarray]) -> Any:
    def hook(module: object, given: object, result: Tensor) -> None:
        maps[ACTIVATION] = _mean(result)

    return hook


def _keep_parameters(maps: dict[str, np.ndarray]) -> Any:
    def hook(module: object, given: object, result: dict[str, Tensor]) -> None:
        maps.update({name: _mean(result[name]) for name in PARAMETERS if name in result})

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
