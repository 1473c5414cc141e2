"""`evaluate@RUN-SEED`: score. Usage: python -m pipeline.evaluate RUN SEED."""

import sys
from pathlib import Path

from pipeline.common.parameters import Parameters, run_stage
from pipeline.evaluate.evaluate import evaluate
from pipeline.evaluate.evaluate_settings import EvaluateSettings, LargestMoves

DATA = Path("data")


def main(params: Parameters, run: str, seed: str) -> None:
    """Score one trained run on the test split."""
    settings = params.section("evaluate", EvaluateSettings)
    moves = LargestMoves(params.value("augment.shift"), params.value("augment.rotation"))
    weights = DATA / "train" / run / seed / "weights"
    out = DATA / "evaluate" / run / seed
    evaluate(DATA, DATA / "pack" / run, weights, DATA / "baselines" / run, out, settings, moves)


if __name__ == "__main__":
    run, seed = sys.argv[1:]
    run_stage(f"evaluate@{run}-{seed}", lambda params: main(params, run, seed))
