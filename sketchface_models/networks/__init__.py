"""Generators, discriminators, encoders: one file a paper's network, parameter counts tested."""
