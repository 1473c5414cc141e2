"""The `train` stage."""

from sketchface_models.openmp import keep_threads_awake

keep_threads_awake()  # before torch is imported
