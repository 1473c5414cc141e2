"""The `augment` stage."""
