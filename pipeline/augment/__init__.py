"""Stage `augment`: the test contours, shifted and rotated once, with a record of how.

Writes `data/augment`: `shards/*.parquet` (`augment.COLUMNS`) and `quarantine.parquet`.
"""
