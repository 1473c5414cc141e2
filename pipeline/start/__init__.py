"""The `start` stage."""
