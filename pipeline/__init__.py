"""The data side: one thin module per DVC stage (`pipeline.stages`), and what they share."""
