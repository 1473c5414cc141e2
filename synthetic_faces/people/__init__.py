"""Sampling the parameters of a face: identity, expression, clothes, pose, light and film."""
