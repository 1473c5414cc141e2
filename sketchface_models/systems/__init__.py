"""The rebuilt systems: one file each; `registry` knows them by name."""
