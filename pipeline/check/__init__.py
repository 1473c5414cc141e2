"""The `check` stage."""
