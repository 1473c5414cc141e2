"""What holds for systems that generate with dropout or batch statistics switched on."""

import torch
from torch import Tensor

from sketchface_models.systems.base import System


def check_generated_by_the_picture(system: System, usual: System, photos: Tensor) -> None:
    """Each picture comes out alike whatever stands beside it, and nothing else changes.

    Args:
        system: in eval mode, with a switch on.
        usual: the same with none.
        photos: (B, 3, S, S).
    """
    batch, state = {"photo": photos}, torch.get_rng_state()
    buffers = {name: b.clone() for name, b in system.networks.named_buffers()}
    with torch.no_grad():
        together = system.generate(batch)
        alone = [system.generate({"photo": one}) for one in photos.split(1)]
        assert torch.equal(together, torch.cat(alone))
        assert not torch.allclose(together, usual.generate(batch), atol=1e-3)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(b, buffers[name]) for name, b in system.networks.named_buffers())
    assert not any(module.training for module in system.networks.modules())
