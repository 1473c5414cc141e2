from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from pipeline.datasets.base import Item
from pipeline.faces.splits import assign, limited, uniform

IDS = [f"face-{number}" for number in range(4000)]


def offered(split: str | None, ids: list[str] = IDS) -> list[Item]:
    return [Item(id=id, source="s", split=split) for id in ids]


def splits(items: list[Item]) -> dict[str, str | None]:
    return {item.id: item.split for item in items}


def test_draws_are_the_hash_of_purpose_seed_and_id() -> None:
    digest = hashlib.sha256(b"val\x007\x00anna").hexdigest()
    assert uniform("anna", 7, "val") == int(digest[:14], 16) / 16**14


def test_fractions_and_publishers_splits() -> None:
    drawn = list(splits(assign(offered(None), 0, 0.1, 0.2)).values())
    assert drawn.count("test") == pytest.approx(800, abs=80)
    assert drawn.count("val") == pytest.approx(320, abs=60)
    assert set(splits(assign(offered("test"), 0, 0.5, 0.5)).values()) == {"test"}
    assert set(splits(assign(offered("train"), 0, 0.0, 0.5)).values()) == {"train"}
    assert set(splits(assign(offered(None), 0, 0.0, 0.0)).values()) == {"train"}


def test_adding_faces_moves_none_and_the_seed_moves_many() -> None:
    few = splits(assign(offered(None, IDS[::3]), 1, 0.1, 0.2))
    many = splits(assign(offered(None), 1, 0.1, 0.2))
    assert {id: many[id] for id in few} == few
    other = splits(assign(offered(None), 2, 0.1, 0.2))
    assert sum(many[id] != other[id] for id in IDS) > 500


def test_limit_takes_the_same_faces_of_each_split_in_any_order() -> None:
    items = assign(offered(None), 0, 0.1, 0.2)
    chosen = limited(items, 0, 50)
    counts = [splits(chosen).__len__(), *map(list(splits(chosen).values()).count, ("val", "test"))]
    assert counts == [150, 50, 50]
    assert limited(items[::-1], 0, 50) == chosen
    assert {item.id for item in limited(items, 0, 20)} <= {item.id for item in chosen}
    assert len(limited(items, 0, 0)) == len(items)
    assert len(limited(items[:10], 0, 50)) == 10


@pytest.mark.parametrize("count", [3, 4, 5, 10])
@pytest.mark.parametrize("fractions", [(0.05, 0.2), (0.5, 0.9), (0.0, 0.2), (0.05, 0.9)])
def test_of_few_faces_each_split_gets_one(count: int, fractions: tuple[float, float]) -> None:
    """Whatever the seed; train has two, before test has one, before validation has one."""
    for seed in range(50):
        assigned = list(splits(assign(offered(None, IDS[:count]), seed, *fractions)).values())
        assert assigned.count("train") >= 2
        assert ("test" in assigned) == (count > 2)
        assert ("val" in assigned) == (count > 3 and fractions[0] > 0)


def test_the_face_nearest_to_an_empty_split_moves_there_and_no_other() -> None:
    few = IDS[:5]
    seed = next(s for s in range(99) if all(uniform(id, s, "test") >= 0.1 for id in few))
    assigned = splits(assign(offered(None, few), seed, 0.0, 0.1))
    nearest = min(few, key=lambda id: uniform(id, seed, "test"))
    assert assigned == dict.fromkeys(few, "train") | {nearest: "test"}


def test_few_faces_of_a_publishers_split_stay_in_test() -> None:
    items = [*offered("test", IDS[:3]), *offered("train", IDS[3:6])]
    assigned = splits(assign(items, 0, 0.05, 0.0))
    assert [assigned[id] for id in IDS[:3]] == ["test"] * 3
    assert sorted(assigned[id] for id in IDS[3:6]) == ["train", "train", "val"]
    only_test = assign(offered("test", IDS[:3]), 0, 0.05, 0.0)
    assert set(splits(only_test).values()) == {"test"}


def test_few_photos_and_few_drawings_get_their_own_test_faces() -> None:
    for kind, other in (("photo", "drawing"), ("drawing", "photo")):
        few = [replace(item, kind=kind) for item in offered(None, IDS[:4])]
        many = [replace(item, kind=other) for item in offered(None, IDS[4:400])]
        assigned = assign([*few, *many], 0, 0.05, 0.2)
        assert {item.split for item in assigned if item.kind == kind} == {"train", "val", "test"}


def test_one_face_stays_where_it_is() -> None:
    assert len(assign(offered(None, IDS[:1]), 0, 0.05, 0.2)) == 1
    assert assign([], 0, 0.05, 0.2) == []
