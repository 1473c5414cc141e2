"""Names that stand in what `evaluate` writes."""

MODEL = "model"
"""The row of the system itself."""

OTHER = "other"
"""The row of other faces' targets: the same set of pictures as the targets, in another order."""

TRIVIAL = {
    "input": "the input itself",
    "mean": "the mean training target",
    OTHER: "another face's target",
}
"""Rows that need no learning, and what they are in words."""

TARGET = "target"
"""Not a row of scores: the targets themselves, where pictures are named."""

STYLES_SHEET = "styles.png"
"""The sheet of faces drawn in every style, of runs that take a style."""

PARSING = "parsing"
"""`kind` in the summary of a run that draws parsing maps; other summaries have none."""
