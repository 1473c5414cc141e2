"""Meshes and the labels of what they show, the camera, the z-buffer, and curves."""
