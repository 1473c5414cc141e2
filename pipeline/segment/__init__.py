"""Stage `segment`: parsing maps in CelebAMask-HQ's 19 classes.

Writes `data/segment`: `shards/*.parquet` (`segment.COLUMNS`) and `quarantine.parquet`.
"""
