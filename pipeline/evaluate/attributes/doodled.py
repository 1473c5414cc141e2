"""What the doodle of a built-in face shows, as the classifier names it."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from pipeline.common.shards import iter_rows
from pipeline.evaluate.attributes.attribute_network import ATTRIBUTES
from synthetic_faces.doodles import traits_of
from synthetic_faces.face_parameters import Parameters
from synthetic_faces.people.sampling import sample_person
from synthetic_faces.ranges import changed

SHOWN = (
    *("hair.length", "hair.top", "mouth.opening", "mouth.smile"),
    *("brows.frown", "wear.glasses", "shape.ear_angle"),
)
"""Parameters that a doodle's traits follow from."""


def indices_of(parameters: Parameters) -> dict[str, int]:
    """Return the index of each attribute's value in the doodle of a face."""
    traits = traits_of(parameters)
    values = {
        "hair": traits.hair,
        "glasses": "yes" if traits.glasses else "no",
        "mouth": "open" if traits.mouth == "open" else "closed",
    }
    return {name: ATTRIBUTES[name].index(value) for name, value in values.items()}


def doodled(faces: Path, ids: Collection[str]) -> dict[str, dict[str, int]]:
    """Return the attributes of those of some faces that are built-in: id -> attribute -> index.

    Args:
        faces: folder of the `faces` stage.
        ids: of faces.
    """
    anybody = sample_person(0, 0)
    known = {}
    for row in iter_rows(faces, ["id", "parameters"]):
        if row["id"] in ids and row["parameters"]:
            own = json.loads(row["parameters"])
            known[row["id"]] = indices_of(changed(anybody, {name: own[name] for name in SHOWN}))
    return known
