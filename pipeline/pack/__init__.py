"""The `pack` stage."""
