"""The `landmarks` stage."""
