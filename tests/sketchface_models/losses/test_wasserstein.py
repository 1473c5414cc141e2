"""Critics' and autoencoders' losses against known values."""

import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from sketchface_models.losses import wasserstein


class Linear(nn.Module):
    """The critic <w, x>, whose gradient is w everywhere."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return (picture * self.weight).sum(dim=(1, 2, 3))


@pytest.mark.parametrize(
    ("per", "norms"), [("sample", [[13.0]]), ("pixel", [[5.0, 12.0], [0.0, 0.0]])]
)
def test_gradient_penalty_of_a_linear_critic(per: str, norms: list[list[float]]):
    weight = torch.zeros(2, 2, 2)
    weight[:, 0, 0] = torch.tensor([3.0, 4.0])
    weight[0, 0, 1] = 12.0
    critic = Linear(weight)
    real, fake = torch.randn(4, 2, 2, 2), torch.randn(4, 2, 2, 2)
    penalty = wasserstein.gradient_penalty(critic, real, fake, per)
    expected = (torch.tensor(norms) - 1).square().mean()
    torch.testing.assert_close(penalty, expected, rtol=1e-5, atol=1e-5)
    penalty.backward()
    assert critic.weight.grad is not None
    assert critic.weight.grad.isfinite().all()


@pytest.mark.parametrize("mix", [0.0, 0.25, 1.0])
def test_penalty_is_taken_between_real_and_fake(mix: float):
    """The critic sum(x^2) / 2 has gradient x: the norm tells where it was taken."""

    class Square(nn.Module):
        def forward(self, picture: torch.Tensor) -> torch.Tensor:
            return 0.5 * picture.square().sum(dim=(1, 2, 3))

    real, fake = torch.full((1, 1, 1, 1), 7.0), torch.full((1, 1, 1, 1), 3.0)
    part = torch.full((1, 1, 1, 1), mix)
    penalty = wasserstein.gradient_penalty(Square(), real, fake, "sample", part)
    assert penalty.item() == pytest.approx((mix * 7 + (1 - mix) * 3 - 1) ** 2, rel=1e-5)


def test_penalty_in_bfloat16_is_that_of_32_bits_within_rounding():
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Conv2d(3, 8, 3), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 6))
    real, fake = torch.randn(2, 4, 3, 8, 8).unbind(0)
    mix = torch.rand(4, 1, 1, 1)
    exact = wasserstein.gradient_penalty(critic, real, fake, "sample", mix)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = wasserstein.gradient_penalty(critic, real, fake, "sample", mix)
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, exact, rtol=0.05, atol=0.01)
    rounded.backward()
    assert all(weight.grad is not None for weight in critic[0].parameters() if weight.ndim > 1)


def test_kl_divergence_is_the_mean_over_batch_and_dimensions():
    mean, log_variance = torch.randn(2, 5, 7).unbind(0)
    expected = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0)).mean()
    code = torch.cat([mean, log_variance], dim=1)
    torch.testing.assert_close(wasserstein.kl_divergence(code), expected)


def test_critic_loss_and_drift():
    real, fake = torch.tensor([4.0, 2.0]), torch.tensor([[1.0], [-7.0]])
    assert wasserstein.critic_loss(real, fake).item() == -3.0 - 3.0
    assert wasserstein.drift(real, fake).item() == 0.0
    assert wasserstein.drift(real, -fake).item() == 3.0
