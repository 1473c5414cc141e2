"""Metrics on pairs of pictures, and the statistics that turn them into statements.

    scores = score_batch(reference, generated)     # name -> (B,) float64
    mean_interval(scores["ssim"])                  # mean with 95 % interval
    compare(ours, theirs, "higher").verdict        # better, worse or undecided
    retrieve(generated, targets).accuracy(1)       # is it the right face?

Pictures are (B, C, H, W) in [0, 255] unless `data_range` says otherwise.
"""

from sketchface_models.metrics.bootstrap import Comparison, Interval, compare, mean_interval
from sketchface_models.metrics.levels import from_signed
from sketchface_models.metrics.protocol import Protocol, measures
from sketchface_models.metrics.registry import METRICS, Metric, metric_names, score_batch
from sketchface_models.metrics.retrieval import Retrieval, retrieve

__all__ = [
    "METRICS",
    "Comparison",
    "Interval",
    "Metric",
    "Protocol",
    "Retrieval",
    "compare",
    "from_signed",
    "mean_interval",
    "measures",
    "metric_names",
    "retrieve",
    "score_batch",
]
