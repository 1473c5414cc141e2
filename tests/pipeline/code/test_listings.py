"""Listings of code: what stands in them, what does not, and that nonsense is passed over."""

from pathlib import Path

import pytest

from pipeline.code.listings import SYSTEMS, code_listings, write_listings
from pipeline.common.code_hash import PLUMBING, ROOT, module_file
from pipeline.datasets import ADAPTERS, adapter
from sketchface_models.systems.registry import SYSTEMS as REGISTERED
from sketchface_models.systems.registry import system_class

RUNS = {"lines": {"system": "pix2pix"}, "photos": {"system": "hida"}}


def names(listing: str) -> set[str]:
    return {line[66:] for line in listing.splitlines()}


@pytest.fixture(scope="module")
def listings() -> dict[str, set[str]]:
    return {name: names(text) for name, text in code_listings("fs2k", RUNS).items()}


def test_a_run_lists_its_own_system_alone(listings: dict[str, set[str]]):
    lines, photos = listings["train/lines"], listings["train/photos"]
    assert "sketchface_models/systems/pix2pix.py" in lines - photos
    assert "sketchface_models/networks/pix2pix.py" in lines
    assert "sketchface_models/systems/hida.py" in photos - lines
    assert "sketchface_models/training/trainer.py" in lines & photos
    assert all("hida" not in name and "registry" not in name for name in lines)


def test_faces_list_the_chosen_data_set_alone(listings: dict[str, set[str]]):
    faces = listings["faces"]
    assert "pipeline/datasets/fs2k.py" in faces
    assert not {name for name in faces if name.startswith("synthetic_faces/")}
    synthetic = names(code_listings("synthetic", RUNS)["faces"])
    assert {"pipeline/datasets/synthetic.py", "synthetic_faces/rendering.py"} <= synthetic
    assert "pipeline/datasets/fs2k.py" not in synthetic
    both = names(code_listings("unpaired", RUNS)["faces"])
    assert {f"pipeline/datasets/{name}.py" for name in ADAPTERS} <= both


def test_check_lists_every_system_and_data_set(listings: dict[str, set[str]]):
    paths = {f"sketchface_models/systems/{name}.py" for name in ("hida", "parser", "pix2pix")}
    assert paths | {f"pipeline/datasets/{name}.py" for name in ADAPTERS} <= listings["check"]


def test_templates_and_tables_are_listed_but_no_weights_or_plumbing(
    listings: dict[str, set[str]],
):
    assert {"pipeline/report/report.md.j2", "pipeline/report/published.json"} <= listings["report"]
    everything = set().union(*listings.values())
    assert not everything & PLUMBING
    assert not {name for name in everything if name.endswith(".safetensors")}
    assert "sketchface_models/__init__.py" not in everything  # a docstring
    assert "pipeline/datasets/__init__.py" in everything  # code


def test_what_is_listed_as_plumbing_exists():
    assert all((ROOT / name).is_file() for name in PLUMBING)


def test_systems_and_data_sets_are_registered_under_the_name_of_their_module():
    for name in REGISTERED:
        module = f"{SYSTEMS}.{name.replace('-', '_')}"
        assert system_class(name).__module__ == module
        assert module_file(module) is not None
    for name in ADAPTERS:
        assert type(adapter(name)).__module__ == f"pipeline.datasets.{name}"


@pytest.mark.parametrize(
    ("data", "systems"),
    [
        (None, None),
        ("nothing", {"run": {"system": "nothing"}, "other": 7, 9: None}),
        (["fs2k"], {"../outside": {"system": "hida"}, "a/b": {"system": "hida"}}),
    ],
)
def test_what_check_will_refuse_is_passed_over(data: object, systems: object):
    listings = code_listings(data, systems)
    assert "check" in listings
    assert all(".." not in name and name.count("/") <= 1 for name in listings)


def test_equal_code_gives_equal_bytes(tmp_path: Path):
    listings = code_listings("fs2k", RUNS)
    for _ in range(2):
        write_listings(listings, tmp_path / "code")
    files = [path for path in (tmp_path / "code").rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path / "code").as_posix(): path.read_text() for path in files} == (
        listings
    )
