"""Compiled chains give what plain ones give, and are used where they are said to be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sketchface_models.networks.acon import acon, pixel_meta_acon
from sketchface_models.networks.fused import FEWEST

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2e-2}
"""Of values, and of gradients relative to the largest: bf16 has eight bits."""


CALLS = """
import torch
from sketchface_models.networks import fused as module

calls = []

def compiling(function, **_):
    def compiled(*tensors):
        calls.append("compiled")
        return function(*tensors)
    return compiled

def big(fewer=0):
    return torch.ones(1, 1, 1, module.FEWEST - fewer, requires_grad=True)

torch.compile = compiling
module._has_compiler = lambda: {has_compiler}
double = module.fused(lambda x: 2 * x)
assert torch.equal(double(big()), 2 * big())
after_large = len(calls)
double(big(fewer=1))
with torch.no_grad():
    double(big())
print(after_large, len(calls))
"""
"""Notes where `torch.compile` is asked for, in a process of its own: it is the whole process's."""


def counted(has_compiler: bool) -> str:
    """How often compiled code ran after a large map of training, and after all others, too."""
    program = CALLS.format(has_compiler=has_compiler)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_large_maps_of_training_are_compiled_and_no_others():
    assert counted(has_compiler=True) == "1 1"


def test_without_a_compiler_nothing_is_compiled():
    assert counted(has_compiler=False) == "0 0"


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
