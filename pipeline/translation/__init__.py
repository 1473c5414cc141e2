"""Sketches of any photo, drawn as the pipeline draws those of a data set."""
