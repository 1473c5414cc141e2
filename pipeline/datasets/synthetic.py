"""Adapter (being written)."""
