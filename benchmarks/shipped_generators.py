"""Processor time that each shipped generator takes for one face, on one thread.

    python benchmarks/shipped_generators.py --rounds 20

The forward pass alone, in 32 bits and batches of one: without reading, aligning and parsing.
"""

from __future__ import annotations

import argparse
import statistics

import torch
from timing import timed

from sketchface_models.inference import generator_names, load_generator
from sketchface_models.styles import STYLE

CPU = torch.device("cpu")
UNTIMED = 2  # turns in which memory is laid out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| generator | parameters | side | processor time, ms |\n|---|---|---|---|")
    for name in generator_names():
        system, card = load_generator(name)
        task, styles = card["model"]["task"], len(card.get("styles") or {})
        batch = {}
        for field in task["inputs"]:
            side = (task.get("sizes") or {}).get(field, task["size"])
            channels = card["channels"][field]
            batch[field] = torch.zeros(1, channels, side, side)
        if STYLE in batch:
            batch[STYLE] = torch.eye(styles)[:1]
        with torch.no_grad():
            turns = [
                timed(lambda system=system, batch=batch: system.generate(batch), CPU).processor
                for _ in range(options.rounds + UNTIMED)
            ]
        milliseconds = 1e3 * statistics.median(turns[UNTIMED:])
        print(f"| {name} | {card['parameters']:,} | {task['size']} | {milliseconds:.0f} |")


if __name__ == "__main__":
    main()
