"""Moved to `sketchface_models.atomic`."""

from sketchface_models.atomic import atomic_dir, atomic_file

__all__ = ["atomic_dir", "atomic_file"]
