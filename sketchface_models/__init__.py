"""Networks, losses, systems, metrics and training for face sketch <-> photo synthesis.

Imports torch, numpy, lightning-fabric, safetensors and the standard library, nothing else, so
that it trains on a GPU machine without the data pipeline.
"""
