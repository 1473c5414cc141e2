"""Starting weights as a stage: a constant for runs that start from nothing."""

from pathlib import Path

from made_generators import model

from pipeline.start.start import LIST_FILE, start_run
from sketchface_models.systems.registry import build
from sketchface_models.training import starting_weights

NOWHERE = Path("nowhere")


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_runs_that_start_from_nothing_have_the_same_start(tmp_path: Path):
    for number, section in enumerate(({}, {"pretrain": {}}, {"pretrain": None})):
        start_run(section, NOWHERE, NOWHERE, number, tmp_path / str(number))
    one, two, three = (files(tmp_path / str(number)) for number in range(3))
    assert one == two == three
    assert set(one) == {LIST_FILE} == {starting_weights.LIST_FILE}


def test_training_takes_such_a_start_for_none(tmp_path: Path):
    start_run({}, NOWHERE, NOWHERE, 0, tmp_path / "start")
    system = build(model("photo"), {"photo": 3, "sketch": 1})
    before = {name: tensor.clone() for name, tensor in system.networks.state_dict().items()}
    starting_weights.load_start(system, tmp_path / "start")
    assert all((system.networks.state_dict()[name] == before[name]).all() for name in before)
