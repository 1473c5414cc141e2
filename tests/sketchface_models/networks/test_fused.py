"""Compiled chains give what plain ones give, and are used where they are said to be."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sketchface_models.networks import fused as fused_module
from sketchface_models.networks.acon import acon, pixel_meta_acon
from sketchface_models.networks.fused import FEWEST, fused

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2e-2}
"""Of values, and of gradients relative to the largest: bf16 has eight bits."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What ran, in order; `torch.compile` only notes that it was asked for."""
    log: list[str] = []

    def compiling(function: Callable[..., Tensor], **_: object) -> Callable[..., Tensor]:
        def compiled(*tensors: Tensor) -> Tensor:
            log.append("compiled")
            return function(*tensors)

        return compiled

    monkeypatch.setattr(torch, "compile", compiling)
    monkeypatch.setattr(fused_module, "_has_compiler", lambda: True)
    with torch.enable_grad():  # whatever ran before in this process
        yield log


def big(*, fewer: int = 0) -> Tensor:
    return torch.ones(1, 1, 1, FEWEST - fewer, requires_grad=True)


def test_large_maps_of_training_are_compiled_and_no_others(calls: list[str]):
    double = fused(lambda x: 2 * x)
    double(big())
    assert calls == ["compiled"]
    double(big(fewer=1))
    with torch.no_grad():
        double(big())
    assert calls == ["compiled"]


def test_without_a_compiler_nothing_is_compiled(calls: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fused_module, "_has_compiler", lambda: False)
    assert torch.equal(fused(lambda x: 2 * x)(big()), 2 * big())
    assert calls == []


PROGRAM = """
import torch
from sketchface_models.networks.acon import acon
x = torch.randn(1, 4, 1024, 1024, requires_grad=True)
p1, p2 = torch.randn(2, 1, 4, 1, 1)
assert torch.equal(acon(x, x, p1, p2), acon.__wrapped__(x, x, p1, p2))
"""


@pytest.mark.slow
def test_a_compiler_that_fails_costs_a_warning(tmp_path: Path):
    environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": str(tmp_path), "CXX": "/bin/false"}
    program = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "acon: not compiled, slower" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_compiled_activations_agree_with_plain_ones(dtype: torch.dtype, layout):
    torch.manual_seed(0)

    def maps() -> Tensor:
        return torch.randn(2, 24, 320, 320).to(dtype).contiguous(memory_format=layout)

    assert maps().numel() >= FEWEST
    p1, p2 = (torch.randn(1, 24, 1, 1, requires_grad=True) for _ in range(2))
    x, theta, arriving = maps().requires_grad_(), maps().sigmoid().requires_grad_(), maps()
    for function, inputs in ((acon, [x, theta, p1, p2]), (pixel_meta_acon, [x, p1, p2])):
        exact = [each.detach().double().requires_grad_() for each in inputs]
        y, expected = function(*inputs), function.__wrapped__(*exact)
        assert y.dtype == dtype
        assert y.is_contiguous(memory_format=layout)
        gradients = torch.autograd.grad(y, inputs, arriving)
        exact_gradients = torch.autograd.grad(expected, exact, arriving.double())
        for mine, theirs in zip([y, *gradients], [expected, *exact_gradients], strict=True):
            off = float((mine.double() - theirs).abs().max())
            assert off <= TOLERANCE[dtype] * float(theirs.abs().max())
