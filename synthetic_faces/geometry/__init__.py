"""Surfaces in space, a camera before them, and which of them each pixel sees."""
