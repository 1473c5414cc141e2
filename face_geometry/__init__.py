"""Geometry of faces and their drawings."""
