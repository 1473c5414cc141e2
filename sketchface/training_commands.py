"""The commands that look at trainings and experiments: `log`, `watch` and `compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sketchface_models.atomic import atomic_file
from sketchface_models.errors import SketchFaceError

Seed = Annotated[int | None, typer.Option(help="Of this seed.", show_default="any")]
RUN = "A run's name, or a folder with a log such as data/train/RUN/SEED."


def log(
    run: Annotated[str, typer.Argument(metavar="RUN", help=RUN)],
    seed: Seed = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print every step as CSV.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("-o", help="Write the CSV into this file instead.", show_default=False),
    ] = None,
) -> None:
    """Print the losses of a training, running or finished, or export every step as CSV.

    The CSV has a line a step, counted from 1, and a column a term: losses, `val_...` where the step
    ended in a validation, learning rates (`lr_...`) and norms of gradients (`grad_...`). Of several
    trainings of the name the one whose log was written last is taken.
    """
    from sketchface.training_logs import as_csv, as_table, find_log

    training = find_log(run, seed)
    if out:
        with atomic_file(out) as path:
            path.write_text(as_csv(training), encoding="utf-8", newline="\n")
        typer.echo(f"{out}: {training.title}")
    elif csv:
        typer.echo(as_csv(training), nl=False)
    else:
        typer.echo(as_table(training))


def watch(
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help=RUN, show_default="what was written last"),
    ] = None,
    seed: Seed = None,
    every: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, help="Between two looks.")
    ] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look once.")] = False,
) -> None:
    """Show a running training: losses, rates, time left, the newest validation sheet.

    Runs beside it, in a second terminal, until the training ends; Ctrl-C ends the watching alone.
    """
    from sketchface.training_logs import find_log
    from sketchface.training_watch import status, watch_training

    if once:
        typer.echo(status(find_log(run, seed)))
        return
    try:
        watch_training(run, seed, every, typer.echo)
    except KeyboardInterrupt:
        typer.echo("")


def compare(
    experiments: Annotated[
        list[str],
        typer.Argument(
            metavar="EXP EXP...",
            help="Names of experiments (`dvc exp list`), git revisions, or `workspace`.",
        ),
    ],
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help='Print a JSON list: [{"experiments", "runs", "seeds", "protocol", "faces", '
            '"not_comparable": reason or null, "measures": [{"metric", "means", "difference", '
            '"interval", "verdict", "scope"}]}].',
        ),
    ] = False,
) -> None:
    """Compare experiments face by face, with the verdicts of the report's rule.

    The scores come from the experiments' own records in git and DVC's cache; nothing is applied to
    the working tree or computed anew. Runs that both have are compared; where they share none, each
    run of one with each of the other. Runs that were scored by other protocols, on other faces or
    from other inputs are not ranked.
    """
    from sketchface.experiment_records import compare_experiments
    from sketchface.experiment_tables import as_json, as_table

    if len(set(experiments)) < 2:
        raise SketchFaceError(f"{experiments[0]}: give two experiments or more")
    comparisons = compare_experiments(list(dict.fromkeys(experiments)))
    typer.echo(as_json(comparisons) if json else as_table(comparisons))
