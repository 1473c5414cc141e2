"""Which networks a training step's losses have gradients for."""

from typing import Any

from torch import Tensor

from sketchface_models.systems.base import Batch, Clock, System


def gradient_shares(system: System, batch: Batch, clock: Clock) -> dict[str, dict[str, float]]:
    """Optimizer -> network -> part of its parameters for which the loss has gradients."""
    shares: dict[str, dict[str, float]] = {}

    def update(name: str, loss: Tensor) -> Tensor:
        system.networks.zero_grad(set_to_none=True)
        loss.backward(retain_graph=True)
        shares[name] = {other: _share(network) for other, network in system.networks.items()}
        return loss.detach()

    system.training_step(batch, clock, update)
    return shares


def _share(network: Any) -> float:
    gradients = [p.grad for p in network.parameters()]
    return sum(g is not None and bool(g.any()) for g in gradients) / len(gradients)
