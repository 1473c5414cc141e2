"""What GAN systems share: conditions, optimizers, parts picked by name."""

import pytest
import torch
from made_packs import make_config
from torch import Tensor

from sketchface_models.errors import SketchFaceError
from sketchface_models.labels import as_field, one_hot
from sketchface_models.losses.adversarial import ADVERSARIAL
from sketchface_models.networks.patchgan import DISCRIMINATORS
from sketchface_models.systems.base import Clock
from sketchface_models.systems.gan import condition_channels, condition_of, pair, weighted_sum
from sketchface_models.systems.registry import build

CHANNELS = {"photo": 3, "sketch": 1, "parsing": 1}


def make_batch() -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(0)
    labels = torch.randint(19, (2, 64, 64), generator=draw)
    return {
        "parsing": as_field(labels),
        "sketch": 2 * torch.rand(2, 1, 64, 64, generator=draw) - 1,
        "photo": 2 * torch.rand(2, 3, 64, 64, generator=draw) - 1,
    }


def no_update(name: str, loss: Tensor) -> Tensor:
    return loss.detach()


def test_a_condition_is_rgb_pictures_and_one_hot_labels_side_by_side():
    batch = make_batch()
    condition = condition_of(batch, ("sketch", "parsing", "photo"))
    assert condition.shape[1] == condition_channels(("sketch", "parsing", "photo")) == 25
    assert torch.equal(condition[:, :3], batch["sketch"].expand(-1, 3, -1, -1))
    labels = torch.round((batch["parsing"][:, 0] + 1) * 127.5).long()
    assert torch.equal(condition[:, 3:22], one_hot(labels))
    assert torch.equal(condition[:, 22:], batch["photo"])


def test_the_discriminator_sees_the_condition_before_the_image():
    batch = make_batch()
    both = pair(batch["sketch"], batch["photo"])
    assert torch.equal(both[:, :1], batch["sketch"])
    assert torch.equal(both[:, 1:], batch["photo"])


def test_a_weighted_sum_counts_every_term_and_leaves_none_without_weight():
    terms = {"a": torch.tensor(2.0), "b": torch.tensor(3.0)}
    assert weighted_sum(terms, {"a": 0.5, "b": 10.0, "unused": 7.0}) == 31
    with pytest.raises(KeyError, match="b"):
        weighted_sum(terms, {"a": 0.5})


@pytest.mark.parametrize("discriminator", DISCRIMINATORS)
@pytest.mark.parametrize("adversarial", ADVERSARIAL)
def test_pix2pix_from_parsing_maps_with_any_discriminator_and_loss(
    discriminator: str, adversarial: str
):
    config = make_config(model__discriminator=discriminator)["model"]
    config["task"] = {"inputs": ["parsing"], "target": "photo", "size": 64}
    config["loss"]["adversarial"] = adversarial
    torch.manual_seed(0)
    system = build(config, CHANNELS)
    assert type(system.networks["discriminator"]) is DISCRIMINATORS[discriminator]
    terms = system.training_step(make_batch(), Clock(0, 12, 0), no_update)
    locked = {"locked_generator", "locked_discriminator"}
    assert {"discriminator", "generator", "adversarial", "l1"} | locked == set(terms)
    assert all(term.isfinite() for term in terms.values())
    system.networks.eval()
    assert system.generate(make_batch()).shape == (2, 3, 64, 64)


@pytest.mark.parametrize(("name", "kind"), [("adam", "FusedAdam"), ("adamw", "FusedAdamW")])
def test_the_optimizer_is_the_one_named_with_a_rate_for_each_network(name: str, kind: str):
    config = make_config(model__optimizer=name)["model"]
    optimizers = build(config, CHANNELS).optimizers()
    assert {each: type(o).__name__ for each, o in optimizers.items()} == {
        "generator": kind,
        "discriminator": kind,
    }
    schedule = config["schedule"]
    for each, optimizer in optimizers.items():
        assert optimizer.param_groups[0]["lr"] == schedule[f"lr_{each}"]
        assert optimizer.param_groups[0]["betas"] == (0.5, 0.999)


def test_an_unknown_part_is_refused_naming_those_there_are():
    with pytest.raises(
        SketchFaceError, match=r"^discriminator: 'patch'; .*patch-70, patch-23, patch-23-released$"
    ):
        build(make_config(model__discriminator="patch")["model"], CHANNELS)
    config = make_config()["model"]
    config["loss"]["adversarial"] = "wasserstein"
    with pytest.raises(SketchFaceError, match=r"^loss\.adversarial: .*hinge, least-squares$"):
        build(config, CHANNELS)
