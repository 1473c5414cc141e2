"""How often the rule of evidence tells a system from itself, and which differences it sees.

    python benchmarks/null_verdicts.py simulate
    python benchmarks/null_verdicts.py power
    python benchmarks/null_verdicts.py trainings data --run pix2pix-photo --seeds 0 1 2 3 4 5 6 7

`simulate` makes scores up: what a face adds, what a seed adds, and what is left. The spread of
seeds is given in standard errors over faces of the difference of two trainings. `trainings` takes
the scores of one run from many seeds, as `evaluate` wrote them, splits them in all ways into two
sides of k seeds, and counts how often one side is called better or worse than the other; a few
hundred splits of one set of seeds are not independent, so rates by metric vary. `power` says how
large a difference must be to be seen.

The old rule stands beside: the percentiles of a bootstrap that resamples seeds and faces and
takes differences seed by seed, without correction.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from pipeline.common.records import Level, Measure
from pipeline.common.verdicts import (
    LEVEL,
    Comparison,
    Sample,
    Verdict,
    combine,
    compare,
    p_value,
    verdict,
    verdicts,
)
from pipeline.report.collect import Result, read_data, read_results
from sketchface_models.metrics.registry import Direction

SIDES = (1, 3, 4)
"""Seeds a side."""
SPREADS = (0.5, 1.0, 2.0, 4.0, 10.0)
FACES = 120
RESAMPLES = 400
"""Of the old rule."""
STRICT = 0.005
OLD_TRIALS = 300
"""Most trials of the old rule, which takes long."""
EFFECTS = (1.0, 2.0, 3.0, 4.0, 6.0)
STATEMENTS = (1, 12)
"""Sizes of the tables whose correction `power` looks at."""


def trainings(
    rng: np.random.Generator, seeds: int, deviation: float, faces: int = FACES
) -> np.ndarray:
    """Make up scores, (seeds, faces); what seeds and faces do not explain has deviation 1."""
    return rng.normal(0, deviation, (seeds, 1)) + rng.normal(0, 1, (seeds, faces))


def old_verdict(ours: np.ndarray, theirs: np.ndarray, rng: np.random.Generator) -> bool:
    """Return whether the old rule tells the two apart.

    Args:
        ours: (S, N), one line a seed.
        theirs: (S, N), paired with it seed by seed.
        rng: of the resampling.
    """
    difference = ours - theirs
    seeds, faces = difference.shape
    weights = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES) / seeds
    counts = rng.multinomial(faces, np.full(faces, 1 / faces), size=RESAMPLES) / faces
    means = ((weights @ difference) * counts).sum(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return bool(low > 0 or high < 0)


def simulate(trials: int, seed: int = 0) -> pd.DataFrame:
    """Return the rates of false verdicts on made-up trainings of one system.

    Returns:
        A line for each number of seeds a side and spread, with the rates of the rule, of the rule
        on systems that differ from face to face but not on average, of the old rule, and of
        probabilities below 0.5 % where they are taken from seeds, as a table of ten asks for. Two
        seeds a side stand here to show why the rule asks for three.
    """
    rng = np.random.default_rng(seed)
    lines = []
    for side in (1, 2, *SIDES[1:]):
        for spread in SPREADS:
            deviation = spread * np.sqrt(2 / FACES)
            wrong = np.zeros(4)
            few = min(trials, OLD_TRIALS)
            for trial in range(trials):
                ours, theirs = (trainings(rng, side, deviation) for _ in range(2))
                unlike = ours + rng.normal(0, 1, FACES)
                wrong += (
                    _is_false(compared(ours, theirs)),
                    _is_false(compared(unlike, theirs)),
                    trial < few and old_verdict(ours, theirs, rng),
                    side > 1 and p_from_seeds(unlike, theirs) < STRICT,
                )
            lines.append((side, spread, *wrong / (trials, trials, few, trials)))
    columns = ["seeds a side", "spread", "rule", "rule, unlike", "old rule", "below 0.5 %, unlike"]
    return pd.DataFrame(lines, columns=columns)


def p_from_seeds(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the rule's probability from two seeds on, where it would say nothing of systems."""
    paired = ours.mean(axis=0) - theirs.mean(axis=0)
    components = [(paired.var(ddof=1) / len(paired), len(paired) - 1)]
    for each in (ours, theirs):
        components.append((each.mean(axis=1).var(ddof=1) / len(each), len(each) - 1))
    return p_value(paired.mean(), *combine(components))


def power(trials: int, seed: int = 0) -> pd.DataFrame:
    """Return how often a true difference is seen, after Holm's correction for a table.

    Effects are in standard deviations between seeds, which are twice the standard error over
    faces here. The table's other statements are doubtful: a difference counts as often as there
    are statements.
    """
    rng = np.random.default_rng(seed)
    deviation = 2 * np.sqrt(2 / FACES)
    lines = []
    for side in (3, 4, 5, 8):
        for statements in STATEMENTS:
            for effect in EFFECTS:
                hits = 0
                for _ in range(trials):
                    ours, theirs = (trainings(rng, side, deviation) for _ in range(2))
                    said = compared(ours + effect * deviation, theirs)
                    hits += said.p * statements < 1 - LEVEL
                lines.append((side, statements, effect, hits / trials))
    return pd.DataFrame(lines, columns=["seeds a side", "statements", "effect", "seen"])


def compared(ours: np.ndarray, theirs: np.ndarray) -> Comparison:
    """Return the comparison of two arrays of scores, (S, N)."""
    return compare(Sample.per_face(ours), Sample.per_face(theirs), Direction.HIGHER)


def splits(seeds: int, side: int) -> Iterator[tuple[list[int], list[int]]]:
    """Yield all ways to choose two sides of so many seeds; which is which does not matter."""
    for ours in combinations(range(seeds), side):
        rest = [row for row in range(seeds) if row not in ours]
        for theirs in combinations(rest, side):
            if ours < theirs:
                yield list(ours), list(theirs)


def null_rates(result: Result, most: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Return the rates of false verdicts between halves of one run's seeds.

    Args:
        result: one output of a run, from many seeds.
        most: splits that are looked at, chosen at random where there are more.
        seed: of that choice and of the old rule's resampling.

    Returns:
        A line for each number of seeds a side and measure, and `any`: how often a table of all
        measures, with Holm's correction, holds at least one.
    """
    rng = np.random.default_rng(seed)
    samples = {measure: result.sample(measure.name) for measure in result.measures}
    known = {measure: sample for measure, sample in samples.items() if sample is not None}
    lines = []
    for side in SIDES:
        chosen = list(splits(len(result.seeds), side))
        if len(chosen) > most:
            chosen = [chosen[row] for row in rng.choice(len(chosen), most, replace=False)]
        lines += _rates(known, side, chosen, rng)
    return pd.DataFrame(lines, columns=["seeds a side", "metric", "splits", "rule", "old rule"])


def _rates(
    samples: dict[Measure, Sample],
    side: int,
    chosen: Sequence[tuple[list[int], list[int]]],
    rng: np.random.Generator,
) -> list[tuple[int, str, int, float, float]]:
    wrong = {measure: np.zeros(2) for measure in samples}
    tables = 0
    for ours, theirs in tqdm(chosen, desc=f"{side} a side", unit="split", disable=None):
        said = []
        for measure, sample in samples.items():
            one, other = (_of_seeds(sample, rows) for rows in (ours, theirs))
            said.append(compare(one, other, measure.direction, measure.least))
            old = measure.level is Level.FACE and old_verdict(one.faces, other.faces, rng)
            wrong[measure] += _is_false(said[-1]), old
        tables += any(word != Verdict.UNDECIDED for word in verdicts(said))
    count = len(chosen)
    lines = [
        (side, m.name, count, new / count, old / count if m.level is Level.FACE else np.nan)
        for m, (new, old) in wrong.items()
    ]
    return [*lines, (side, "any, with Holm", count, tables / count, np.nan)]


def _of_seeds(sample: Sample, rows: list[int]) -> Sample:
    return Sample(
        sample.seeds[rows], sample.faces[rows], sample.count, sample.resampled, sample.fixed
    )


def _is_false(comparison: Comparison) -> bool:
    return verdict(comparison) != Verdict.UNDECIDED


def spreads(result: Result) -> pd.DataFrame:
    """Return how far seeds lie apart: spread over seeds, in standard errors over faces."""
    lines = []
    for measure in result.measures:
        sample = result.sample(measure.name)
        if sample is not None:
            pairs = [
                compare(sample.of_seed(a), sample.of_seed(b), measure.direction).error
                for a, b in combinations(range(len(sample.seeds)), 2)
            ]
            spread, error = float(sample.seeds.std(ddof=1)), float(np.mean(pairs))
            lines.append((measure.name, sample.seeds.mean(), spread, spread / error))
    return pd.DataFrame(lines, columns=["metric", "mean", "spread", "in errors over faces"])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("simulate", "power"):
        commands.add_parser(name).add_argument("--trials", type=int, default=2000)
    real = commands.add_parser("trainings")
    real.add_argument("data", type=Path, help="folder with the stages' folders")
    real.add_argument("--run", required=True)
    real.add_argument("--seeds", type=int, nargs="+", required=True)
    options = parser.parse_args()
    if options.command != "trainings":
        table = {"simulate": simulate, "power": power}[options.command](options.trials)
        print(table.to_string(index=False, float_format="%.3g"))
        return
    for result in read_results(options.run, options.seeds, options.data, read_data(options.data)):
        for table in (spreads(result), null_rates(result)):
            print(table.to_string(index=False, float_format="%.3g", na_rep="-"), end="\n\n")


if __name__ == "__main__":
    main()
