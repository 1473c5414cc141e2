"""From a picture of a drawing to its lines, whatever it was drawn with and on.

Ink is what differs from the paper around it, in any colour channel: so paper may be dark or shaded
and ink light or coloured. Strokes are thinned to their middle, and the middle is smoothed: what
counts is where lines run, not how thick they are.

Lengths are pixels of the page at `READ_SIDE`, unless something else is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.contours.rough_lines import trace

READ_SIDE = 768
"""Longer side of the page when its lines are read."""
LEAST_CONTRAST = 24
"""Grey levels between ink and paper, in the channel where they differ most; less is noise."""
TRACED_INK = 0.35
"""Part of the page above which ink is not traced: no line drawing has so much."""
_PAPER_SIDE = 128  # longer side at which paper is told from ink
_PAPER_WINDOW = 45  # of the median there: strokes are narrower than half of it
_SURE, _PERHAPS = 0.55, 0.3  # of the contrast; faint ink counts where it goes on from sure ink
_SPECK = 40  # area
_HOLE = 30  # area; smaller ones lie between two strokes of one line
_BORDER = 0.02  # part of the longer side: what lies wholly in it is the edge of a scan
_RING = 6  # width of the page's rim
_EDGE, _EDGE_REACH = 8.0, 11  # grey levels from pixel to pixel of paper; pixels about its edge
_WIDE = 6  # width of a stroke whose middle shows its tone
_SMOOTHING = 2.5  # standard deviation along a line
_LARGE_ENOUGH = 0.5  # of the page; a smaller drawing is read once more, nearer


@dataclass(frozen=True)
class LineDrawing:
    """The lines of a picture, and by what a drawing is told from a photo.

    width, height: of the page, pixels of the file. lines: each (N, 2) float, x and y in those
    pixels, N >= 2; none where there is no ink, or more than `TRACED_INK`. dots: middles of spots
    of ink that are no lines, (N, 2), such as eyes. contrast: of the strongest ink, grey levels.
    ink: part of the page that strokes cover. rim_ink: part of the page's rim that they cover.
    paper_gradient: how steeply the paper's brightness changes, grey levels over 1/128 of the longer
    side, the 95th percentile. stroke_width: mean width of strokes. tone_spread: how much the
    contrast differs in the middle of wide strokes, a standard deviation in parts of its mean; 0
    where there are none.
    """

    width: int
    height: int
    lines: list[np.ndarray]
    dots: np.ndarray
    contrast: float
    ink: float
    rim_ink: float
    paper_gradient: float
    stroke_width: float
    tone_spread: float

    @property
    def length(self) -> float:
        """Length of all lines, in longer sides of the box about them; 0 without lines."""
        if not self.lines:
            return 0.0
        return _length(self.lines) / float(np.ptp(np.concatenate(self.lines), axis=0).max())


def line_drawing(picture: np.ndarray) -> LineDrawing:
    """Read the lines of any picture, (H, W, 3) uint8."""
    height, width = picture.shape[:2]
    page = _to_side(picture, READ_SIDE)
    enlargement = max(page.shape) / max(picture.shape)
    scale = 1 / enlargement
    paper = _paper(page)
    contrast = _contrast(page, paper)
    strokes = _strokes(contrast)
    top, bottom, left, right = (round(edge * scale) for edge in _box(strokes))
    lines: list[np.ndarray] = []
    dots = np.empty((0, 2))
    if strokes.any() and strokes.mean() <= TRACED_INK:
        if max(bottom - top, right - left) < _LARGE_ENOUGH * max(height, width):
            near = _to_side(picture[top:bottom, left:right], READ_SIDE)
            scale = max(bottom - top, right - left) / max(near.shape)
            lines, dots = _centre_lines(_strokes(_contrast(near, _paper(near))))
        else:
            top = left = 0
            lines, dots = _centre_lines(strokes)
    lines = [line * scale + (left, top) for line in lines]
    return LineDrawing(
        width,
        height,
        lines,
        dots * scale + (left, top),
        float(contrast.max()),
        float(strokes.mean()),
        float(_rim(strokes).mean()),
        _gradient(_to_side(paper, _PAPER_SIDE)),
        float(strokes.sum()) / max(_length(lines) * enlargement, 1.0),
        _tone_spread(contrast, strokes, enlargement),
    )


def _paper(page: np.ndarray) -> np.ndarray:
    """Return the page without its ink, (h, w, 3) uint8: the median about each pixel.

    Most pixels of the window are paper; it follows shadows, but no strokes.
    """
    small, margin = _to_side(page, _PAPER_SIDE), _PAPER_WINDOW // 2
    wide = np.pad(small, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
    median = cv2.medianBlur(wide, _PAPER_WINDOW)[margin:-margin, margin:-margin]
    return cv2.resize(median, page.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def _contrast(page: np.ndarray, paper: np.ndarray) -> np.ndarray:
    """Return the largest difference in any channel, (h, w) uint8."""
    difference: np.ndarray = cv2.absdiff(page, paper).max(axis=2)
    return difference


def _strokes(contrast: np.ndarray) -> np.ndarray:
    """Return the pixels of strokes, (h, w) bool."""
    from skimage import filters, morphology  # slow to import

    inked = contrast[contrast >= LEAST_CONTRAST]
    if not inked.size:
        return np.zeros(contrast.shape, bool)
    strength = float(np.percentile(inked, 90))
    mask = filters.apply_hysteresis_threshold(contrast, _PERHAPS * strength, _SURE * strength)
    mask = morphology.remove_small_objects(mask, max_size=_SPECK, connectivity=2)
    mask = morphology.remove_small_holes(mask, max_size=_HOLE)
    return _without_border(mask)


def _without_border(mask: np.ndarray) -> np.ndarray:
    """Remove what lies in the border of the page alone: edges of scans, frames."""
    height, width = mask.shape
    margin = round(_BORDER * max(height, width))
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    inside = np.unique(labels[margin : height - margin, margin : width - margin])
    inner: np.ndarray = mask & np.isin(labels, inside)
    return inner


def _centre_lines(strokes: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Thin strokes, (h, w) bool, to the lines in their middle, (N, 2) float, smooth; and dots."""
    from skimage.morphology import skeletonize

    half_width = cv2.distanceTransform(strokes.astype(np.uint8), cv2.DIST_L2, 5)
    lines = []
    _, parts, _, middles = cv2.connectedComponentsWithStats(strokes.astype(np.uint8))
    dotted = set(range(1, len(middles)))
    for path in trace(skeletonize(strokes, method="lee")):  # of a dot it leaves a dot
        column, row = path.astype(int).T
        # Shorter than a stroke is wide: a dot, or a spur where a stroke is uneven.
        if len(path) > 3 + 1.5 * half_width[row, column].max():
            lines.append(_smooth(path))
            dotted.discard(int(parts[row[0], column[0]]))
    return lines, middles[sorted(dotted)]


def _smooth(path: np.ndarray) -> np.ndarray:
    """Smooth a path (N, 2); its ends stay, unless they meet."""
    from scipy.ndimage import gaussian_filter1d  # slow to import

    if len(path) > 8 and np.hypot(*(path[0] - path[-1])) < 2:
        ring = gaussian_filter1d(path, _SMOOTHING, axis=0, mode="wrap")
        return np.concatenate([ring, ring[:1]])
    reach = min(len(path) - 1, round(4 * _SMOOTHING))
    before = 2 * path[0] - path[reach:0:-1]
    after = 2 * path[-1] - path[-2 : -reach - 2 : -1]
    smooth = gaussian_filter1d(np.concatenate([before, path, after]), _SMOOTHING, axis=0)
    return np.asarray(smooth[reach : reach + len(path)])


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of what is set, with a margin of a tenth."""
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    if not len(rows):
        return 0, mask.shape[0], 0, mask.shape[1]
    margin = max(np.ptp(rows), np.ptp(columns)) // 10 + 1
    ends = [(max(0, int(each[0] - margin)), int(each[-1] + margin + 1)) for each in (rows, columns)]
    (top, bottom), (left, right) = ends
    return top, min(bottom, mask.shape[0]), left, min(right, mask.shape[1])


def _rim(mask: np.ndarray) -> np.ndarray:
    """Return the pixels along the four sides."""
    sides = mask[:_RING], mask[-_RING:], mask[:, :_RING].T, mask[:, -_RING:].T
    return np.concatenate([side.ravel() for side in sides])


def _length(lines: Sequence[np.ndarray]) -> float:
    """Return the length of all lines together, in their own unit."""
    return sum(float(np.hypot(*np.diff(line, axis=0).T).sum()) for line in lines)


def _tone_spread(contrast: np.ndarray, strokes: np.ndarray, enlargement: float) -> float:
    """Return how much the contrast differs in the middle of wide strokes; see `LineDrawing`.

    Where the page was enlarged, strokes of some pixels have blurred edges alone.
    """
    depth = cv2.distanceTransform(strokes.astype(np.uint8), cv2.DIST_L2, 5)
    middle = contrast[depth > _WIDE / 2 * max(1.0, enlargement)]
    return float(middle.std() / middle.mean()) if middle.size else 0.0


def paper_gradient(picture: np.ndarray) -> float:
    """Return `LineDrawing.paper_gradient` of any picture, (H, W, 3) uint8, and nothing else."""
    return _gradient(_to_side(_paper(_to_side(picture, READ_SIDE)), _PAPER_SIDE))


def within_page(lines: Sequence[np.ndarray], picture: np.ndarray) -> list[np.ndarray]:
    """Return lines without those that are the edge of a page on a table, around all others.

    Both sides of a stroke are the same paper; of an edge they are not.

    Args:
        lines: each (N, 2) float, x and y in pixels of the picture.
        picture: that they were read in, (H, W, 3) uint8.
    """
    paper = _to_side(_paper(_to_side(picture, READ_SIDE)), _PAPER_SIDE)
    steepness = cv2.dilate(_steepness(paper), np.ones((_EDGE_REACH, _EDGE_REACH)))
    scale = max(steepness.shape) / max(picture.shape)
    edges: list[np.ndarray] = []
    others: list[np.ndarray] = []
    for line in lines:
        x, y = (line * scale).astype(int).T
        rows, columns = (np.clip(each, 0, n - 1) for each, n in zip((y, x), paper.shape))
        steep = np.median(steepness[rows, columns]) > _EDGE
        (edges if steep else others).append(line)
    if not edges or not others:
        return list(lines)
    outer, inner = np.concatenate(edges), np.concatenate(others)
    around = (outer.min(axis=0) < inner.min(axis=0)) & (outer.max(axis=0) > inner.max(axis=0))
    return others if around.all() else list(lines)


def _gradient(paper: np.ndarray) -> float:
    """Return the 95th percentile of the paper's steepness."""
    return float(np.percentile(_steepness(paper), 95))


def _steepness(paper: np.ndarray) -> np.ndarray:
    """Return the steepest channel's change from pixel to pixel, (h, w); 0 in a single row."""
    if min(paper.shape[:2]) < 2:
        return np.zeros(paper.shape[:2])
    down, right = (
        np.abs(each).max(axis=2) for each in np.gradient(paper.astype(float), axis=(0, 1))
    )
    return np.hypot(down, right)


def _to_side(picture: np.ndarray, side: int) -> np.ndarray:
    """Resize to a longer side of `side`, averaged where it shrinks, else cubic."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(picture, size, interpolation=interpolation)
