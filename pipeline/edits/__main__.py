"""Stage `edits`: pairs of drawings of one face that differ in one place."""

import json
from pathlib import Path

from pipeline.common.parameters import Parameters, run_stage
from pipeline.edits.edits import EditSettings, write_edits


def main(params: Parameters) -> None:
    """Read `edits` and what describes the faces from the parameters and write `data/edits`."""
    asked = json.loads(Path("data/asked.json").read_text(encoding="utf-8"))["edits"]
    settings = params.section("edits", EditSettings)
    name, size, seed = (params.value(f"data.{key}") for key in ("name", "size", "seed"))
    write_edits(name, size, seed, Path("data/edits"), settings, asked)


if __name__ == "__main__":
    run_stage("edits", main)
