"""Moved and recoloured pictures."""
