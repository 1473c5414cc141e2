"""`report`: tables, verdicts, curves and sheets. Usage: python -m pipeline.report."""

from pathlib import Path

from pipeline.common.parameters import Parameters, run_stage
from pipeline.report.write import write_report


def main(params: Parameters) -> None:
    """Report on the chosen runs and seeds."""
    write_report(params.value("run"), params.value("seeds"), Path("data"), Path("reports"))


if __name__ == "__main__":
    run_stage("report", main)
