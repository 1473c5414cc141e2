"""Meshes, the camera, the z-buffer, and curves: what does not know faces."""
