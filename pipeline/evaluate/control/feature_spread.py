"""What the first layers of a network make of an eye corner while a drawing is edited.

Cheng et al. 2022, section 4.1: a layer's vector at the left eye corner is taken from drawings that
differ in one place. Where an edit leaves the eye alone, a layer without instance norm should give
the same vector; a norm carries the change there from anywhere. The spread is the variance within
the drawings of one face and group, divided by that of all drawings together: 0 where vectors do
not move. The mean over all groups is 1 at most.

Networks that were not trained show what the architecture alone does.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import pandas as pd
from torch import Tensor

from pipeline.common.edit_table import EYES_CHANGE
from pipeline.common.evaluations import PLANES
from pipeline.common.records import Level, Measure, Method, Origin
from pipeline.common.score_frames import Scores, as_resampled, long_frame
from pipeline.common.subsets import ALL, Subset, edits_subset
from sketchface_models.metrics.registry import Direction
from sketchface_models.metrics.sets import resample_indices

PARAMETERS = {"revision": 1, "at": "left eye corner", "still": "all groups but G5, G6, G7"}
SEED = 0
"""Of t-SNE, and of PCA's solver."""
PERPLEXITY = 30.0
"""Of t-SNE, where there are enough drawings: scikit-learn's default."""


def measures(layers: Sequence[str]) -> tuple[Measure, ...]:
    """Return the measure of each layer."""
    return tuple(
        Measure(f"spread_{layer}", f"spread at {layer}", Direction.LOWER, Level.SET, control=True)
        for layer in layers
    )


def position(corner: tuple[int, int], side: int, layer_side: int) -> tuple[int, int]:
    """Return column and row on a layer's map of a pixel of the input.

    Each halving takes ceil(x / 2): (170, 250) of 512 lies at (85, 125), (43, 63), (22, 32), (11,
    16) (Cheng et al. 2022, section 4.1).

    Args:
        corner: column and row in the input.
        side: of the input.
        layer_side: of the map, `side` divided by a power of two.
    """
    column, row = corner
    while side > layer_side:
        side, column, row = side // 2, -(-column // 2), -(-row // 2)
    return min(column, layer_side - 1), min(row, layer_side - 1)


def vectors(maps: Tensor, corner: tuple[int, int], side: int) -> np.ndarray:
    """Return a layer's vectors at the eye corner, (B, C) float64.

    Args:
        maps: (B, C, H, H), H = `side` divided by a power of two.
        corner: column and row in the input.
        side: of the input.
    """
    column, row = position(corner, side, maps.shape[-1])
    values: np.ndarray = maps[:, :, row, column].double().cpu().numpy()
    return values


def variances(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what spreads of faces are summed from.

    Args:
        cells: (F, G, D, C), the vectors of D drawings of F faces in G groups.

    Returns:
        (F, G) variance within each face and group, summed over channels; (F,) and (F, C) mean
        square and mean of each face's vectors, from the mean of all.
    """
    within = cells.var(axis=2).sum(axis=-1)
    moved = cells - cells.mean(axis=(0, 1, 2))
    return within, (moved**2).sum(axis=-1).mean(axis=(1, 2)), moved.mean(axis=(1, 2))


def spreads(cells: np.ndarray, faces: np.ndarray | None = None) -> np.ndarray:
    """Return within-group over total variance of each group.

    Args:
        cells: (F, G, D, C), the vectors of D drawings of F faces in G groups.
        faces: (R, F) indices of resampled faces; the faces themselves if None.

    Returns:
        (G,), or (R, G); NaN where all vectors are equal.
    """
    within, squares, means = variances(cells)
    chosen = np.arange(len(cells))[None] if faces is None else faces
    total = squares[chosen].mean(axis=1) - (means[chosen].mean(axis=1) ** 2).sum(axis=-1)
    # Equal vectors leave a rest of rounding.
    floor = 1e-12 * max(1e-12, float((cells**2).sum(axis=-1).mean()))
    total = np.where(total > floor, total, np.nan)
    ratios: np.ndarray = within[chosen].mean(axis=1) / total[:, None]
    return ratios[0] if faces is None else ratios


def spread_scores(
    origin: Origin, method: Method, layers: dict[str, np.ndarray], groups: Sequence[str]
) -> list[Scores]:
    """Return scores of each layer and group; for all, the mean of groups that leave eyes alone.

    Args:
        origin: of the network.
        method: `SYSTEM`, or `UNTRAINED`.
        layers: layer -> (F, G, D, C) vectors.
        groups: names of the G groups.
    """
    scores: list[Scores] = []
    still = [number for number, group in enumerate(groups) if group not in EYES_CHANGE]
    for layer, cells in layers.items():
        faces = resample_indices(len(cells)).numpy()
        values, resamples = spreads(cells), spreads(cells, faces)
        subsets: dict[Subset, list[int]] = {ALL: still}
        subsets |= {edits_subset(group): [number] for number, group in enumerate(groups)}
        for subset, columns in subsets.items():
            value = values[columns].mean()
            if np.isfinite(value):
                lines = functools.partial(long_frame, origin, method, subset, f"spread_{layer}", [])
                draws = as_resampled(lines(resamples[:, columns].mean(axis=1)))
                scores.append(Scores(lines(value), draws))
    return scores


def plane_maps(
    layers: dict[str, np.ndarray], faces: Sequence[str], groups: Sequence[str]
) -> pd.DataFrame:
    """Return every vector's place on two planes, as a `VECTOR_MAPS` frame.

    Args:
        layers: layer -> (F, G, D, C) vectors.
        faces: the F base faces.
        groups: the G groups.
    """
    parts = []
    for layer, cells in layers.items():
        shape = cells.shape[:3]
        face, group, drawing = (axis.ravel() for axis in np.indices(shape))
        for name, points in _planes(cells.reshape(-1, cells.shape[-1])).items():
            parts.append(
                pd.DataFrame(
                    {
                        "layer": layer,
                        "map": name,
                        "face": np.array(faces)[face],
                        "group": np.array(groups)[group],
                        "drawing": drawing.astype(np.int32),
                        "x": points[:, 0],
                        "y": points[:, 1],
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def _planes(vectors: np.ndarray) -> dict[str, np.ndarray]:
    """Return map -> (N, 2); zeros where vectors do not differ or have one channel."""
    if vectors.shape[1] < 2 or len(vectors) < 4 or not vectors.std(axis=0).any():
        return {name: np.zeros((len(vectors), 2)) for name in PLANES}
    from sklearn.decomposition import PCA  # takes a second, and few runs need it
    from sklearn.manifold import TSNE

    flat = PCA(2, random_state=SEED).fit_transform(vectors)
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    tsne = TSNE(2, perplexity=perplexity, init="random", random_state=SEED)
    return {"PCA": flat, "t-SNE": tsne.fit_transform(vectors.astype(np.float32))}
