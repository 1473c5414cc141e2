"""What photos have of doodles: attributes of built-in people, and people who are mixed up."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.common.records import Method, Origin
from pipeline.evaluate.attributes.attribute_network import (
    ATTRIBUTES,
    CARD,
    RIGHT,
    WEIGHTS,
    asked,
    classify,
    read_card,
)
from pipeline.evaluate.attributes.doodled import doodled, indices_of
from pipeline.evaluate.likeness import attribute_lines, balanced_hits
from pipeline.report.translation_section import classifier_words
from synthetic_faces import render
from synthetic_faces.ranges import vector

ORIGIN = Origin("run", 0, "photo")
PEOPLE = 48


@pytest.fixture(scope="module")
def faces() -> list:
    return [render(0, f"held-out-{number}", 64) for number in range(PEOPLE)]


@pytest.fixture(scope="module")
def photos(faces) -> torch.Tensor:
    return torch.from_numpy(np.stack([face.photo for face in faces])).permute(0, 3, 1, 2)


@pytest.fixture(scope="module")
def truth(faces) -> dict[str, np.ndarray]:
    own = [indices_of(face.parameters) for face in faces]
    return {name: np.array([each[name] for each in own]) for name in ATTRIBUTES}


def test_the_mean_of_hits_is_the_balanced_accuracy():
    truth = np.array([0, 0, 0, 0, 0, 0, 1, 1, 2])
    predicted = np.array([0, 0, 0, 0, 0, 1, 1, 0, 2])
    hits = balanced_hits(truth, predicted).numpy()
    assert np.nanmean(hits) == pytest.approx((5 / 6 + 1 / 2) / 2)
    assert np.isnan(hits[8])  # one face alone shows the value
    assert np.isnan(balanced_hits(np.zeros(5, int), np.zeros(5, int)).numpy()).all()


def test_attributes_of_people_that_the_classifier_never_saw(photos, truth):
    predicted = classify(photos)
    for name, own in truth.items():
        assert (predicted[name].numpy() == own).mean() >= 0.85  # 48 people: 0.95 less two errors
    larger = torch.nn.functional.interpolate(photos.float(), scale_factor=2).to(torch.uint8)
    same = classify(larger)["glasses"] == predicted["glasses"]
    assert same.double().mean() > 0.95  # halving again softens a little


def test_the_card_states_the_accuracy_on_held_out_photos():
    card = json.loads(CARD.read_text())
    assert card["held_out"] >= 400
    assert set(card["accuracy"]) == set(ATTRIBUTES)
    assert asked() == [name for name in ATTRIBUTES if card["accuracy"][name] >= RIGHT]
    assert {"hair", "glasses"} <= {*asked()}
    assert WEIGHTS.stat().st_size < 1e6


@pytest.mark.parametrize(
    ("rate", "end"), [(0.97, "glasses 98.5 %, mouth 97.0 %."), (0.9, "is not asked: mouth 90.0 %.")]
)
def test_the_report_names_what_is_asked_and_what_is_not(rate: float, end: str):
    rates = {"hair": 0.975, "glasses": 0.985, "mouth": rate}
    words = classifier_words(read_card() | {"accuracy": rates}).replace("\N{NO-BREAK SPACE}", " ")
    assert words.endswith(end)


def test_true_photos_show_the_attributes_and_other_peoples_do_not(photos, truth):
    ids = [f"face-{number:02d}" for number in range(PEOPLE)]
    sets = {Method.SYSTEM: photos.roll(1, 0), Method.REAL: photos}
    table = {
        (line["metric"].iloc[0], line["method"].iloc[0]): line["value"].mean()
        for line in attribute_lines(ORIGIN, ids, truth, sets, seed=0)
    }
    for name, values in ATTRIBUTES.items():
        assert table[f"attribute_{name}", "real"] > 0.85
        for method in ("system", "other"):  # photos of others, in another order
            assert table[f"attribute_{name}", method] < 0.5 + 0.5 / len(values)


def test_attributes_follow_from_the_parameters_in_the_table(
    faces, truth, monkeypatch: pytest.MonkeyPatch
):
    rows = [
        {"id": str(n), "parameters": json.dumps(vector(f.parameters))} for n, f in enumerate(faces)
    ]
    rows.append({"id": "real", "parameters": None})
    monkeypatch.setattr("pipeline.evaluate.attributes.doodled.iter_rows", lambda *_: iter(rows))
    known = doodled(Path("faces"), {row["id"] for row in rows})
    assert len(known) == PEOPLE
    for number in range(PEOPLE):
        assert known[str(number)] == {name: own[number] for name, own in truth.items()}
