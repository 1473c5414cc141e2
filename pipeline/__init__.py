"""The data pipeline: one package for each stage, and what the stages share."""
