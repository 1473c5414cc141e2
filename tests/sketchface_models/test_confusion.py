"""Scores from the pooled confusion matrix: exact values, and a count pixel by pixel."""

import math

import numpy as np
import pytest
import torch

from sketchface_models.confusion import confusion, parsing_scores
from sketchface_models.labels import CLASSES


def test_a_matrix_by_hand():
    truth = torch.tensor([[0, 0, 0, 1], [1, 1, 2, 2]])
    predicted = torch.tensor([[0, 0, 1, 1], [1, 0, 2, 0]])
    matrix = confusion(truth, predicted, 4)
    assert matrix.tolist() == [[2, 1, 0, 0], [1, 2, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]
    scores = parsing_scores(matrix)
    assert scores.accuracy == 5 / 8
    assert scores.iou[:3].tolist() == [2 / 5, 2 / 4, 1 / 2]
    assert scores.f1[:3].tolist() == [4 / 7, 4 / 6, 2 / 3]
    assert scores.recall[:3].tolist() == [2 / 3, 2 / 3, 1 / 2]
    assert scores.precision[:3].tolist() == [2 / 4, 2 / 3, 1.0]
    assert scores.mean_iou == pytest.approx((2 / 5 + 2 / 4 + 1 / 2) / 3, rel=1e-15)
    assert scores.mean_f1 == pytest.approx((4 / 7 + 4 / 6 + 2 / 3) / 3, rel=1e-15)
    assert scores.mean_recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 2) / 3, rel=1e-15)
    weighted = (3 * 2 / 5 + 3 * 2 / 4 + 2 * 1 / 2) / 8
    assert scores.weighted_iou == pytest.approx(weighted, rel=1e-15)


def test_a_class_that_the_truth_lacks_counts_against_others_but_not_in_means():
    truth, predicted = torch.zeros(10, dtype=torch.long), torch.zeros(10, dtype=torch.long)
    predicted[:4] = 2
    scores = parsing_scores(confusion(truth, predicted, 3))
    assert math.isnan(scores.iou[2])
    assert math.isnan(scores.f1[1])
    assert scores.mean_iou == 0.6
    assert scores.mean_f1 == 0.75
    assert [row["class"] for row in scores.table(("a", "b", "c"))] == ["a"]


def test_a_class_never_found_scores_zero():
    truth = torch.tensor([0, 1, 1])
    row = parsing_scores(confusion(truth, torch.zeros_like(truth), 2)).table(("a", "b"))[1]
    assert row == {"class": "b", "pixels": 2, "iou": 0, "f1": 0, "recall": 0, "precision": 0}


def test_pooling_is_not_the_mean_over_pictures():
    draw = torch.Generator().manual_seed(0)
    truth = torch.randint(0, 19, (3, 20, 20), generator=draw)
    predicted = torch.where(torch.rand(truth.shape, generator=draw) < 0.6, truth, 7)
    truth[2] = 1
    parts = [confusion(t, f) for t, f in zip(truth, predicted, strict=True)]
    pooled = torch.stack(parts).sum(dim=0)
    assert torch.equal(pooled, confusion(truth, predicted))
    t, f = truth.numpy().ravel(), predicted.numpy().ravel()
    f1 = [
        2 * np.sum((t == c) & (f == c)) / (np.sum(t == c) + np.sum(f == c))
        for c in range(19)
        if np.any(t == c)
    ]
    scores = parsing_scores(pooled)
    assert scores.mean_f1 == pytest.approx(np.mean(f1), rel=1e-14)
    assert scores.accuracy == np.mean(t == f)
    means = np.mean([parsing_scores(part).mean_f1 for part in parts])
    assert abs(scores.mean_f1 - means) > 0.01
    assert len(scores.table()) == len(CLASSES)
    assert scores.summary()["mean_f1"] == scores.mean_f1


def test_ignored_labels_are_not_counted_and_foreign_ones_refused():
    truth = torch.tensor([-1, 255, 0])
    predicted = torch.tensor([3, 200, 0])
    assert confusion(truth, predicted).sum() == 1
    with pytest.raises(ValueError, match="predicted classes 0 to 19"):
        confusion(torch.tensor([0, 0]), torch.tensor([0, 19]))
    with pytest.raises(ValueError, match="truth"):
        confusion(torch.zeros(2), torch.zeros(3))
    with pytest.raises(ValueError, match="no pixel"):
        parsing_scores(torch.zeros(19, 19))
