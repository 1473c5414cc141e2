"""The `depth` stage."""
