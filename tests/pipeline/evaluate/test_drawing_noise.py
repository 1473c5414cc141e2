"""Noise of sketches before and after its removal, and how much they differ from face to face."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from made_packs import make_config
from made_tables import SIZE, TEST, pictures_of, write_tables

from pipeline.baselines.baselines import write_baselines
from pipeline.common.evaluations import Evaluation, read_evaluation
from pipeline.common.records import Method
from pipeline.common.score_frames import per_face
from pipeline.evaluate.drawing_noise import COLOUR, EDGE_INK, PAPER_NOISE, VARIETY, noise, variety
from pipeline.evaluate.evaluate import evaluate_system
from pipeline.evaluate.evaluate_settings import EvaluateSettings
from pipeline.pack.pack import write_pack
from sketchface_models.noise_removal import border
from sketchface_models.systems.registry import build
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.pack_reader import Pack

PAPER = 250


def blank(channels: int = 1, count: int = 1) -> torch.Tensor:
    return torch.full((count, channels, 64, 64), PAPER, dtype=torch.uint8)


def test_clean_paper_has_no_noise():
    assert {name: value.item() for name, value in noise(blank(), blank())} == {
        EDGE_INK: 0.0,
        PAPER_NOISE: 0.0,
        COLOUR: 0.0,
    }


def test_ink_counts_at_the_border_away_from_the_targets_strokes():
    targets, generated = blank(), blank()
    targets[:, :, :, :2] = 0  # a stroke down the left border
    generated[:, :, :, 2] = 0  # beside it: near enough
    assert dict(noise(generated, targets))[EDGE_INK].item() == 0.0
    generated[:, :, 30:34, 30:34] = 0  # not at the border
    assert dict(noise(generated, targets))[EDGE_INK].item() == 0.0
    generated[:, :, 10, 63] = PAPER - 51
    area = border(64)[:, 4:].sum().item()  # two pixels of stroke, and two of its reach
    assert dict(noise(generated, targets))[EDGE_INK].item() == pytest.approx(100 * 0.2 / area)
    generated[:, :, 11, 63] = 255  # lighter than the paper is no ink
    assert dict(noise(generated, targets))[EDGE_INK].item() == pytest.approx(100 * 0.2 / area)


def test_noise_is_what_changes_from_pixel_to_pixel_on_blank_paper():
    targets, generated = blank(), blank()
    targets[:, :, 32:] = 0
    generated[:, :, 40:] = torch.randint(0, 256, (24, 64), dtype=torch.uint8)  # under strokes
    assert dict(noise(generated, targets))[PAPER_NOISE].item() == 0.0
    generated[:, :, 10, 20] = PAPER - 90
    # The pixel differs from the mean of its 3 x 3 by 80, its eight neighbours by 10 each.
    pixels = (32 - 2) * 64
    expected = 100 * np.sqrt((80**2 + 8 * 10**2) / pixels) / 255
    assert dict(noise(generated, targets))[PAPER_NOISE].item() == pytest.approx(expected)


def test_colour_is_the_distance_between_channels():
    generated = blank(3)
    generated[0, 0, :32] = PAPER - 51
    assert dict(noise(generated, blank()))[COLOUR].item() == pytest.approx(100 * 0.1)
    assert dict(noise(blank(3), blank()))[COLOUR].item() == 0.0


def test_no_blank_paper_no_value():
    targets = blank()
    targets[:, :, ::3, ::3] = 0
    values = dict(noise(blank(), targets))
    assert values[EDGE_INK].isnan().all()
    assert values[PAPER_NOISE].isnan().all()


def test_variety_is_nothing_where_one_face_is_given_for_all():
    inputs = pictures_of(TEST, "lines")
    pairs = len(TEST) // 2
    assert variety(blank(1, len(TEST)), torch.from_numpy(inputs)).tolist() == [0.0] * pairs
    own = variety(torch.from_numpy(inputs), torch.from_numpy(inputs))
    assert own.tolist() == pytest.approx([1.0] * pairs)
    levels = torch.tensor([0, 180, 40, 20, 99], dtype=torch.uint8)  # the last has no partner
    half = levels[:, None, None, None].expand(-1, 1, 8, 8)
    double = (2 * half.long()).clamp(max=255).to(torch.uint8)
    assert variety(half, double).tolist() == pytest.approx([40 / 80, 160 / 215])
    assert variety(half, torch.zeros_like(half)).isnan().all()


def evaluated(folder: Path, **changes: object) -> Evaluation:
    """A small untrained pix2pix, from lines, scored on the made faces."""
    data = write_tables(folder / "data")
    task = Task(("lines",), "sketch", SIZE, sees_target=True)
    write_pack("rough", task, data, folder / "pack")
    pack = Pack(folder / "pack")
    model = make_config()["model"] | {"task": dataclasses.asdict(task)} | changes
    torch.manual_seed(0)
    system = build(model, pack.channels)
    system.networks.eval()
    card = {"run": "rough", "seed": 0, "model": model, "channels": pack.channels}
    write_baselines(data, folder / "pack", folder / "baselines", 0)
    settings = EvaluateSettings(samples=2, seed=0)
    places = (folder / "baselines", folder / "out")
    evaluate_system(system, card, data, pack, *places, settings, torch.device("cpu"))
    return read_evaluation(folder / "out" / "sketch", "evaluate@rough-0")


def mean(evaluation: Evaluation, metric: str) -> float:
    return float(per_face([evaluation], metric, Method.SYSTEM).to_numpy().mean())


def test_what_was_taken_off_stands_beside_what_is_left(tmp_path: Path):
    evaluation = evaluated(tmp_path, greyscale=True, edge_shadows=True)
    names = {measure.name for measure in evaluation.summary.measures if measure.control}
    assert {COLOUR, VARIETY} <= names
    assert mean(evaluation, COLOUR) == 0.0
    assert mean(evaluation, f"before_{COLOUR}") > 1.0
    assert evaluation.summary.protocol_details["metrics"]["drawings"]["input"] == "lines"
    assert not evaluation.scores["metric"].str.startswith("mapped_").any()


def test_colourful_noise_comes_from_values_that_wrap_round(tmp_path: Path):
    """One network, its values written as the authors write them and mapped as they are meant."""
    evaluation = evaluated(tmp_path, greyscale=True, wrap_around=True)
    wrapped, mapped = (mean(evaluation, f"{way}_{COLOUR}") for way in ("before", "mapped"))
    assert wrapped > 2 * mapped > 0


def test_nothing_taken_off_nothing_beside(tmp_path: Path):
    evaluation = evaluated(tmp_path, greyscale=False)
    assert not evaluation.scores["metric"].str.startswith(("before_", "mapped_")).any()
    assert mean(evaluation, COLOUR) > 1.0
