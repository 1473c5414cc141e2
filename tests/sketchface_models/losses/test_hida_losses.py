"""HIDA's losses against numbers worked out by hand and an independent computation."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from sketchface_models.losses.adversarial import ADVERSARIAL
from sketchface_models.losses.hida import GEOMETRY, fourth_power_penalty, texture_loss

OPERATORS = ("sobel", "prewitt")


def normal(*shape: int, seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=draw)


def ramp(degrees: float, channels: int = 1, side: int = 8, steepness: float = 0.1) -> Tensor:
    """A plane whose value rises towards `degrees`, measured from x towards y."""
    y, x = torch.meshgrid(*(2 * [torch.arange(side, dtype=torch.float64)]), indexing="ij")
    angle = math.radians(degrees)
    plane = steepness * (x * math.cos(angle) + y * math.sin(angle))
    return plane.expand(1, channels, side, side)


def inner_loss(generated: Tensor, reference: Tensor, operator: str) -> float:
    """Without the border, where replicating bends a ramp: three sizes, one unknown a pixel."""
    totals = []
    for side in (6, 8, 10):
        crop = (..., slice(0, side), slice(0, side))
        totals.append(float(texture_loss(generated[crop], reference[crop], operator)) * side**2)
    # inside (side - 2)^2 i + side e + corners c: the second difference leaves 8 i.
    return (totals[2] - 2 * totals[1] + totals[0]) / 8


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 120, 180, 270])
def test_texture_of_ramps_is_one_less_the_cosine_of_their_angle(operator: str, degrees: int):
    result = inner_loss(ramp(10, side=10), ramp(10 + degrees, side=10), operator)
    assert result == pytest.approx(1 - math.cos(math.radians(degrees)), abs=2e-4)


@pytest.mark.parametrize("operator", OPERATORS)
def test_texture_ignores_contrast_and_brightness(operator: str):
    picture, other = normal(2, 1, 6, 6), normal(2, 1, 6, 6, seed=1)
    plain = texture_loss(picture, other, operator)
    torch.testing.assert_close(
        texture_loss(5 * picture + 3, other, operator), plain, rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("operator", OPERATORS)
def test_texture_goes_from_nothing_to_two(operator: str):
    picture = normal(2, 3, 6, 6)
    assert float(texture_loss(picture, picture, operator)) == pytest.approx(0, abs=1e-5)
    assert float(texture_loss(picture, -picture, operator)) == pytest.approx(2, abs=1e-5)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("flat", ["generated", "reference", "both"])
def test_a_flat_picture_is_at_distance_one_from_everything(operator: str, flat: str):
    pictures = {"generated": normal(1, 1, 5, 5), "reference": normal(1, 1, 5, 5, seed=1)}
    for name in pictures:
        if flat in (name, "both"):
            pictures[name] = torch.full((1, 1, 5, 5), 0.7, dtype=torch.float64)
    generated = pictures["generated"].requires_grad_()
    loss = texture_loss(generated, pictures["reference"], operator)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(1, abs=1e-9)
    assert generated.grad.isfinite().all()
    # A slope has weights of at most 1; each pixel stands in nine of them, in two directions.
    assert generated.grad.abs().max() < 2 * 9 * 3163 / 25
    # A blank picture is pulled to the strokes of its reference; blank paper asks for nothing.
    assert (generated.grad.abs().max() > 1) == (flat == "generated")
    assert (generated.grad.abs().max() < 1e-9) == (flat != "generated")


KERNELS = {
    "sobel": np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8,
    "prewitt": np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]]) / 3,
}


def by_scipy(generated: np.ndarray, reference: np.ndarray, operator: str) -> float:
    """Picture by picture: correlations, one vector a pixel over channels and directions."""

    def slopes(picture: np.ndarray) -> np.ndarray:
        kernel = KERNELS[operator]
        return np.stack(
            [
                ndimage.correlate(channel, each, mode="nearest")
                for channel in picture
                for each in (kernel, kernel.T)
            ]
        )

    distances = []
    for one, other in zip(generated, reference, strict=True):
        f, g = slopes(one), slopes(np.broadcast_to(other, (*one.shape,)))
        lengths = np.sqrt((f**2).sum(0) + 1e-7) * np.sqrt((g**2).sum(0) + 1e-7)
        distances.append(1 - (f * g).sum(0) / lengths)
    return float(np.mean(distances))


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_texture_by_scipy(operator: str, scale: float):
    generated, reference = scale * normal(3, 2, 5, 7), normal(3, 2, 5, 7, seed=1)
    expected = by_scipy(generated.numpy(), reference.numpy(), operator)
    assert float(texture_loss(generated, reference, operator)) == pytest.approx(expected, rel=1e-9)


def test_texture_of_a_grey_drawing_and_a_colour_photo():
    grey, colour = normal(2, 1, 5, 6), normal(2, 3, 5, 6, seed=1)
    expected = by_scipy(grey.expand(-1, 3, -1, -1).numpy(), colour.numpy(), "prewitt")
    assert float(texture_loss(grey, colour, "prewitt")) == pytest.approx(expected, rel=1e-9)


def test_texture_worked_out_by_hand():
    """Two columns; with replicated borders the slopes are those of a single step."""
    generated = torch.tensor([[[[0.0, 1.0]]]], dtype=torch.float64)
    # Sobel, replicated: all lines alike, so the x slope is (right - left) / 2 = 0.5, the y slope 0.
    squared = 0.25
    assert float(texture_loss(generated, generated, "sobel")) == pytest.approx(
        1e-7 / (squared + 1e-7)
    )
    # Prewitt / 3: the x slope is right - left = 1.
    assert float(texture_loss(generated, 0 * generated + 0.2, "prewitt")) == 1
    assert float(texture_loss(generated, generated.flip(3), "prewitt")) == pytest.approx(
        2, abs=2e-7
    )
    across = torch.tensor([[[[0.0, 0.0], [1.0, 1.0]]]], dtype=torch.float64)
    assert float(texture_loss(across, across.mT, "sobel")) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("operator", OPERATORS)
def test_texture_gradient(operator: str):
    generated = normal(2, 1, 4, 5).requires_grad_()
    reference = normal(2, 3, 4, 5, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda d, r: texture_loss(d, r, operator), (generated, reference), fast_mode=True
    )


@pytest.mark.parametrize("operator", OPERATORS)
def test_descending_the_texture_turns_strokes_to_the_reference(operator: str):
    """Taken literally, Eq. 6 would turn them the other way."""
    reference = normal(1, 1, 12, 12)
    generated = normal(1, 1, 12, 12, seed=1).requires_grad_()
    optimizer = torch.optim.Adam([generated], lr=0.1)
    for _ in range(150):
        optimizer.zero_grad()
        loss = texture_loss(generated, reference, operator)
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.2
    assert np.corrcoef(generated.detach().flatten(), reference.flatten())[0, 1] > 0.5


def test_texture_in_half_precision_is_computed_in_32_bits():
    generated, reference = normal(2, 1, 8, 8).bfloat16(), normal(2, 1, 8, 8, seed=1).bfloat16()
    expected = texture_loss(generated.double(), reference.double(), "sobel")
    with torch.autocast("cpu", torch.bfloat16):
        for result in (
            texture_loss(generated, reference, "sobel"),
            texture_loss(generated.float(), reference.float(), "sobel"),
        ):
            assert result.dtype == torch.float32
            assert float(result) == pytest.approx(float(expected), abs=1e-5)


REAL, FAKE = (2.0, -1.0, 0.0, 0.5), (-3.0, 0.25, 1.5, -0.5)


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def mean(rule: Callable[[float], float], logits: tuple[float, ...]) -> float:
    return sum(map(rule, logits)) / len(logits)


CROSS_ENTROPY = (
    -mean(lambda r: math.log(sigmoid(r)), REAL) - mean(lambda f: math.log(1 - sigmoid(f)), FAKE),
    -mean(lambda f: math.log(sigmoid(f)), FAKE),
)
# name: discriminator, generator
BY_HAND = {
    "cross-entropy": CROSS_ENTROPY,
    "bce": CROSS_ENTROPY,
    # real: (0 + 2 + 1 + 0.5) / 4; fake: (0 + 1.25 + 2.5 + 0.5) / 4; -(-1.75) / 4
    "hinge": (0.875 + 1.0625, 0.4375),
    # real: (1 + 4 + 1 + 0.25) / 4; fake: (9 + 0.0625 + 2.25 + 0.25) / 4;
    # generator: (16 + 0.5625 + 0.25 + 2.25) / 4
    "least-squares": (1.5625 + 2.890625, 4.765625),
}


def logits(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).view(2, 1, 1, 2)


def test_every_adversarial_loss_is_worked_out_by_hand():
    assert set(BY_HAND) == set(ADVERSARIAL)


@pytest.mark.parametrize("name", BY_HAND)
def test_adversarial_by_hand(name: str):
    discriminator, generator = BY_HAND[name]
    kind = ADVERSARIAL[name]
    assert float(kind.discriminator(logits(REAL), logits(FAKE))) == pytest.approx(discriminator)
    assert float(kind.generator(logits(FAKE))) == pytest.approx(generator)


def test_cross_entropy_of_the_undecided_is_two_bits():
    undecided = torch.zeros(1, 1, 3, 3)
    kind = ADVERSARIAL["cross-entropy"]
    assert float(kind.discriminator(undecided, undecided)) == pytest.approx(2 * math.log(2))
    assert float(kind.generator(undecided)) == pytest.approx(math.log(2))


def test_cross_entropy_bears_any_logit_and_does_not_fade():
    sure = torch.tensor([-1000.0], requires_grad=True)
    loss = ADVERSARIAL["cross-entropy"].generator(sure)
    loss.backward()
    assert float(loss.detach()) == 1000
    assert sure.grad.tolist() == [-1]
    sure = sure.detach()
    assert float(ADVERSARIAL["cross-entropy"].discriminator(-sure, sure)) == 0


@pytest.mark.parametrize("name", BY_HAND)
def test_adversarial_gradients(name: str):
    real, fake = normal(2, 1, 3, 3).requires_grad_(), normal(2, 1, 3, 3, seed=1).requires_grad_()
    kind = ADVERSARIAL[name]
    assert torch.autograd.gradcheck(kind.discriminator, (real, fake))
    assert torch.autograd.gradcheck(kind.generator, (fake,))


@pytest.mark.parametrize("name", BY_HAND)
def test_both_sides_pull_a_fake_in_opposite_directions(name: str):
    real, fake = logits(REAL), (0.1 * logits(FAKE)).requires_grad_()
    down = torch.autograd.grad(ADVERSARIAL[name].discriminator(real, fake), fake)[0]
    up = torch.autograd.grad(ADVERSARIAL[name].generator(fake), fake)[0]
    assert (up < 0).all()
    if name != "least-squares":
        assert (down > 0).all()
    else:
        assert (down.sign() == fake.sign()).all()


def test_fourth_power_by_hand():
    # means 0.375 and -0.4375: 0.5 * 0.8125^4
    result = fourth_power_penalty(logits(REAL), logits(FAKE))
    assert float(result) == pytest.approx(0.5 * 0.8125**4)
    assert float(fourth_power_penalty(logits(FAKE), logits(REAL))) == pytest.approx(float(result))
    assert float(fourth_power_penalty(logits(REAL), logits(REAL))) == 0
    real, fake = normal(2, 3).requires_grad_(), (normal(2, 3, seed=1) + 1).requires_grad_()
    assert torch.autograd.gradcheck(fourth_power_penalty, (real, fake))


def test_geometry_by_hand():
    generated = torch.tensor([0.0, 0.5, 1.0, -0.5], dtype=torch.float64).view(2, 1, 1, 2)
    depth = torch.tensor([0.0, 1.0, 0.0, 0.5], dtype=torch.float64).view(2, 1, 1, 2)
    # (0 + 0.25 + 1 + 1) / 4
    assert float(GEOMETRY["squared"](generated, depth)) == pytest.approx(0.5625)
    assert float(GEOMETRY["root"](generated, depth)) == pytest.approx(0.75)
    assert set(GEOMETRY) == {"squared", "root"}


@pytest.mark.parametrize("name", GEOMETRY)
def test_geometry_gradients(name: str):
    generated, depth = normal(2, 1, 3, 3).requires_grad_(), normal(2, 1, 3, 3, seed=1)
    assert torch.autograd.gradcheck(lambda d: GEOMETRY[name](d, depth), (generated,))


@pytest.mark.parametrize("name", GEOMETRY)
def test_a_perfect_depth_gives_no_gradient(name: str):
    depth = torch.rand(1, 1, 4, 4)
    generated = depth.clone().requires_grad_()
    loss = GEOMETRY[name](generated, depth)
    loss.backward()
    assert float(loss.detach()) <= 1e-6
    assert not generated.grad.any()
