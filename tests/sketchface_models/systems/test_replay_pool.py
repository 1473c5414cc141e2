"""The pool of earlier fakes: what goes in, what comes out, and that none is lost."""

import copy

import torch
from torch import Tensor

from sketchface_models.systems.replay_pool import ReplayPool

CAPACITY = 5


def numbered(*numbers: int) -> Tensor:
    """Fakes of which every value is the fake's number: (B, 3, 2, 2)."""
    return torch.tensor(numbers, dtype=torch.float32)[:, None, None, None].expand(-1, 3, 2, 2)


def numbers_of(pictures: Tensor) -> list[int]:
    assert all(picture.unique().numel() == 1 for picture in pictures)
    return pictures[:, 0, 0, 0].int().tolist()


def filled() -> ReplayPool:
    pool = ReplayPool(CAPACITY)
    pool.exchange(numbered(*range(CAPACITY)))
    return pool


def test_while_the_pool_fills_new_fakes_are_seen_themselves():
    pool = ReplayPool(CAPACITY)
    assert pool.stack() is None
    for start, expected in ((0, [0, 1]), (2, [0, 1, 2, 3])):
        assert numbers_of(pool.exchange(numbered(start, start + 1))) == [start, start + 1]
        assert numbers_of(pool.stack()) == expected
    pool.exchange(numbered(4))
    assert numbers_of(pool.stack()) == list(range(CAPACITY))


def test_a_full_pool_gives_each_earlier_fake_once_and_takes_the_new_one_in_its_place():
    torch.manual_seed(0)
    pool, out = filled(), []
    for number in range(CAPACITY, 400):
        before = numbers_of(pool.stack())
        (shown,) = numbers_of(pool.exchange(numbered(number)))
        after = numbers_of(pool.stack())
        if shown == number:
            assert after == before
        else:
            assert after == [number if each == shown else each for each in before]
        out.append(shown)
    assert sorted(out + numbers_of(pool.stack())) == list(range(400))  # each once, none lost
    new = sum(shown == number for number, shown in zip(range(CAPACITY, 400), out, strict=True))
    assert 0.4 < new / len(out) < 0.6


def test_every_place_of_the_pool_is_exchanged():
    torch.manual_seed(0)
    pool = filled()
    pool.exchange(numbered(*range(CAPACITY, 100)))
    assert min(numbers_of(pool.stack())) >= CAPACITY


def test_fakes_of_one_batch_may_come_from_the_pool_or_not():
    torch.manual_seed(1)
    batch = range(CAPACITY, CAPACITY + 12)
    out = numbers_of(filled().exchange(numbered(*batch)))
    same = [shown == number for number, shown in zip(batch, out, strict=True)]
    assert any(same)
    assert not all(same)


def test_without_a_pool_the_newest_fakes_are_seen():
    pool = ReplayPool(0)
    for start in (0, 2):
        assert numbers_of(pool.exchange(numbered(start, start + 1))) == [start, start + 1]
    assert pool.stack() is None


def test_what_is_seen_has_no_graph_and_what_is_stored_does_not_change_with_its_batch():
    pool = ReplayPool(CAPACITY)
    fakes = numbered(1, 2).clone().requires_grad_()
    assert not pool.exchange(fakes).requires_grad
    with torch.no_grad():
        fakes.zero_()
    assert numbers_of(pool.stack()) == [1, 2]


def test_a_pool_that_is_filled_from_its_state_goes_on_as_before():
    torch.manual_seed(0)
    pool, again = filled(), ReplayPool(CAPACITY)
    pool.exchange(numbered(*range(CAPACITY, 20)))
    again.exchange(numbered(99))  # what was there before is gone
    again.fill(copy.deepcopy(pool.stack()))
    outs = []
    for each in (pool, again):
        torch.manual_seed(7)
        outs.append([each.exchange(numbered(number)) for number in range(20, 60)])
    assert torch.equal(*map(torch.cat, outs))
    assert torch.equal(pool.stack(), again.stack())
    again.fill(())
    assert again.stack() is None


def test_what_is_seen_lies_in_memory_alike_before_and_after_a_resume():
    """Convolutions round differently where their input lies in another layout."""
    pool, again = ReplayPool(1), ReplayPool(1)
    fakes = torch.rand(1, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    pool.exchange(fakes)
    again.fill(pool.stack())
    for each in (pool, again):
        for _ in range(8):
            assert each.exchange(fakes).is_contiguous()


def test_after_a_resume_the_pool_lies_where_the_new_fakes_lie():
    """A checkpoint is read onto the CPU; the device `meta` stands for a GPU."""
    full, filling = ReplayPool(CAPACITY), ReplayPool(CAPACITY + 1)
    for pool in (full, filling):
        pool.fill(filled().stack())
        for number in range(8):
            assert pool.exchange(numbered(number).to("meta")).is_meta
        assert pool.stack().is_meta
        assert pool.stack().shape == (pool.capacity, 3, 2, 2)
