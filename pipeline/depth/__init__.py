"""Stage `depth`: a depth map of every face, from its mesh, from files or from a network.

Writes `data/depth`: `shards/*.parquet` (`depth.COLUMNS`) and `quarantine.parquet`.
"""
