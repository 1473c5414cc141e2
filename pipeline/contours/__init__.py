"""The `contours` stage."""
