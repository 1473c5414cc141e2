"""Stage `landmarks`: the 68 landmarks and, from MediaPipe, the mesh of every photo's face.

Writes `data/landmarks`: `shards/*.parquet` (`landmarks.COLUMNS`) and `quarantine.parquet`.
"""
