"""How contours are moved for scores of tolerance."""

import numpy as np
import torch

from pipeline.common.subsets import SubsetKind
from pipeline.evaluate.control.tolerance import Directions, directions, moved, moves, scored
from pipeline.evaluate.evaluate_settings import LargestMoves

IDS = [f"face-{number}" for number in range(200)]


def test_moves_are_parts_of_the_largest_shift_and_rotation():
    made = [
        (str(subset), shift, rotation) for subset, shift, rotation in moves(LargestMoves(20, 8))
    ]
    assert made == [
        ("shift 0", 0, 0),
        ("shift 0.25", 5, 0),
        ("shift 0.5", 10, 0),
        ("shift 0.75", 15, 0),
        ("shift 1", 20, 0),
        ("rotation 0.25", 0, 2),
        ("rotation 0.5", 0, 4),
        ("rotation 0.75", 0, 6),
        ("rotation 1", 0, 8),
    ]
    kinds = {subset.kind for subset, *_ in moves(LargestMoves(20, 0))}
    assert kinds == {SubsetKind.SHIFT}


def test_every_face_moves_as_far_in_a_direction_that_depends_on_seed_and_id_alone():
    first, again = directions(3, IDS), directions(3, IDS[::-1])
    torch.testing.assert_close(first.shift.norm(dim=1), torch.ones(200))
    assert torch.equal(first.shift, again.shift.flip(0))
    assert torch.equal(first.rotation, again.rotation.flip(0))
    assert set(first.rotation.tolist()) == {-1.0, 1.0}
    assert first.shift.mean(dim=0).abs().max() < 0.2
    assert not torch.equal(first.shift, directions(4, IDS).shift)


def test_a_shift_is_in_pixels_of_512():
    contour = torch.full((2, 1, 64, 64), 255, dtype=torch.uint8)
    contour[:, :, 20, 30] = 0
    there = Directions(torch.tensor([[1.0, 0.0], [0.0, -1.0]]), torch.ones(2))
    rows, columns = np.nonzero(moved(contour, there, 32.0, 0.0)[0, 0].numpy() == 0)
    assert (rows.tolist(), columns.tolist()) == ([20], [34])  # 32 of 512 are 4 of 64
    rows, columns = np.nonzero(moved(contour, there, 32.0, 0.0)[1, 0].numpy() == 0)
    assert (rows.tolist(), columns.tolist()) == ([16], [30])
    assert torch.equal(moved(contour, there, 0.0, 0.0), contour)


def test_scores_are_those_of_the_metrics():
    targets = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
    same = scored(targets, targets)
    assert same["ssim"].tolist() == [1, 1, 1]
    assert same["l1"].tolist() == [0, 0, 0]
    lighter = (targets // 2).to(torch.uint8)
    assert (scored(lighter, targets)["l1"] > 0.1).all()
