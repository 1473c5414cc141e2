"""What sharing the parsing map's features saves in SPADE's generator.

    python benchmarks/spade_step.py                       published width, 256 px
    python benchmarks/spade_step.py --width 16 --size 128 --batch 4

Forward and backward passes in bf16. The contenders: every SPADE shrinks the map itself, as in the
released code; a block shrinks it once for its two or three SPADEs, as the networks here do, with
the same result; a block also computes one hidden layer for all of them, which is another network.
Contenders take turns: read the ratios.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch
from timing import in_turn, median_ms, processor_ratio, ratios, timed
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from sketchface_models.labels import CLASSES, one_hot
from sketchface_models.networks.spade import CODE, SPADE, SPADEGenerator, SPADEResBlock
from sketchface_models.runtime import keep_freed_memory

RELEASED, SHRUNK, HIDDEN = (
    "map shrunk in every SPADE",
    "map shrunk once a block",
    "one hidden layer",
)


class Once(nn.Module):
    """A layer that computes an input once; `results` holds it and what came of it."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.results: tuple[Tensor, Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer gives, (B, C, H, W) -> (B, hidden, H, W)."""
        if self.results is None or self.results[0] is not x:
            self.results = x, self.layer(x)
        return self.results[1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    cpu = torch.device("cpu")
    works = {
        name: passes(change, options)
        for name, change in ((RELEASED, shrink_everywhere), (SHRUNK, None), (HIDDEN, share_hidden))
    }
    flops = {name: operations(work) for name, work in works.items()}
    times = in_turn(
        {name: lambda w=work: timed(w, cpu) for name, work in works.items()}, options.rounds
    )
    print(f"width {options.width}, {options.size} px, batch {options.batch}, bf16, ", end="")
    print(f"{options.threads} threads, {options.rounds} rounds")
    print(f"{'':28}{'GFLOP':>8}{'ms':>9}{'time, (middle half)':>25}{'processor':>11}")
    for name, seconds in times.items():
        low, middle, high = ratios(seconds, times[RELEASED])
        processor = processor_ratio(seconds, times[RELEASED])
        print(
            f"{name:28}{flops[name] / 1e9:8.1f}{median_ms(seconds):9.1f}"
            f"{f'{middle:.3f} x ({low:.3f} to {high:.3f})':>25}{processor:9.3f} x"
        )


def passes(
    change: Callable[[SPADEGenerator], None] | None, options: argparse.Namespace
) -> Callable[[], None]:
    """Forward and backward through a generator, changed or as it is."""
    torch.manual_seed(0)
    generator = SPADEGenerator(len(CLASSES), 3, options.width, options.size, coded=True)
    generator.to(memory_format=generator.layout)
    if change:
        change(generator)
    side = options.size // 16
    labels = torch.randint(len(CLASSES), (options.batch, side, side))
    segmentation = one_hot(labels.repeat_interleave(16, 1).repeat_interleave(16, 2))
    codes = [torch.randn(options.batch, CODE)]

    def work() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            generator(segmentation, codes).float().square().mean().backward()
        generator.zero_grad()

    return work


def shrink_everywhere(generator: SPADEGenerator) -> None:
    """Have every SPADE see the whole map and shrink it."""

    def whole(block: nn.Module, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        del block
        return inputs[0], maps[0]

    maps: list[Tensor] = []
    generator.register_forward_pre_hook(lambda _, inputs: maps.__setitem__(slice(None), inputs[:1]))
    for block in generator.blocks:
        block.register_forward_pre_hook(whole)


def share_hidden(generator: SPADEGenerator) -> None:
    """Give the SPADEs of a block one hidden layer."""
    for block in generator.blocks:
        assert isinstance(block, SPADEResBlock)
        spades = [module for module in block.modules() if isinstance(module, SPADE)]
        shared = Once(spades[0].shared)
        block.register_forward_pre_hook(lambda *_, shared=shared: setattr(shared, "results", None))
        for spade in spades:
            spade.add_module("shared", shared)


def operations(work: Callable[[], None]) -> int:
    """Floating-point operations of convolutions and matrix products."""
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


if __name__ == "__main__":
    main()
