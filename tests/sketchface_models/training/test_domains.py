"""Packs of two domains, fields of other sizes, zoom, and contours that move by themselves."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from made_packs import SIZE, write_pack
from tiny_systems import SYSTEMS, tiny_config

from sketchface_models.augmentation.moved_contours import move_contours
from sketchface_models.config import load
from sketchface_models.errors import SketchFaceError
from sketchface_models.labels import MIRRORED
from sketchface_models.systems import registry
from sketchface_models.systems.run_settings import Augment, Task
from sketchface_models.training.feed import Feed
from sketchface_models.training.pack_reader import Pack, normalise
from sketchface_models.training.run import train
from sketchface_models.training.validation import validation_terms
from sketchface_models.training.validation_sheets import validation_sheet

STILL = {"flip": False, "jitter": 0.0}
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, cls in SYSTEMS.items():
        monkeypatch.setitem(registry.SYSTEMS, name, cls)


def rewrite(folder: Path, **changes: object) -> Pack:
    path = folder / "pack.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return Pack(folder)


def test_domains_have_their_own_faces(unpaired_pack: Path, pack: Path):
    whole, unpaired = Pack(pack), Pack(unpaired_pack)
    photos, sketches = unpaired.domains
    assert (photos.fields, sketches.fields) == (("photo",), ("sketch",))
    assert photos.ids == whole.ids
    assert sketches.ids == [id for row, id in enumerate(whole.ids) if row % 3]
    assert unpaired.domain_of("sketch") is sketches
    for split in ("train", "val", "test"):
        rows = unpaired.paired_rows(split)
        ids = [[domain.ids[row] for row in own] for domain, own in zip(unpaired.domains, rows)]
        expected = sorted({whole.ids[row] for row in whole.rows(split)} & set(sketches.ids))
        assert ids == [expected, expected]
        batch = unpaired.read_domains(rows)
        for name in ("photo", "sketch"):
            positions = [whole.ids.index(id) for id in expected]
            assert torch.equal(batch[name], whole.read(np.array(positions), [name])[name])


def test_each_domain_has_an_order_of_its_own_and_shows_every_face(unpaired_pack: Path):
    pack = Pack(unpaired_pack)
    feed = Feed(pack, 4, Augment(**STILL), 0)
    lengths = [len(domain.rows("train")) for domain in pack.domains]
    assert lengths[0] > lengths[1]
    steps = max(lengths)  # four times around each at least
    for number, length in enumerate(lengths):
        seen = np.concatenate([feed.rows(step, number) for step in range(steps)])
        for epoch in range(2):
            part = seen[epoch * length : (epoch + 1) * length]
            assert sorted(part) == sorted(pack.domains[number].rows("train"))
        assert not np.array_equal(seen[:length], seen[length : 2 * length])
    assert feed.epoch(steps) == 4 * steps // lengths[0]
    batch = feed.raw(3)
    for number, (name, domain) in enumerate(zip(("photo", "sketch"), pack.domains)):
        assert domain.fields == (name,)
        expected = pack.read(feed.rows(3, number), [name])[name]
        assert torch.equal(batch[name], expected)


def test_the_first_domain_is_fed_as_a_paired_pack(unpaired_pack: Path, pack: Path):
    augment = Augment(flip=True, jitter=0.06)
    one, two = (Feed(Pack(folder), 4, augment, 7) for folder in (pack, unpaired_pack))
    for step in range(5):
        assert torch.equal(one.raw(step)["photo"], two.raw(step)["photo"])


def test_domains_are_moved_each_by_itself(tmp_path: Path):
    """The same pictures in both domains, in the same order, come out differently."""
    folder = write_pack(tmp_path / "pack")
    np.save(folder / "sketch.npy", np.load(folder / "photo.npy"))
    whole = Pack(write_pack(tmp_path / "other"))
    domain = {"fields": ["sketch"], "ids": whole.ids, "splits": whole.splits}
    domain["styles"] = [None] * 24
    pack = rewrite(folder, fields={"photo": 3, "sketch": 3}, domains=[domain])
    feed = Feed(pack, 16, Augment(flip=True, jitter=0.0), 0)
    batch = feed.raw(0)
    mirrored = []
    for number, name in enumerate(("photo", "sketch")):
        stored = pack.read(feed.rows(0, number), [name])[name]
        mirrored.append((batch[name] != stored).flatten(1).any(1).tolist())
    assert mirrored[0] != mirrored[1]
    assert all(0 < sum(each) < 16 for each in mirrored)


@pytest.mark.parametrize("world", [2, 4])
def test_processes_share_every_domain(unpaired_pack: Path, world: int):
    augment = Augment(flip=True, jitter=0.06, zoom=1.1)
    whole = Feed(Pack(unpaired_pack), 8, augment, 0).raw(5)
    for rank in range(world):
        part = Feed(Pack(unpaired_pack), 8, augment, 0, rank, world).raw(5)
        for name, tensor in whole.items():
            assert torch.equal(part[name], tensor[rank::world])


def test_zoom_enlarges_and_crops_all_fields_alike(tmp_path: Path):
    folder = write_pack(tmp_path / "pack")
    photo = np.load(folder / "photo.npy")
    np.save(folder / "sketch.npy", photo[:, :1])
    pack = Pack(folder)
    feed = Feed(pack, 8, Augment(**STILL, zoom=1.25), 0)
    batch = feed.raw(2)
    difference = batch["photo"][:, :1].int() - batch["sketch"].int()
    assert difference.abs().max() <= 1  # torch resizes one channel and three in other sums
    stored = torch.from_numpy(photo[feed.rows(2)]).float()
    large = torch.nn.functional.interpolate(stored, (80, 80), mode="bilinear").round().byte()
    corners = set()
    for picture, whole in zip(batch["photo"], large):
        windows = whole.unfold(1, SIZE, 1).unfold(2, SIZE, 1)  # (3, 17, 17, S, S)
        match = (windows == picture[:, None, None]).flatten(3).all(3).all(0).nonzero()
        assert len(match)
        corners.add(tuple(match[0].tolist()))
    assert len(corners) > 4


def test_zoomed_labels_stay_labels_and_swap_sides(tmp_path: Path):
    folder = write_pack(tmp_path / "pack")
    labels = np.random.default_rng(0).choice([0, 4, 6], (24, 1, SIZE, SIZE)).astype(np.uint8)
    np.save(folder / "parsing.npy", labels)
    pack = rewrite(folder, fields={"photo": 3, "sketch": 1, "parsing": 1})
    batch = Feed(pack, 16, Augment(flip=True, jitter=0.0, zoom=1.2), 0).raw(0)
    allowed = {0, 4, 6, MIRRORED[4], MIRRORED[6]}
    assert set(batch["parsing"].unique().tolist()) == allowed


def test_fields_of_another_side_move_with_the_others(tmp_path: Path):
    folder = write_pack(tmp_path / "pack")
    sketch = np.load(folder / "sketch.npy")
    np.save(folder / "small.npy", sketch[:, :, ::2, ::2])
    pack = rewrite(folder, fields={"photo": 3, "sketch": 1, "small": 1}, sizes={"small": SIZE // 2})
    batch = Feed(pack, 8, Augment(flip=True, jitter=0.1), 0).raw(0)
    assert batch["small"].shape == (8, 1, SIZE // 2, SIZE // 2)
    # An odd shift is rounded to half pixels of the small picture, so edges may differ.
    different = (batch["sketch"][:, :, ::2, ::2] != batch["small"]).float().mean()
    assert different < 0.05
    with pytest.raises(SketchFaceError, match=r"small\.npy: uint8 .*expected uint8"):
        rewrite(folder, sizes={"small": 8})


def test_contours_move_alone_by_seed_step_and_position(tmp_path: Path):
    folder = write_pack(tmp_path / "pack")
    np.save(folder / "contour.npy", np.load(folder / "sketch.npy"))
    pack = rewrite(folder, fields={"photo": 3, "contour": 1, "sketch": 1})
    still = Feed(pack, 4, Augment(**STILL), 3)
    moving = Feed(pack, 4, Augment(**STILL, contour_shift=25.0, contour_rotation=7.0), 3)
    plain, moved = still.raw(5), moving.raw(5)
    for name in ("photo", "sketch"):
        assert torch.equal(plain[name], moved[name])
    keys = [(5, position) for position in range(4)]
    expected, *_ = move_contours(plain["contour"], 3, keys, 25.0, 7.0)
    assert torch.equal(moved["contour"], expected)
    assert not torch.equal(moved["contour"], plain["contour"])
    assert not torch.equal(moving.raw(9)["contour"], expected)
    part = Feed(pack, 4, moving.augment, 3, rank=1, world=2).raw(5)
    assert torch.equal(part["contour"], expected[1::2])


def test_a_contour_that_is_not_there_cannot_be_moved(pack: Path):
    with pytest.raises(SketchFaceError, match=r"^augment\.contour_shift.*no contour to move"):
        Feed(Pack(pack), 4, Augment(**STILL, contour_shift=1.0), 0)


def test_a_task_says_which_fields_a_face_must_have_together():
    task = {"inputs": ["photo", "depth"], "target": "sketch", "size": 64}
    assert load(Task, task).domains == (("photo", "depth", "sketch"),)
    assert load(Task, task | {"unpaired": True}).domains == (("photo", "depth"), ("sketch",))
    with pytest.raises(SketchFaceError, match=r"sizes: \['hair'\]; allowed: fields of the task"):
        load(Task, task | {"sizes": {"hair": 32}})
    with pytest.raises(SketchFaceError, match=r"^sizes\.depth: 4; allowed"):
        load(Task, task | {"sizes": {"depth": 4}})
    with pytest.raises(SketchFaceError, match=r"^sizes: 3; allowed: a mapping"):
        load(Task, task | {"sizes": 3})


def test_an_unpaired_pack_is_refused_by_a_paired_run(tmp_path: Path, unpaired_pack: Path):
    config = tiny_config("tiny")
    with pytest.raises(SketchFaceError, match="made for photo -> sketch at 64, unpaired, the run"):
        train(config, unpaired_pack, tmp_path / "out", tmp_path / "store")


def test_validation_measures_faces_of_both_domains_and_shows_samples(unpaired_pack: Path):
    pack = Pack(unpaired_pack)
    torch.manual_seed(0)
    system = registry.build(tiny_config("unpaired")["model"], pack.channels)
    system.networks.eval()
    terms = validation_terms(system, pack, CPU)
    rows = pack.paired_rows("val")
    batch = normalise(pack.read_domains(rows), CPU)
    with torch.no_grad():
        torch.manual_seed(1)
        generated = system.generate(batch)
    assert terms["val_l1"] == pytest.approx(
        float((generated - batch["sketch"]).abs().mean() / 2), abs=0.02
    )
    sheet = validation_sheet(system, pack, CPU)
    faces = min(len(domain.rows("val")) for domain in pack.domains)
    # Photo; generated and sketch; two samples.
    assert sheet.shape == (5 * SIZE, faces * SIZE, 3)
    lines = sheet.reshape(5, SIZE, -1)
    assert not np.array_equal(lines[3], lines[4])
    assert np.array_equal(validation_sheet(system, pack, CPU)[3 * SIZE :], sheet[3 * SIZE :])
