"""The protocol of scored pictures: what changes its tag."""

from pathlib import Path
from typing import Any

import pytest
import torch
from made_tables import TEST, pictures_of

from pipeline.baselines.image_protocol import STYLE_CLASSIFIER, image_protocol
from sketchface_models.metrics.protocol import Protocol

SKETCHES = torch.from_numpy(pictures_of(TEST, "sketch"))
OTHERS = SKETCHES.clone()
OTHERS[2, 0, 5, 7] ^= 1


def protocol(data: Path, **changes: Any) -> Protocol:
    """The protocol of the test faces' sketches, but for what is changed."""
    arguments: dict[str, Any] = {
        "dataset": "made",
        "target": "sketch",
        "ids": TEST,
        "targets": SKETCHES,
        "inputs": ("photo",),
        "seed": 2,
    }
    return image_protocol(data, **arguments | changes)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 3},
        {"targets": OTHERS},
        {"ids": TEST[1:], "targets": SKETCHES[1:]},
        {"ids": TEST[::-1]},
        {"targets": SKETCHES[:, :, ::2, ::2]},
        {"targets": SKETCHES.repeat(1, 3, 1, 1)},
        {"target": "lines"},
        {"dataset": "other"},
    ],
    ids=["seed", "a pixel", "fewer faces", "whose", "size", "colour", "field", "data"],
)
def test_whatever_changes_a_score_changes_the_tag(tmp_path: Path, change: dict[str, Any]):
    own, other = protocol(tmp_path), protocol(tmp_path, **change)
    digests = [each.tag.rpartition(":")[2] for each in (own, other)]
    assert digests[0] != digests[1]
    assert own.tag_any_inputs != other.tag_any_inputs


def test_inputs_change_only_the_tag_with_inputs(tmp_path: Path):
    own, other = protocol(tmp_path), protocol(tmp_path, inputs=("photo", "depth"))
    assert own.tag != other.tag
    assert own.tag_any_inputs == other.tag_any_inputs


def test_the_order_of_the_faces_changes_nothing(tmp_path: Path):
    backwards = protocol(tmp_path, ids=TEST[::-1], targets=SKETCHES.flip(0))
    assert backwards.tag == protocol(tmp_path).tag


def test_another_style_classifier_is_another_protocol(tmp_path: Path):
    tags = [protocol(tmp_path).tag]
    (tmp_path / STYLE_CLASSIFIER).parent.mkdir()
    for content in (b"weights", b"others"):
        (tmp_path / STYLE_CLASSIFIER).write_bytes(content)
        tags.append(protocol(tmp_path).tag)
    assert len(set(tags)) == 3
    (tmp_path / STYLE_CLASSIFIER).write_bytes(b"weights")
    assert protocol(tmp_path).tag == tags[1]
