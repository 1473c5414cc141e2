"""How far a drawn depth is from the true one, by name (HIDA, Eq. 5 and facts E.8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch.nn.functional as F
from torch import Tensor

SMALLEST = 1e-12
"""Mean square below which the root, infinitely steep at 0, is taken for constant."""


def _root(drawn: Tensor, depth: Tensor) -> Tensor:
    return F.mse_loss(drawn, depth).clamp(min=SMALLEST).sqrt()


GEOMETRY: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {"squared": F.mse_loss, "root": _root}
)
"""Name -> function of two maps of one shape that gives ().

`squared` is Eq. 5 as a mean over pixels, so that its weight does not depend on the size of the
picture; `root`, of the released code, is the square root of that mean over the whole batch.
"""
