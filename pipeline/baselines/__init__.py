"""The `baselines` stage: what needs no learning, and what every evaluation needs of the targets."""
