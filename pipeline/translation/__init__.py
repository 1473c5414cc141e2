"""Sketches of anybody's photos, by the same steps as the pipeline's stages, and figures of them."""
