"""Anybody's photos, drawings and parsing maps through trained weights, as the stages do it."""
