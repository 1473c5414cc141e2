"""A parser's run after its pack: trained, scored, reported and shipped."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from made_tables import IDS, SIZE, SPLITS, TEST, write_tables
from PIL import Image

from pipeline.check.check import check_parameters
from pipeline.common.evaluations import CONFUSION_FILE, read_evaluations, read_frame
from pipeline.common.parameters import Parameters
from pipeline.common.records import Kind
from pipeline.common.score_frames import per_face, pooled, resampled
from pipeline.compose import compose
from pipeline.evaluate.evaluate import evaluate
from pipeline.evaluate.evaluate_settings import EvaluateSettings
from pipeline.evaluate.label_maps import confusion_picture, label_protocol, predict
from pipeline.pack.pack import write_pack
from pipeline.report.write import write_report
from sketchface_models.config import load
from sketchface_models.confusion import confusion, parsing_scores
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import BEST_FILE, load_trained
from sketchface_models.pretrained.parsers import load_parser, read_card
from sketchface_models.ship import ship_parser
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.pack_reader import Pack
from sketchface_models.training.run import train

RUN = "parser"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables, pack, four steps of training and their scores."""
    folder = tmp_path_factory.mktemp("parsers")
    compose(["model=study-parser", "scale=smoke"], folder / "params.yaml")
    model = yaml.safe_load((folder / "params.yaml").read_text())["systems"][RUN]
    model["schedule"]["steps"] = 4
    data = write_tables(folder / "data", lacking={"parsing": [TEST[0]]})
    counts = {"offered": len(IDS), "accepted": len(IDS), "quarantined": 0}
    about = json.loads((data / "faces" / "dataset.json").read_text())
    (data / "faces" / "dataset.json").write_text(json.dumps(about | counts | {"shared": []}))
    write_pack(RUN, load(Task, model["task"]), data, data / "pack" / RUN)
    engine = {"device": "cpu", "precision": "32-true", "best": "val_ssim"}
    engine |= {"validate_every": 2, "checkpoint_every": 100}
    config = {"run": RUN, "seed": 0, "model": model, "engine": engine}
    trained = data / "train" / RUN / "0"
    train(config, data / "pack" / RUN, trained, folder / "store")
    scored = data / "evaluate" / RUN / "0"
    settings = EvaluateSettings(samples=3, seed=0)
    baselines = data / "baselines" / RUN
    evaluate(data, data / "pack" / RUN, trained / "weights", baselines, scored, settings)
    return data


def test_scores_are_those_of_one_matrix_over_all_test_faces(data: Path) -> None:
    [evaluation] = read_evaluations(data, RUN, 0)
    summary = evaluation.summary
    assert summary.kind is Kind.LABELS
    assert (summary.n, summary.size) == (SPLITS["test"] - 1, SIZE)
    assert [face.id for face in summary.missing] == [TEST[0]]
    pack = Pack(data / "pack" / RUN)
    system, card = load_trained(data / "train" / RUN / "0" / "weights", file=BEST_FILE)
    rows, cpu = pack.rows("test"), torch.device("cpu")
    predicted, truth = predict(system, pack, rows, cpu, "parsing", "parsing")
    assert torch.equal(truth, torch.from_numpy(pack.arrays["parsing"][pack.rows("test"), 0]).long())
    scores = parsing_scores(confusion(truth, predicted))
    for name, value in scores.summary().items():
        assert pooled([evaluation], name)[0] == pytest.approx(value)
        assert summary.means["system"][name]["mean"] == pytest.approx(value)
    matrices = read_frame(evaluation.folder / CONFUSION_FILE, "evaluate")["matrix"]
    total = torch.tensor(np.stack(matrices).sum(axis=0)).view(19, 19)
    assert torch.equal(total, confusion(truth, predicted))
    ids = [pack.ids[row] for row in rows]
    protocol = label_protocol("made", "parsing", ids, truth, ["photo"])
    assert (summary.protocol, summary.inputs) == (protocol.tag, ("photo",))
    assert summary.classes == tuple(scores.table())
    assert summary.validation == card["best"]
    assert card["best"]["measure"] == "val_f1"
    accuracies = per_face([evaluation], "face_accuracy").loc[0]
    assert list(accuracies.index) == [pack.ids[row] for row in pack.rows("test")]
    for position in range(len(truth)):
        expected = (predicted[position] == truth[position]).float().mean()
        assert accuracies.iloc[position] == pytest.approx(float(expected))


def test_the_protocol_is_that_of_these_labels_and_inputs() -> None:
    """Its tag changes with a single pixel and with what the system reads; not with the order."""
    truth = torch.randint(0, 19, (3, SIZE, SIZE), generator=torch.Generator().manual_seed(0))
    ids, inputs = ["a", "b", "c"], ["photo"]
    own = label_protocol("made", "parsing", ids, truth, inputs)
    assert own.tag == label_protocol("made", "parsing", ids[::-1], truth.flip(0), inputs).tag
    pixel = truth.clone()
    pixel[1, 5, 7] = (pixel[1, 5, 7] + 1) % 19
    others = [
        label_protocol("made", "parsing", ids, pixel, inputs),
        label_protocol("made", "parsing", ["a", "b", "d"], truth, inputs),
        label_protocol("made", "parsing", ids[:2], truth[:2], inputs),
        label_protocol("made", "parsing", ids, truth[:, ::2, ::2], inputs),
        label_protocol("made", "parsing", ids, truth, ["sketch"]),
    ]
    tags = [own.tag, *(each.tag for each in others)]
    assert len(set(tags)) == len(tags)
    assert others[-1].tag_any_inputs == own.tag_any_inputs
    assert all(each.tag_any_inputs != own.tag_any_inputs for each in others[:-1])


def test_pooled_scores_vary_with_the_faces_that_are_resampled(data: Path) -> None:
    [evaluation] = read_evaluations(data, RUN, 0)
    draws = resampled([evaluation], "mean_iou").loc[0]
    assert draws.std() > 0
    low, high = draws.quantile([0.01, 0.99])
    assert low <= pooled([evaluation], "mean_iou")[0] <= high


def test_pictures_are_drawn(data: Path) -> None:
    folder = data / "evaluate" / RUN / "0" / "parsing"
    assert Image.open(folder / "samples.png").width > 6 * SIZE
    matrix = torch.eye(19, dtype=torch.int64) * 9 + 1
    picture = confusion_picture(matrix)
    assert picture == confusion_picture(matrix)
    assert picture != confusion_picture(matrix.flip(0))
    assert np.asarray(Image.open(folder / "confusion.png")).std() > 5


def test_the_report_shows_label_maps_like_any_output(data: Path, tmp_path: Path) -> None:
    write_report([RUN], [0], data, tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert text.startswith("# SketchFace report\n\n1 run from 1 seed on the data set made")
    assert f"## Run `{RUN}`" in text
    summary = json.loads((data / "evaluate" / RUN / "0" / "parsing" / "summary.json").read_text())
    accuracy = summary["means"]["system"]["accuracy"]
    ends = " [{low:.3f}, {high:.3f}]".format(**accuracy)
    assert f"| **{RUN}**, 1 seed | {accuracy['mean']:.3f}{ends} |" in text
    for row in summary["classes"]:
        assert f"| {row['class']} | " in text
    page = (tmp_path / "index.html").read_text()
    assert page.count("<img") == 3
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics[RUN]["mean_f1"] == round(summary["means"]["system"]["mean_f1"]["mean"], 4)
    rows = list(csv.DictReader((tmp_path / "scores.csv").open()))
    assert {row["metric"] for row in rows} >= {"accuracy", "mean_f1", "mean_iou"}
    terms = {row["term"] for row in csv.DictReader((tmp_path / "curves.csv").open())}
    assert {"cross_entropy", "dice", "val_f1"} <= terms


def test_a_run_ships_with_a_card_of_its_scores(data: Path, tmp_path: Path) -> None:
    weights = data / "train" / RUN / "0" / "weights"
    summary = data / "evaluate" / RUN / "0" / "parsing" / "summary.json"
    ship_parser("small", weights, summary, SPLITS, tmp_path)
    assert "# Parser `small`" in (tmp_path / "small.md").read_text()
    card = read_card("small", tmp_path)
    scores = json.loads(summary.read_text())
    assert card["scores"]["test"]["mean_f1"] == scores["means"]["system"]["mean_f1"]["mean"]
    assert card["scores"]["validation"]["measure"] == "val_f1"
    assert card["data"]["faces"] == SPLITS
    assert "made" in card["terms"]
    shipped = load_parser("small", folder=tmp_path)
    system, _ = load_trained(weights, file=BEST_FILE)
    photo = torch.rand(1, 3, SIZE, SIZE)
    with torch.no_grad():
        expected = system.networks["parser"](photo)
        torch.testing.assert_close(shipped(photo), expected, atol=0.05, rtol=0.05)
    with pytest.raises(SketchFaceError, match="do not fit the network"):
        ship_parser("judge", weights, summary, SPLITS, tmp_path)
    with pytest.raises(SketchFaceError, match="not the scores of a parser run"):
        ship_parser("small", weights, weights / "model.json", SPLITS, tmp_path)


@pytest.mark.parametrize("scale", ["smoke", "quick", "cpu", "gpu", "paper"])
def test_the_study_composes_and_is_valid(tmp_path: Path, scale: str) -> None:
    compose(["data=celebamask", "model=study-parser", f"scale={scale}"], tmp_path / "params.yaml")
    offered = check_parameters(Parameters.from_file(tmp_path / "params.yaml"))
    assert offered == ["labels", "photo"]


def test_a_parser_needs_faces_with_labels_of_their_own(tmp_path: Path) -> None:
    overrides = ["data=folder", f"data.root={tmp_path}", "data.sketches=''", "model=study-parser"]
    compose(overrides, tmp_path / "params.yaml")
    with pytest.raises(SketchFaceError, match="parser needs labels"):
        check_parameters(Parameters.from_file(tmp_path / "params.yaml"))
