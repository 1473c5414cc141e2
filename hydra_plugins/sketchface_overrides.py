"""Found by Hydra when `dvc exp run` composes: answers users as `pipeline.compose` does."""

from pipeline.overrides import mend_hydra

mend_hydra(check_data=True)
