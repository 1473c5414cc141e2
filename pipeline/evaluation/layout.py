"""Names that stand in what `evaluate` writes."""

MODEL = "model"
"""The row of the system itself."""

TRIVIAL = {
    "input": "the input itself",
    "mean": "the mean training target",
    "other": "another face's target",
}
"""Rows that need no learning, and what they are in words."""

PARSING = "parsing"
"""`kind` in the summary of a run that draws parsing maps; other summaries have none."""
