"""What a user should know of a line drawing before judging the face that was made of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from pipeline.landmarks.detector import Detector
from pipeline.translation.line_drawing import LineDrawing
from pipeline.translation.placement import detect_landmarks

Box = tuple[float, float, float, float]
"""Left, top, right and bottom."""
_LEAST_LINES = 5  # of a group that may be a face
_LEAST_EXTENT = 0.5  # of the largest group's


def drawing_note(drawing: LineDrawing, detector: Detector) -> str:
    """Return a line that says so where a page shows several faces; empty where it does not.

    Args:
        drawing: with lines.
        detector: of landmarks; asked only where several groups of lines could be faces.
    """
    groups = [group for group in _groups(drawing.lines) if len(group) >= _LEAST_LINES]
    extents = [float(np.ptp(np.concatenate(group), axis=0).max()) for group in groups]
    large = [
        group
        for group, extent in zip(groups, extents, strict=True)
        if extent >= _LEAST_EXTENT * max(extents)
    ]
    if len(large) < 2:
        return ""
    pages = [dataclasses.replace(drawing, lines=group) for group in large]
    faces = sum(detect_landmarks(page, detector) is not None for page in pages)
    return f"shows {faces} drawn faces, and one is read: cut them apart" if faces > 1 else ""


def _groups(lines: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
    """Return the lines (N, 2) in groups whose boxes do not overlap."""
    groups: list[tuple[Box, list[np.ndarray]]] = []
    for line in lines:
        (left, top), (right, bottom) = line.min(axis=0).tolist(), line.max(axis=0).tolist()
        box: Box = left, top, right, bottom
        members = [line]
        # Each box that it takes in may bring it to further ones.
        while joined := [each for each in groups if _overlap(each[0], box)]:
            groups = [each for each in groups if not _overlap(each[0], box)]
            for (left, top, right, bottom), others in joined:
                box = min(left, box[0]), min(top, box[1]), max(right, box[2]), max(bottom, box[3])
                members = [*others, *members]
        groups.append((box, members))
    return [members for _, members in groups]


def _overlap(first: Box, second: Box) -> bool:
    """Return whether two boxes share a point."""
    return all(first[i] <= second[i + 2] and second[i] <= first[i + 2] for i in range(2))
