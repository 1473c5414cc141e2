"""Scoring a trained run: draw every test face, measure, and set it beside three trivial rows."""
