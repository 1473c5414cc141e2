"""Refuse data sets as a whole: without a face, or without one in a split that is wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Sized

from pipeline.datasets.base import SPLITS, DataSettings
from pipeline.faces.splits import LEAST
from sketchface_models.errors import SketchFaceError, printable

WANTED = ("train", "test")
"""The splits that every run needs a face of."""


def check_any(faces: Sized, settings: DataSettings, reasons: Sequence[str]) -> None:
    """Refuse a data set of which no face can be used.

    Args:
        faces: those that can.
        settings: of the data set.
        reasons: why the others, or files, cannot.

    Raises:
        SketchFaceError: with the commonest reason.
    """
    if len(faces):
        return
    root = f"data.root: {settings.root}"
    if not reasons:
        raise SketchFaceError(
            f"{root}: holds no face that {settings.name} knows; point it at the data"
        )
    # Reasons begin with the file's name and end in a remedy: what they have in common is between.
    texts = [reason.partition(": ")[2] or reason for reason in reasons]
    kinds = [text.partition(";")[0] for text in texts]
    kind, count = Counter(kinds).most_common(1)[0]
    reason = printable(texts[kinds.index(kind)])
    raise SketchFaceError(
        f"{root}: none of {len(reasons)} faces can be used; {count} of them: {reason}"
    )


def check_splits(
    faces: Iterable[tuple[str, str]], settings: DataSettings, wanted: Sequence[str], note: str = ""
) -> None:
    """Refuse a data set without a face in a split that is wanted; to train, two are.

    Args:
        faces: kind (see `Item.kind`) and split of each.
        settings: of the data set.
        wanted: splits that need a face of every kind.
        note: what else explains it, for the message.

    Raises:
        SketchFaceError: naming the split and the parameters to change.
    """
    counts = Counter(faces)
    for kind in sorted({kind for kind, _ in counts}):
        for split in wanted:
            count, least = counts[kind, split], max(1, LEAST[split])
            if count < least:
                whole = sum(counts[kind, each] for each in SPLITS)
                part = f"only {count}" if count else "none"
                takes = f", which takes {least}" if least > 1 else ""
                raise SketchFaceError(
                    f"data.root: {settings.root}: {part} of {whole} {kind or 'face'}s is in {split}"
                    f"{takes}; {_remedy(split, settings)}{note}"
                )


def _remedy(split: str, settings: DataSettings) -> str:
    """Say what gives a split a face."""
    fraction = getattr(settings, "test_fraction", None)
    if split == "val":
        return (
            f"add faces, raise data.val_fraction ({settings.val_fraction:g}), or set "
            "engine.best=none, which measures on them"
        )
    if split == "test" and hasattr(settings, "test_count"):
        return f"raise data.test_count ({settings.test_count})"
    if fraction is None:
        return "add those of the publisher's split"
    if split == "test" and not fraction:
        return f"raise data.test_fraction ({fraction:g})"
    change = "change" if split == "test" else "lower"
    return f"add faces, or {change} data.test_fraction ({fraction:g}) or data.seed"
