"""The `code` stage."""
