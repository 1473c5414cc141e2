"""What photos have of doodles: attributes of built-in people, and people who are mixed up."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score

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
from pipeline.evaluate.likeness import attribute_scores, balanced_accuracy
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


def test_balanced_accuracy_is_scikit_learns():
    generator = np.random.default_rng(0)
    truth, predicted = generator.integers(3, size=(2, 40, 60))
    expected = [balanced_accuracy_score(*pair) for pair in zip(truth, predicted, strict=True)]
    values = balanced_accuracy(truth, predicted, np.arange(3))
    np.testing.assert_allclose(values, expected)
    assert np.isnan(balanced_accuracy(truth, predicted, np.arange(4))).all()


def test_intervals_of_attributes_leave_out_how_many_faces_show_a_value():
    one_in_five = (torch.arange(PEOPLE) % 5 == 0).long()
    labels = {"same": one_in_five, "one": torch.ones(PEOPLE, dtype=torch.long)}
    truth = {name: one_in_five.numpy() for name in labels}
    truth["rare"] = (np.arange(PEOPLE) == 7).astype(int)  # one face alone shows a value
    scores = dict(attribute_scores(ORIGIN, truth, {Method.SYSTEM: labels}, seed=0))
    assert set(scores) == set(labels)
    for name, value in {"same": 1.0, "one": 0.5}.items():
        own = scores[name][0]
        assert own.scores is not None
        assert own.resampled is not None
        assert own.scores["value"].tolist() == [value]
        draws = own.resampled["value"].dropna()
        assert len(draws) > 100
        assert (draws == value).all()


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
    ("rate", "words"),
    [
        (0.97, "glasses 98.5 % (97.5 % balanced), mouth 97.0 % (96.0 % balanced). *Balanced*"),
        (0.9, "is not asked: mouth 90.0 % (89.0 % balanced)."),
    ],
)
def test_the_report_names_what_is_asked_and_what_is_not(rate: float, words: str):
    rates = {"hair": 0.975, "glasses": 0.985, "mouth": rate}
    balanced = {name: each - 0.01 for name, each in rates.items()}
    card = read_card() | {"accuracy": rates, "balanced_accuracy": balanced}
    assert words in classifier_words(card).replace("\N{NO-BREAK SPACE}", " ")


def test_true_photos_show_the_attributes_and_other_peoples_do_not(photos, truth):
    labels = {Method.SYSTEM: classify(photos.roll(1, 0)), Method.REAL: classify(photos)}
    table = {
        (name, each.scores["method"].iloc[0]): each.scores["value"].iloc[0]
        for name, of_methods in attribute_scores(ORIGIN, truth, labels, seed=0)
        for each in of_methods
    }
    for name, values in ATTRIBUTES.items():
        assert table[name, "real"] > 0.85
        for method in ("system", "other"):  # photos of others, in another order
            assert table[name, method] < 0.5 + 0.5 / len(values)


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
