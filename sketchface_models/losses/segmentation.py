"""Losses of parsing maps, whose classes differ a hundredfold in size."""

from __future__ import annotations

import torch
from torch import Tensor

PERCENT = (
    *(28.77, 25.48, 2.07, 0.32, 0.22, 0.22, 0.43, 0.42, 0.48, 0.39),
    *(0.29, 0.41, 0.67, 31.02, 1.11, 0.20, 0.01, 4.08, 3.40),
)
"""Share of each class in all pixels, in percent, over 1,000 pictures of CelebAMask-HQ."""


def balanced_weights(balance: float) -> Tensor:
    """Return class weights: frequency to the power of -`balance`, 1 for the mean pixel.

    Returns:
        (19,) float32; weighted by frequency they add up to 1, so that the loss keeps its scale.
    """
    share = torch.tensor(PERCENT, dtype=torch.float64)
    share = share / share.sum()
    weights = share**-balance
    return (weights / (weights * share).sum()).float()


def parsing_losses(logits: Tensor, labels: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return weighted cross-entropy, and 1 - the mean soft Dice score of the batch's classes.

    Dice after Milletari et al. 2016 (V-Net), Eq. 2, with probabilities in place of their squares;
    sums run over the whole batch, as the scores' confusion matrix does. Both come from one
    softmax, along memory where the logits are channels-last.

    Args:
        logits: (B, C, H, W) float.
        labels: (B, H, W) int64; negative ones do not count.
        weights: (C,) float32, of the classes, in the cross-entropy.

    Returns:
        Both, () each; 0 where no pixel counts.
    """
    classes = logits.shape[1]
    log_probability = logits.permute(0, 2, 3, 1).reshape(-1, classes).float().log_softmax(dim=1)
    label = labels.flatten()
    counted = (label >= 0).float()
    label = label.clamp(min=0)
    own = log_probability.gather(1, label[:, None])[:, 0]
    weight = weights[label] * counted
    entropy = -(weight * own).sum() / weight.sum().clamp(min=1e-6)
    empty = weights.new_zeros(classes)
    truth = empty.index_add(0, label, counted)
    both = empty.index_add(0, label, own.exp() * counted)
    score = 2 * both / (truth + counted @ log_probability.exp()).clamp(min=1e-6)
    present = truth > 0
    return entropy, (1 - score).mul(present).sum() / present.sum().clamp(min=1)
