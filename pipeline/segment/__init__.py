"""The `segment` stage."""
