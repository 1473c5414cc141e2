"""Both parsers: layers, moves, losses, a training through the engine, shipping, what uses them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from made_packs import SIZE, make_config
from made_packs import write_pack as write_discs

from sketchface_models.augmentation.photos import (
    IGNORED,
    Distort,
    cut,
    distort,
    move,
    recolour,
)
from sketchface_models.config import load
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import BEST_FILE, load_trained
from sketchface_models.labels import CLASSES, INDEX, MIRRORED, as_labels
from sketchface_models.losses.perceptual import PIXELS, ParserLoss
from sketchface_models.losses.segmentation import PERCENT, balanced_weights, parsing_losses
from sketchface_models.metrics.frechet import frechet_distance, statistics_of
from sketchface_models.metrics.judge import FEATURES, Judge
from sketchface_models.networks.small_parser import LAYERS, WIDTHS, SmallParser
from sketchface_models.networks.unet_parser import UNetParser
from sketchface_models.pretrained.parsers import (
    BATCH,
    PARSER_FOLDER,
    PARSER_NETWORKS,
    FaceParser,
    argmax_labels,
    load_parser,
    read_card,
    write_parser,
)
from sketchface_models.pretrained.store import half
from sketchface_models.systems.base import Clock
from sketchface_models.systems.parser import Parser, ParserSettings
from sketchface_models.systems.run_settings import Augment
from sketchface_models.training.feed import Feed
from sketchface_models.training.pack_reader import Pack, normalise
from sketchface_models.training.run import train

STILL = {"zoom_out": 1.0, "zoom_in": 1.0, "rotation": 0.0, "shift": 0.0}
PLAIN = {"light": 0.0, "grey": 0.0, "blur": 0.0, "noise": 0.0, "cut": 0.0}
WILD = {
    "zoom_out": 1.75,
    "zoom_in": 1.4,
    "rotation": 25.0,
    "shift": 0.08,
    "light": 0.35,
    "grey": 0.3,
    "blur": 0.5,
    "noise": 0.08,
    "cut": 0.5,
}


def parser_model(network: str = "small", **schedule: object) -> dict[str, Any]:
    return {
        "system": "parser",
        "task": {"inputs": ["photo"], "target": "parsing", "size": SIZE},
        "network": network,
        "loss": {"balance": 0.25, "dice": 0.5},
        "augment": {"flip": True, "jitter": 0.0},
        "distort": dict(WILD),
        "coarse": {"until": 0.5, "factor": 2},
        "schedule": {
            "steps": 8,
            "batch": 4,
            "lr": 3e-3,
            "weight_decay": 0.01,
            "warm_up": 2,
            "decay_from": 0.5,
            "ema_half_life": 8.0,
        }
        | schedule,
    }


def write_pack(folder: Path) -> Path:
    """The discs of the other tests, skin on background, with one eye each to know left by."""
    write_discs(folder)
    about = json.loads((folder / "pack.json").read_text())
    sketch = np.load(folder / "sketch.npy")
    parsing = np.where(sketch < 128, INDEX["skin"], INDEX["background"]).astype(np.uint8)
    parsing[:, :, 30:34, 40:44] = INDEX["l_eye"]
    np.save(folder / "parsing.npy", parsing)
    (folder / "sketch.npy").unlink()
    about |= {"fields": {"photo": 3, "parsing": 1}, "target": "parsing"}
    (folder / "pack.json").write_text(json.dumps(about))
    return folder


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """Freshly initialised networks, shipped into a folder of their own."""
    for name, cls in PARSER_NETWORKS.items():
        torch.manual_seed(3)
        write_parser(name, cls().state_dict(), {"name": name}, tmp_path / "parsers")
    return tmp_path / "parsers"


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


# Networks


def test_the_judge_has_exactly_the_published_weights():
    assert parameters(UNetParser()) == 1_944_355
    stages = {
        "down": [
            *(448 + 2_320 + 64, 4_640 + 9_248 + 128, 18_496 + 36_928 + 256),
            *(73_856 + 147_584 + 512, 295_168 + 590_080 + 1_024),
        ],
        "up": [
            *(295_040 + 147_584 + 512, 73_792 + 36_928 + 256),
            *(18_464 + 9_248 + 128, 4_624 + 2_320 + 64),
        ],
    }
    network = UNetParser()
    assert [parameters(stage) for stage in network.down] == stages["down"]
    assert [parameters(stage) for stage in network.up] == stages["up"]
    assert [parameters(grow) for grow in network.grow] == [131_200, 32_832, 8_224, 2_064]
    assert parameters(network.last) == 323


def test_the_judge_joins_the_skip_first_and_what_was_doubled_second():
    network = UNetParser().eval()
    seen = []
    network.up[0].register_forward_hook(lambda module, inputs, out: seen.append(inputs[0]))
    photo = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        network(photo)
        skip = network.features(photo)["stage4"]
    assert seen[0].shape == (1, 256, 8, 8)
    torch.testing.assert_close(seen[0][:, :128], skip)


def test_the_small_parser_is_small():
    assert parameters(SmallParser()) <= 3_000_000


@pytest.mark.parametrize("cls", [SmallParser, UNetParser])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 96)])
def test_logits_have_the_size_of_the_photo(cls: type, height: int, width: int):
    network = cls().eval()
    with torch.no_grad():
        assert network(torch.zeros(2, 3, height, width)).shape == (2, 19, height, width)


def test_every_weight_of_the_small_parser_learns():
    network = SmallParser()
    F.cross_entropy(network(torch.randn(2, 3, 64, 64)), torch.randint(19, (2, 64, 64))).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_layers_are_named_and_are_what_the_forward_pass_uses():
    network = SmallParser().eval()
    photo = torch.randn(1, 3, 64, 64)
    seen: list[torch.Tensor] = []
    for stage in network.encoder:
        stage.register_forward_hook(lambda module, inputs, out: seen.append(out))
    with torch.no_grad():
        network(photo)
        output = network.features(photo)
    assert tuple(output) == LAYERS
    for level, (name, width) in enumerate(zip(LAYERS, WIDTHS, strict=True)):
        side = 64 >> (level + 1)
        assert output[name].shape == (1, width, side, side)
        torch.testing.assert_close(output[name], seen[level])


# Moves


def photo_of(labels: torch.Tensor) -> torch.Tensor:
    """Photos whose colour says the class."""
    return (labels.float() / 9 - 1)[:, None].repeat(1, 3, 1, 1)


def quarters(count: int = 4) -> torch.Tensor:
    labels = torch.zeros(count, 64, 64, dtype=torch.long)
    labels[:, :32, 32:], labels[:, 32:, :32], labels[:, 32:, 32:] = 3, 6, 9
    return labels


def test_without_distortion_nothing_changes():
    labels = quarters()
    photo, output = distort(photo_of(labels), labels, Distort(**STILL, **PLAIN), 64)
    assert torch.equal(output, labels)
    torch.testing.assert_close(photo, photo_of(labels), atol=1e-5, rtol=0)


def test_at_half_the_side_pixels_are_averaged_and_labels_picked():
    labels = quarters()
    grain = photo_of(labels) + 0.1 * (torch.arange(64) % 2 * 2 - 1)
    photo, output = distort(grain, labels, Distort(**STILL, **PLAIN), 32)
    assert torch.equal(output, labels[:, ::2, ::2])
    torch.testing.assert_close(photo, photo_of(labels[:, ::2, ::2]), atol=1e-5, rtol=0)


def test_photo_and_labels_move_together():
    labels = quarters(32)
    torch.manual_seed(0)
    photo, output = move(photo_of(labels), labels, Distort(**{**WILD, **PLAIN}), 64)
    assert len({tuple(each.flatten().tolist()) for each in output}) == 32
    inside = output != IGNORED
    # Between two classes the photo is blended; anywhere else its colour says the class.
    agree = (photo[:, 0] - (output.float() / 9 - 1)).abs() < 0.02
    assert agree[inside].float().mean() > 0.9
    assert 0.03 < (~inside).float().mean() < 0.5
    # Faces are turned and zoomed about the centre by no more than was allowed.
    assert inside[:, 28:36, 28:36].all()


def test_draws_are_a_function_of_the_generator_alone():
    labels = quarters()
    results = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        results.append(distort(photo_of(labels), labels, Distort(**WILD), 32))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])
    assert not torch.equal(results[0][0], results[2][0])


def test_recoloured_photos_stay_in_range_and_differ():
    torch.manual_seed(0)
    photo = torch.rand(64, 3, 32, 32) * 2 - 1
    output = recolour(photo, Distort(**WILD))
    assert output.shape == photo.shape
    assert -1 <= output.min() < -0.99
    assert 0.99 < output.max() <= 1
    quiet = recolour(photo, Distort(**{**WILD, "grey": 1.0, "noise": 0.0}))
    assert (quiet[:, 0] - quiet[:, 1]).abs().max() < 1e-6
    colour = recolour(photo, Distort(**{**WILD, "grey": 0.0, "noise": 0.0}))
    assert ((colour[:, 0] - colour[:, 1]).flatten(1).abs().amax(dim=1) > 0.1).all()


def test_what_is_cut_out_is_not_learned_from():
    labels = quarters(64)
    photo = photo_of(labels)
    torch.manual_seed(1)
    output, left = cut(photo, labels, Distort(**{**WILD, "cut": 0.5}))
    hidden = left == IGNORED
    part = hidden.flatten(1).any(dim=1).float().mean()
    assert 0.25 < part < 0.75
    assert hidden.flatten(1).float().mean(dim=1).max() <= 1 / 9 + 0.02
    same = (output == photo).all(dim=1)
    assert same[~hidden].all()


def test_mirrored_labels_change_sides(tmp_path: Path):
    pack = Pack(write_pack(tmp_path / "pack"))
    feed = Feed(pack, 8, Augment(flip=True, jitter=0.0), seed=0)
    stored = pack.read(feed.rows(0))
    raw = feed.raw(0)
    swap = torch.tensor(MIRRORED, dtype=torch.uint8)
    mirrored = 0
    for photo, labels, own, truth in zip(
        raw["photo"], raw["parsing"], stored["photo"], stored["parsing"], strict=True
    ):
        if torch.equal(photo, own):
            assert torch.equal(labels, truth)
        else:
            mirrored += 1
            assert torch.equal(photo, own.flip(-1))
            assert torch.equal(labels, swap[truth.long()].flip(-1))
    assert 0 < mirrored < 8


# Losses


def test_losses_are_those_of_the_definitions():
    torch.manual_seed(0)
    logits = torch.randn(2, 19, 6, 5, dtype=torch.float64)
    labels = torch.randint(0, 12, (2, 6, 5))
    labels[0, :2] = IGNORED
    weights = torch.rand(19) + 0.5
    entropy, dice = parsing_losses(logits, labels, weights)
    expected = F.cross_entropy(logits.float(), labels, weights, ignore_index=IGNORED)
    torch.testing.assert_close(entropy, expected)
    probability = logits.softmax(dim=1).permute(0, 2, 3, 1)[labels != IGNORED]
    truth = labels[labels != IGNORED]
    scores = []
    for label in range(19):
        own = (truth == label).double()
        if own.sum():
            both = 2 * (probability[:, label] * own).sum()
            scores.append(both / (probability[:, label].sum() + own.sum()))
    assert float(dice) == pytest.approx(1 - float(torch.stack(scores).mean()), abs=1e-6)


def test_losses_of_nothing_are_zero_and_have_no_nan_gradients():
    logits = torch.zeros(1, 19, 4, 4, requires_grad=True)
    entropy, dice = parsing_losses(logits, torch.full((1, 4, 4), IGNORED), torch.ones(19))
    assert (entropy.item(), dice.item()) == (0.0, 0.0)
    (entropy + dice).backward()
    assert logits.grad is not None
    assert not logits.grad.any()


def test_losses_vanish_where_the_logits_are_sure_and_right():
    labels = torch.arange(19).reshape(1, 1, 19)
    logits = F.one_hot(labels, 19).permute(0, 3, 1, 2) * 60.0
    entropy, dice = parsing_losses(logits, labels, balanced_weights(0.5))
    assert float(entropy) < 1e-6
    assert float(dice) < 1e-6


def test_class_weights_keep_the_scale_of_the_loss():
    share = torch.tensor(PERCENT) / sum(PERCENT)
    assert torch.equal(balanced_weights(0.0), torch.ones(19))
    for balance in (0.25, 0.5, 1.0):
        weights = balanced_weights(balance)
        assert float((weights * share).sum()) == pytest.approx(1.0, rel=1e-5)
        ratio = float(weights[INDEX["nose"]] / weights[INDEX["hair"]])
        assert ratio == pytest.approx((31.02 / 2.07) ** balance, rel=1e-5)


# The system


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("size", 80, r"task\.size: 80; allowed: a multiple of 16 x coarse\.factor, 32"),
        ("inputs", ["sketch"], r"task\.inputs: \['sketch'\]; allowed: \[photo\]"),
        ("target", "sketch", r"task\.target: 'sketch'; allowed: parsing"),
    ],
)
def test_tasks_that_are_not_parsing_are_refused(key: str, value: object, message: str):
    model = parser_model()
    model["task"][key] = value
    with pytest.raises(SketchFaceError, match=message):
        load(ParserSettings, model)


def test_the_rate_rises_stays_and_falls_to_zero():
    settings = load(ParserSettings, parser_model(steps=100, warm_up=10, decay_from=0.5))
    system = Parser(settings, {"photo": 3, "parsing": 1})
    rates = [system.rate("parser", Clock(step, 100, 0)) for step in range(100)]
    np.testing.assert_allclose(rates[:10], np.arange(1, 11) / 10)
    np.testing.assert_allclose(rates[10:51], 1.0)
    np.testing.assert_allclose(rates[51:], np.arange(49, 0, -1) / 50, atol=1e-12)


def test_early_steps_are_taken_at_a_fraction_of_the_side():
    system = Parser(load(ParserSettings, parser_model()), {"photo": 3, "parsing": 1})
    sides = []
    system.networks["parser"].register_forward_hook(lambda m, inputs, out: sides.append(out.shape))
    batch = {
        "photo": torch.zeros(2, 3, SIZE, SIZE),
        "parsing": torch.full((2, 1, SIZE, SIZE), -1.0),
    }
    for step in (0, 3, 4, 7):
        system.training_step(batch, Clock(step, 8, 0), lambda name, loss: loss.detach())
    assert [shape[-1] for shape in sides] == [SIZE // 2, SIZE // 2, SIZE, SIZE]


def test_drawn_labels_come_back_as_labels():
    system = Parser(load(ParserSettings, parser_model()), {"photo": 3, "parsing": 1})
    system.networks.eval()
    batch = {"photo": torch.randn(2, 3, SIZE, SIZE)}
    with torch.no_grad():
        generated = system.generate(batch)
        logits = system.networks["parser"](batch["photo"])
    assert generated.shape == (2, 1, SIZE, SIZE)
    assert torch.equal(as_labels(generated), logits.argmax(dim=1))
    stored = torch.arange(19, dtype=torch.uint8).reshape(1, 1, 1, 19)
    back = normalise({"parsing": stored}, torch.device("cpu"))["parsing"]
    assert torch.equal(as_labels(back), stored[:, 0].long())


@pytest.mark.parametrize("network", ["small", "unet"])
def test_a_run_through_the_engine_keeps_the_best_by_mean_f1(tmp_path: Path, network: str):
    config = make_config(run="parser") | {"model": parser_model(network)}
    config["engine"] |= {"best": "val_ssim", "validate_every": 4}
    shown: list[Path] = []
    train(
        config, write_pack(tmp_path / "pack"), tmp_path / "out", tmp_path / "store",
        sheet_observers=(lambda step, path: shown.append(path),),
    )  # fmt: skip
    lines = (tmp_path / "out/logs/steps.jsonl").read_text().splitlines()
    steps = [json.loads(line) for line in lines]
    assert all(step["dice"] <= 1 for step in steps)
    watched = {step["step"] + 1: step["val_f1"] for step in steps if "val_f1" in step}
    assert set(watched) == {4, 8}
    assert all("val_ssim" not in step for step in steps)
    system, card = load_trained(tmp_path / "out/weights", file=BEST_FILE)
    assert card["best"]["measure"] == "val_f1"
    assert card["best"]["value"] == pytest.approx(max(watched.values()))
    assert isinstance(system, Parser)
    assert shown


def test_it_learns_what_skin_is(tmp_path: Path):
    model = parser_model(steps=30, lr=5e-3, ema_half_life=0.0)
    model["distort"] = {**STILL, **PLAIN, "zoom_out": 1.2}
    model["coarse"]["until"] = 0.0
    config = make_config(run="parser") | {"model": model}
    config["engine"]["validate_every"] = 30
    train(config, write_pack(tmp_path / "pack"), tmp_path / "out", tmp_path / "store")
    lines = (tmp_path / "out/logs/steps.jsonl").read_text().splitlines()
    losses = [json.loads(line)["cross_entropy"] for line in lines]
    assert np.mean(losses[-5:]) < 0.4 * losses[0]


# Shipping


def test_shipped_weights_are_half_and_come_back_whole(shipped: Path):
    for name, cls in PARSER_NETWORKS.items():
        torch.manual_seed(3)
        original = cls().state_dict()
        network = load_parser(name, folder=shipped)
        assert not network.training
        assert not any(p.requires_grad for p in network.parameters())
        for key, tensor in network.state_dict().items():
            assert tensor.dtype == original[key].dtype
            assert torch.equal(tensor, half(original[key]).to(tensor.dtype)), key
        size = (shipped / f"{name}.safetensors").stat().st_size
        assert size == read_card(name, shipped)["bytes"] <= 6 * 2**20
        assert size < 2.1 * parameters(network) + 60_000


def test_weights_that_are_missing_or_foreign_are_refused_in_one_line(shipped: Path, tmp_path: Path):
    def refusal(name: str = "small", folder: Path = shipped) -> str:
        with pytest.raises(SketchFaceError) as caught:
            load_parser(name, folder=folder)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "'large'; allowed: one of small, judge" in refusal("large")
    path = shipped / "small.safetensors"
    nowhere = refusal(folder=tmp_path / "nowhere")
    assert "small.safetensors: No such file" in nowhere
    assert "model=study-parser" in nowhere
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    assert "not the file that small.json describes" in refusal()
    path.write_bytes((shipped / "judge.safetensors").read_bytes())
    assert "not the file that small.json describes" in refusal()
    (shipped / "small.json").write_bytes((shipped / "judge.json").read_bytes())
    assert "weights do not fit the network" in refusal()
    path.write_bytes(whole)
    (shipped / "small.json").write_text("{")
    assert "small.json: damaged" in refusal()
    (shipped / "small.json").unlink()
    assert "small.json: No such file" in refusal()


def test_weights_beyond_half_precision_do_not_ship(tmp_path: Path):
    weights = SmallParser().state_dict()
    weights["last.weight"][0] = 1e6
    with pytest.raises(SketchFaceError, match=r"last\.weight does not fit into 16 bits"):
        write_parser("small", weights, {}, tmp_path)
    with pytest.raises(SketchFaceError, match="do not fit the network"):
        write_parser("judge", SmallParser().state_dict(), {}, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", PARSER_NETWORKS)
def test_the_packages_own_weights_load_and_say_where_they_come_from(name: str):
    card = read_card(name)
    network = load_parser(name)
    assert card["parameters"] == parameters(network)
    assert (PARSER_FOLDER / f"{name}.safetensors").stat().st_size <= 6_000_000
    assert {"data", "terms", "scores", "sha256"} <= card.keys()
    assert [row["class"] for row in card["scores"]["test"]["classes"]] == [
        name for name in CLASSES if name in {r["class"] for r in card["scores"]["test"]["classes"]}
    ]
    assert 0.85 < card["scores"]["test"]["accuracy"] < 1


# What uses them


def test_the_perceptual_loss_sees_and_teaches(shipped: Path):
    loss = ParserLoss(folder=shipped)
    picture = torch.rand(2, 3, 64, 64) * 2 - 1
    assert float(loss(picture, picture)) == 0
    other = (torch.rand(2, 3, 64, 64) * 2 - 1).requires_grad_()
    output = loss(other, picture)
    output.backward()
    assert output > 0
    assert other.grad is not None
    assert (other.grad.flatten(1).abs().sum(dim=1) > 0).all()
    assert all(p.grad is None for p in loss.parser.parameters())
    grey = torch.rand(2, 1, 64, 64)
    assert float(loss(grey, grey.expand(-1, 3, -1, -1))) == 0


def test_the_perceptual_loss_stays_in_eval_mode(shipped: Path):
    owner = torch.nn.ModuleDict({"loss": ParserLoss(folder=shipped, shift=0)})
    before = {key: t.clone() for key, t in owner.state_dict().items()}
    owner.train()
    assert not any(module.training for module in owner["loss"].modules())
    pictures = torch.rand(4, 3, 64, 64)
    whole = owner["loss"](pictures, pictures.flip(0))
    parts = [owner["loss"](p[None], q[None]) for p, q in zip(pictures, pictures.flip(0))]
    torch.testing.assert_close(whole, torch.stack(parts).mean(), atol=1e-6, rtol=1e-5)
    assert all(torch.equal(t, before[key]) for key, t in owner.state_dict().items())


def test_the_perceptual_loss_is_the_weighted_sum_of_its_layers(shipped: Path):
    a, b = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    single = {name: float(ParserLoss({name: 1.0}, shipped, 0)(a, b)) for name in (PIXELS, *LAYERS)}
    both = float(ParserLoss({"edges": 0.5, "face": 2.0}, shipped, 0)(a, b))
    assert both == pytest.approx(0.5 * single["edges"] + 2 * single["face"], rel=1e-5)
    with torch.no_grad():
        maps = [load_parser("small", folder=shipped).features(x)["parts"] for x in (a, b)]
    units = [x / x.norm(dim=1, keepdim=True).clamp(min=1e-12) for x in maps]
    by_hand = (units[0] - units[1]).square().sum(dim=1).mean()
    assert single[PIXELS] == pytest.approx(float((a - b).abs().mean()), rel=1e-5)
    assert single["parts"] == pytest.approx(float(by_hand), rel=1e-5)
    for wrong in ({}, {"nose": 1.0}):
        with pytest.raises(ValueError, match="allowed: some of pixels, edges"):
            ParserLoss(wrong, shipped)


def test_the_perceptual_loss_shifts_both_pictures_alike_and_anew_by_the_seed(shipped: Path):
    loss, a, b = ParserLoss(folder=shipped), torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    assert float(loss(a, a)) == 0

    def seeded(seed: int) -> float:
        torch.manual_seed(seed)
        return float(loss(a, b))

    assert seeded(1) == seeded(1)
    assert len({seeded(seed) for seed in range(4)}) > 1


def test_the_judge_gives_one_vector_a_face_whatever_else_is_in_the_batch(shipped: Path):
    judge = Judge(load_parser("judge", folder=shipped))  # type: ignore[arg-type]
    pictures = torch.rand(5, 3, 64, 64) * 2 - 1
    vectors = judge(pictures)
    assert vectors.shape == (5, FEATURES)
    torch.testing.assert_close(judge(pictures[2:3]), vectors[2:3], atol=1e-5, rtol=1e-4)
    assert judge(pictures[:, :1]).shape == (5, FEATURES)
    streamed = judge.statistics(pictures.split(2))
    assert streamed.count == 5
    assert frechet_distance(streamed, statistics_of(vectors)) < 1e-6


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_photos_are_parsed_one_by_one_whatever_their_size(shipped: Path, precision: Any):
    parser = FaceParser(precision, load_parser("small", folder=shipped))
    draw = np.random.default_rng(0)
    photos = [
        draw.integers(0, 256, (h, w, 3)).astype(np.uint8)
        for h, w in ((256, 256), (40, 60), (300, 200), *[(64, 64)] * BATCH)
    ]
    output = parser.labels(photos)
    assert [labels.shape for labels in output] == [photo.shape[:2] for photo in photos]
    assert all(labels.dtype == np.uint8 and labels.max() < 19 for labels in output)
    alone = parser.labels(photos[2:3])[0]
    assert (alone != output[2]).mean() < 0.01
    assert parser.labels([]) == []


@pytest.mark.parametrize("size", [(64, 64), (150, 170), (40, 33)])
def test_the_likeliest_class_is_that_of_all_classes_scaled_together(size: tuple[int, int]):
    torch.manual_seed(0)
    logits = torch.randn(64, 64, 19).permute(2, 0, 1)
    together = F.interpolate(logits.contiguous()[None], size, mode="bilinear")[0]
    output = argmax_labels(logits, *size)
    assert output.dtype == torch.uint8
    assert torch.equal(output, together.argmax(dim=0).to(torch.uint8))


def test_of_equally_likely_classes_the_first_is_taken():
    logits = torch.zeros(19, 8, 8)
    logits[[5, 11]] = 1.0
    for size in ((8, 8), (20, 20)):
        assert (argmax_labels(logits, *size) == 5).all()
