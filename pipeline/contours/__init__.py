"""Stage `contours`: each face as a few lines, by its landmarks and as drawn or from its sketch.

Writes `data/contours`: `shards/*.parquet` (`contours.COLUMNS`), `average_face.json` (size, count,
and the training faces' mean landmarks, 68 x 2 pixels) and `average_face.png` (its contour).
"""
