"""Training rules of coming systems on the engine, and an exact resume of each."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tiny_systems import SYSTEMS, Critics, Locks, Phases, tiny_config
from torch import Tensor, nn

from sketchface_models.config import load
from sketchface_models.systems import registry
from sketchface_models.systems.base import Batch, Clock, Update
from sketchface_models.training.engine_settings import Engine
from sketchface_models.training.feed import Feed
from sketchface_models.training.log import Lines
from sketchface_models.training.pack_reader import Pack, normalise
from sketchface_models.training.run import train
from sketchface_models.training.trainer import Trainer


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, cls in SYSTEMS.items():
        monkeypatch.setitem(registry.SYSTEMS, name, cls)


def make_trainer(pack: Path, name: str, clip_norm: float = 0.0, **engine: object) -> Trainer:
    config, opened = tiny_config(name, **engine), Pack(pack)
    config["model"]["schedule"]["clip_norm"] = clip_norm
    torch.manual_seed(0)
    system = registry.build(config["model"], opened.channels)
    trainer = Trainer(system, opened, 0, load(Engine, config["engine"]))
    trainer.system.networks.train()
    return trainer


def snapshot(trainer: Trainer) -> dict[str, list[Tensor]]:
    return {
        name: [p.detach().clone() for p in network.parameters()]
        for name, network in trainer.system.networks.items()
    }


def learned(trainer: Trainer, steps: int) -> Iterator[tuple[set[str], dict[str, float]]]:
    """At each step: which networks' weights moved, and the terms."""
    for step in range(steps):
        before = snapshot(trainer)
        terms = trainer.learn(step, trainer.feed.raw(step))
        after = snapshot(trainer)
        moved = {
            name
            for name in before
            if any(not torch.equal(a, b) for a, b in zip(before[name], after[name]))
        }
        yield moved, {name: float(value) for name, value in terms.items()}


def test_alternating_networks_both_move_at_every_step(pack: Path):
    for moved, terms in learned(make_trainer(pack, "tiny"), 3):
        assert moved == {"generator", "critic"}
        assert {"lr_generator", "lr_critic", "grad_generator", "grad_critic"} <= terms.keys()


def test_an_update_gives_gradients_to_its_own_parameters_alone(pack: Path):
    trainer = make_trainer(pack, "tiny")
    seen = {}
    update = trainer._update

    def watch(name: str, loss: Tensor) -> Tensor:
        for parameter in trainer.system.networks.parameters():
            parameter.grad = None
        result = update(name, loss)
        assert not result.requires_grad
        assert result == loss
        seen[name] = {
            other
            for other, network in trainer.system.networks.items()
            if any(p.grad is not None for p in network.parameters())
        }
        return result

    trainer._update = watch
    trainer.learn(0, trainer.feed.raw(0))
    assert seen == {"generator": {"generator"}, "critic": {"critic"}}


def test_a_step_equals_the_plain_loop(pack: Path):
    """Two steps of alternating training, written down without the engine."""
    trainer = make_trainer(pack, "tiny", precision="32-true")
    plain = make_trainer(pack, "tiny", precision="32-true").system
    networks = nn.ModuleDict({n: net.module for n, net in plain.networks.items()})
    optimizers = plain.optimizers()
    for step in range(2):
        raw = trainer.feed.raw(step)
        terms = trainer.learn(step, raw)
        batch = normalise(raw, torch.device("cpu"))
        fake = networks["generator"](batch["photo"])
        optimizers["critic"].zero_grad()
        loss = (1 - networks["critic"](batch["sketch"])).relu().mean()
        loss = loss + (1 + networks["critic"](fake.detach())).relu().mean()
        loss.backward()
        norm = sum(p.grad.square().sum() for p in networks["critic"].parameters()).sqrt()
        assert terms["grad_critic"] == pytest.approx(norm.item(), rel=1e-6)
        assert terms["critic"] == pytest.approx(loss.item(), rel=1e-6)
        optimizers["critic"].step()
        optimizers["generator"].zero_grad()
        loss = (fake - batch["sketch"]).abs().mean() - 0.1 * networks["critic"](fake).mean()
        loss.backward()
        optimizers["generator"].step()
    for name, network in networks.items():
        for mine, other in zip(network.parameters(), trainer.system.networks[name].parameters()):
            assert torch.equal(mine, other)


def test_the_generator_moves_at_every_fifth_critic_step(pack: Path):
    moves = [moved for moved, _ in learned(make_trainer(pack, "critics"), 11)]
    assert moves == [
        {"critic"} | ({"generator"} if step % Critics.every == 4 else set()) for step in range(11)
    ]


def test_the_gradient_penalty_reaches_the_critics_weights(pack: Path):
    """Through the double backward: by hand, the critic's gradient is that of the whole loss."""
    trainer = make_trainer(pack, "critics", precision="32-true")
    critic = trainer.system.networks["critic"].module
    raw = trainer.feed.raw(0)
    batch = normalise(raw, torch.device("cpu"))
    mixes = []
    rand = torch.rand

    def note(*args: int, **kwargs: object) -> Tensor:
        mixes.append(rand(*args, **kwargs))
        return mixes[-1]

    torch.rand = note
    try:
        with torch.no_grad():
            before = [p.clone() for p in critic.parameters()]
        trainer.learn(0, raw)
    finally:
        torch.rand = rand
    gradient = [p.grad.clone() for p in critic.parameters()]
    with torch.no_grad():
        for parameter, value in zip(critic.parameters(), before):
            parameter.copy_(value)

    def loss() -> Tensor:
        with torch.no_grad():
            networks = make_trainer(pack, "critics").system.networks
            fake = networks["generator"](batch["photo"])
        mix = mixes[0]
        between = (mix * batch["sketch"] + (1 - mix) * fake).double().requires_grad_()
        judge = critic.double()
        (slope,) = torch.autograd.grad(judge(between).sum(), between)
        penalty = (slope.flatten(1).norm(dim=1) - 1).square().mean()
        return judge(fake.double()).mean() - judge(batch["sketch"].double()).mean() + 10 * penalty

    # A directional derivative, by differences of the loss itself.
    draw = torch.Generator().manual_seed(1)
    way = [torch.randn(g.shape, generator=draw, dtype=torch.float64) for g in gradient]
    values = []
    for sign in (1, -1):
        moved = [p.double() + sign * 1e-6 * w for p, w in zip(before, way)]
        critic.double()
        with torch.no_grad():
            for parameter, value in zip(critic.parameters(), moved):
                parameter.copy_(value)
        values.append(loss().item())
    expected = (values[0] - values[1]) / 2e-6
    results = sum((g.double() * w).sum().item() for g, w in zip(gradient, way))
    assert results == pytest.approx(expected, rel=1e-3)


def test_several_critic_updates_within_a_step(pack: Path):
    trainer = make_trainer(pack, "innercritics")
    calls = []
    update = trainer._update
    trainer._update = lambda name, loss: (calls.append(name), update(name, loss))[1]
    trainer.learn(0, trainer.feed.raw(0))
    assert calls == ["critic"] * 3 + ["generator"]
    state = trainer.optimizers["critic"].state
    assert {float(value["step"]) for value in state.values()} == {3.0}


def test_a_lazy_penalty_comes_at_its_steps(pack: Path):
    results = [("r1" in terms) for _, terms in learned(make_trainer(pack, "lazyr1"), 9)]
    assert results == [step % 4 == 0 for step in range(9)]


def test_networks_wait_by_condition_and_by_time(pack: Path):
    trainer = make_trainer(pack, "locks")  # two steps an epoch
    system = trainer.system
    assert isinstance(system, Locks)
    moves = []
    for step, (moved, _) in enumerate(learned(trainer, 10)):
        moves.append(moved)
        if step == 5:
            system.last["generator"] = 0.3  # as if it had become good: it rests from step 6
        if step == 7:  # now as if the critic had: it rests in an epoch that would be its own
            system.last = {"critic": 0.0, "generator": 0.9}
    both, generator = {"generator", "critic"}, {"generator"}
    assert moves == [*[both] * 2, *[generator] * 2, *[both] * 2, *[set()] * 2, *[generator] * 2]


def test_phases_hand_over_from_one_optimizer_to_others(pack: Path):
    trainer = make_trainer(pack, "phases")
    results = list(learned(trainer, 10))
    first, second = results[: Phases.switch], results[Phases.switch :]
    assert all(moved == {"encoder", "decoder"} for moved, _ in first)
    assert all(moved == {"decoder", "critic"} for moved, _ in second)
    rates = [terms["lr_decoder"] / 5e-3 for _, terms in second]
    assert rates == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])
    assert {terms["lr_pretrain"] for _, terms in results} == {5e-3}


def test_a_frozen_network_passes_gradients_and_stays(pack: Path):
    trainer = make_trainer(pack, "frozen")
    features = [
        terms["features"] for moved, terms in learned(trainer, 12) if moved == {"generator"}
    ]
    assert len(features) == 12
    assert features[-1] < 0.8 * features[0]
    assert all(p.grad is None for p in trainer.system.networks["features"].parameters())


def test_optimizers_over_shared_parts_move_them_in_turn(pack: Path):
    trainer = make_trainer(pack, "shared")
    networks = trainer.system.networks
    assert all(moved == {"generator", "inverter"} for moved, _ in learned(trainer, 3))
    first, second = (networks[name].module[0] for name in networks)
    assert first is second
    for optimizer in trainer.optimizers.values():
        assert {float(state["step"]) for state in optimizer.state.values()} == {3.0}


class Interrupted(Exception):
    """The power went."""


@pytest.mark.parametrize("name", sorted(SYSTEMS.keys() - {"poisoned", "greedy"}))
def test_every_rule_resumes_exactly(tmp_path: Path, pack: Path, unpaired_pack: Path, name: str):
    pack = unpaired_pack if name in ("spectral", "unpaired") else pack

    def interrupt(lines: Lines) -> None:
        if lines[-1][0] >= 11:
            raise Interrupted

    config = tiny_config(name, checkpoint_every=5 if name == "phases" else 7)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train(config, pack, whole, tmp_path / "store")
    with pytest.raises(Interrupted):
        train(config, pack, broken, tmp_path / "store", (interrupt,))
    torch.manual_seed(99)
    train(config, pack, broken, tmp_path / "store")
    assert json.loads((broken / "logs" / "run.json").read_text())["resumed_at"] in (7, 10)
    for file in ("weights/model.safetensors", "weights/best.safetensors", "logs/steps.jsonl"):
        assert (broken / file).read_bytes() == (whole / file).read_bytes()
    sheets = sorted(path.name for path in (whole / "logs" / "samples").iterdir())
    assert sheets == ["step-0000005.png", "step-0000010.png", "step-0000012.png"]
    for sheet in sheets:
        path = Path("logs", "samples", sheet)
        assert (broken / path).read_bytes() == (whole / path).read_bytes()


def test_a_lost_pool_would_be_noticed(
    tmp_path: Path, pack: Path, unpaired_pack: Path, monkeypatch: pytest.MonkeyPatch
):
    """The test above can fail: without its state, the pool's run ends elsewhere."""
    monkeypatch.setattr(SYSTEMS["pool"], "state_dict", lambda self: {})
    monkeypatch.setattr(SYSTEMS["pool"], "load_state_dict", lambda self, state: None)
    with pytest.raises(AssertionError):
        test_every_rule_resumes_exactly(tmp_path, pack, unpaired_pack, "pool")


def test_clipping_scales_the_gradient_and_logs_what_it_was(pack: Path):
    free, clipped = (make_trainer(pack, "tiny", clip_norm=norm) for norm in (0.0, 1e-3))
    raw = free.feed.raw(0)
    assert free.learn(0, raw)["grad_critic"] == clipped.learn(0, raw)["grad_critic"] > 0.01
    length = nn.utils.get_total_norm(
        [p.grad for p in clipped.system.networks["critic"].parameters()]
    )
    assert length == pytest.approx(1e-3, rel=1e-3)


def test_noise_depends_on_seed_and_step_alone(pack: Path):
    system = SYSTEMS["noisy"]
    states = []

    class Watch(system):
        def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
            states.append(torch.get_rng_state())
            return super().training_step(batch, clock, update)

    trainer = make_trainer(pack, "noisy")
    trainer.system.__class__ = Watch
    for step in (0, 1, 0):
        torch.rand(step + 3)
        trainer.learn(step, Feed(trainer.pack, 8, trainer.system.settings.augment, 0).raw(step))
    assert torch.equal(states[0], states[2])
    assert not torch.equal(states[0], states[1])
