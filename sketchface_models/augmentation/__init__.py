"""Augmentation: shifted and rotated contours, distorted and recoloured photos."""
