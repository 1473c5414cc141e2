"""Anybody's photos and drawings through trained weights, by the same steps as the stages'."""
