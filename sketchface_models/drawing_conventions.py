"""Drawings as every system reads them: dark lines on white paper."""

PAPER = 255
"""Grey level of the paper."""
REFERENCE_SIZE = 512
"""Side of the pictures, in pixels, for which widths and shifts of lines are stated."""
