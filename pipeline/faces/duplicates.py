"""Duplicate photos: equal byte for byte, or in a perceptual hash.

A photo's hash are the signs of its 16 x 16 lowest cosine frequencies but the mean (Zauner,
"Implementation and Benchmarking of Perceptual Image Hash Functions", 2010, takes 8 x 8). Aligned
faces are alike by themselves, and 64 bits do not tell another photo of a person (3 bits apart in
FS2K) from another crop of the same photo (11). With 255, the closest of 850 different people are
62 bits apart (mean 118, deviation 10), and 11 of FS2K's 12 known duplicates at most 34.

A mirrored picture has the same frequencies with the signs of the odd columns turned: nothing
needs to be hashed twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import cv2
import numpy as np

_LOW = 16  # frequencies a side
_THUMB = 32  # pixels a side of the picture they are taken from
BITS = _LOW * _LOW - 1
_FLAT = 2.0  # standard deviation in grey levels below which a picture has no features
_BLOCK = 256  # photos compared at once: 8 MB even where all of them are alike
_ID_BITS = 32  # of an int64 that ranks pairs: first how near, then which
_NONE = np.iinfo(np.int64).max
_ODD = np.tile(np.arange(_LOW) % 2 == 1, _LOW)[1:]  # bits that a mirror turns

Ranked = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Pairs by number, and how near: 0 equal bytes, else 1 + 2 x distance, + 1 where mirrored."""


@dataclass(frozen=True)
class Twin:
    """The photo most like another one, in a group of duplicates."""

    id: str
    distance: int
    """Bits in which the hashes differ."""
    mirrored: bool
    same_bytes: bool


@dataclass(frozen=True)
class Duplicates:
    """Photos that occur more than once.

    groups: ids that belong together, sorted, each group and then all of them. twins: for each of
    these ids the one it is most like.
    """

    groups: list[list[str]]
    twins: dict[str, Twin]

    def note(self, distance: int) -> str:
        """Return a note for whoever misses a face in a split: the largest group, in one."""
        count = max(map(len, self.groups), default=0)
        return (
            f"; {count} of them are copies of one photo and share a split; if they are none, lower "
            f"data.duplicate_distance ({distance})"
        )


def photo_hash(photo: np.ndarray) -> bytes | None:
    """Return a perceptual hash of 255 bits in 32 bytes; None for a photo without features.

    Args:
        photo: (H, W, 3) uint8.
    """
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_THUMB, _THUMB), interpolation=cv2.INTER_AREA).astype(np.float32)
    if small.std() < _FLAT:
        return None
    low = cv2.dct(small)[:_LOW, :_LOW].ravel()[1:]
    return np.packbits(low > 0).tobytes()


def find_duplicates(
    hashes: Mapping[str, bytes | None], digests: Mapping[str, str], distance: int
) -> Duplicates:
    """Compare every photo with every other one: about 28 s for 70,000 on one core.

    Args:
        hashes: id -> `photo_hash`.
        digests: id -> hash of the photo's own bytes; ids without one are compared by hash.
        distance: the most bits in which two hashes of one photo differ; -1 compares bytes alone.
    """
    ids = np.array(sorted({*hashes, *digests}), object)
    group, best = np.arange(len(ids)), np.full(len(ids), _NONE)
    for i, j, rank in chain([_same_bytes(ids, digests)], _similar(ids, hashes, distance)):
        group = _merged(group, i, j)
        np.minimum.at(best, i, rank << _ID_BITS | j)
        np.minimum.at(best, j, rank << _ID_BITS | i)
    members = defaultdict(list)
    twins = {}
    for n in np.flatnonzero(best != _NONE).tolist():
        members[group[n]].append(ids[n])
        nearness, twin = divmod(int(best[n]), 1 << _ID_BITS)
        apart, mirrored = divmod(max(nearness - 1, 0), 2)
        twins[ids[n]] = Twin(ids[twin], apart, bool(mirrored), same_bytes=nearness == 0)
    return Duplicates(list(members.values()), twins)


def near_pairs(
    hashes: np.ndarray, distance: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield all pairs of hashes at most `distance` bits apart, a block at a time.

    With bits as -1 and 1, and e and o the scalar products over the bits that a mirror leaves and
    over those that it turns, the distances of a pair are (255 - e - o) / 2 and, mirrored,
    (255 - e + o) / 2: two matrix products find the nearer of both for all pairs.

    Args:
        hashes: (N, 32) uint8, packed.
        distance: in bits.

    Yields:
        (n,) arrays: first < second, row numbers; distance; whether it is the mirrored one.
    """
    least = BITS - 2 * distance
    for top in range(0, len(hashes), _BLOCK):
        even, odd = _signs(hashes[top : top + _BLOCK])
        for left in range(top, len(hashes), _BLOCK):
            other_even, other_odd = _signs(hashes[left : left + _BLOCK])
            turned = odd @ other_odd.T
            likeness = even @ other_even.T + np.abs(turned)
            i, j = np.nonzero(likeness >= least)
            apart = ((BITS - likeness[i, j]) / 2).astype(int)
            mirrored = turned[i, j] < 0
            upper = i + top < j + left
            yield (i + top)[upper], (j + left)[upper], apart[upper], mirrored[upper]


def _signs(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the bits that a mirror leaves, and those that it turns, as float32 -1 and 1."""
    signs = np.unpackbits(hashes, axis=1)[:, :BITS].astype(np.float32) * 2 - 1
    return signs[:, ~_ODD], signs[:, _ODD]


def _same_bytes(ids: np.ndarray, digests: Mapping[str, str]) -> Ranked:
    first: dict[str, int] = {}
    pairs = [
        (m, n)
        for n, id in enumerate(ids)
        if id in digests and (m := first.setdefault(digests[id], n)) != n
    ]
    i, j = np.array(pairs, int).reshape(-1, 2).T
    return i, j, np.zeros(len(pairs), int)


def _similar(
    ids: np.ndarray, hashes: Mapping[str, bytes | None], distance: int
) -> Iterator[Ranked]:
    numbers = np.array([n for n, id in enumerate(ids) if hashes.get(id)], int)
    if distance >= 0 and len(numbers):
        packed = b"".join(hashes[id] or b"" for id in ids[numbers])
        table = np.frombuffer(packed, np.uint8).reshape(len(numbers), -1)
        for i, j, apart, mirrored in near_pairs(table, distance):
            yield numbers[i], numbers[j], 1 + 2 * apart + mirrored


def _merged(group: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Return group numbers (each the least of its members') after joining the pairs i, j."""
    while (group[i] != group[j]).any():
        least = np.minimum(group[i], group[j])
        np.minimum.at(group, group[i], least)
        np.minimum.at(group, group[j], least)
        while (group[group] != group).any():
            group = group[group]
    return group
