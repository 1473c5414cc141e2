"""Metrics on pairs and on sets of pictures.

    registry.score_batch(reference, generated)               # every metric of every pair
    retrieval.retrieve(generated, targets).accuracy(1)       # is it the right face?

Pictures are (B, C, H, W) in [0, 255] unless `data_range` says otherwise. Import from the modules:
what imports one metric need not change with the others.
"""
