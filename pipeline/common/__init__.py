"""The `common` stage."""
