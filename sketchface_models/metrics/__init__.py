"""Metrics on pairs of pictures, and the statistics that turn them into statements.

    registry.score_batch(reference, generated)               # every metric of every pair
    bootstrap.mean_interval(scores["ssim"])                  # mean with 95 % interval
    bootstrap.compare(ours, theirs, "higher").verdict        # better, worse or undecided
    retrieval.retrieve(generated, targets).accuracy(1)       # is it the right face?

Pictures are (B, C, H, W) in [0, 255] unless `data_range` says otherwise. Import from the modules:
what imports one metric need not change with the others.
"""
