"""`code`: list the code of every stage, so that DVC reruns what a change can reach and no more."""

from pathlib import Path

from pipeline.code.listings import code_listings, write_listings
from pipeline.common.parameters import Parameters, run_stage


def main(params: Parameters) -> None:
    """List the code of every stage, and of every run where the run decides."""
    listings = code_listings(params.value("data.name"), params.value("systems"))
    write_listings(listings, Path("data/code"))


if __name__ == "__main__":
    run_stage("code", main)
