"""The command line: `sketchface VERB`."""
