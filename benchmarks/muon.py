"""A step of Muon over the matrices of a model: ours by head and whole, and torch.optim.Muon, in turn in one process.

Gradients are random; what is timed is `optimizer.step()`, by the clock.

    python benchmarks/muon.py tiny
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from transformers import LlamaForCausalLM

from reference_model import settings
from reference_model.muon import Muon, Part, part_of
from reference_model.network import llama_config
from reference_model.settings import Settings

LR, MOMENTUM, DECAY = 1e-3, 0.95, 0.05


def sides(chosen: Settings, steps: int) -> dict[str, Callable[[], None]]:
    """Return each optimizer's step, on a network of its own with gradients."""
    found = {}
    for name in ("by head", "whole", "torch.optim.Muon"):
        network = LlamaForCausalLM(llama_config(chosen.model))
        matrices = {name: one for name, one in network.model.layers.named_parameters() if one.ndim == 2}
        for one in matrices.values():
            one.grad = torch.randn_like(one)
        if name == "torch.optim.Muon":
            optimizer = torch.optim.Muon(
                list(matrices.values()), lr=LR, momentum=MOMENTUM, weight_decay=DECAY, ns_steps=steps,
                adjust_lr_fn="match_rms_adamw",
            )  # fmt: skip
        else:
            by_head = name == "by head"
            parts = [part_of(name, one, network.config) if by_head else Part(one) for name, one in matrices.items()]
            optimizer = Muon(parts, lr=LR, momentum=MOMENTUM, weight_decay=DECAY, steps=steps)
        found[name] = optimizer.step
    return found


def main() -> None:
    """Print the median of each side and its share of torch's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", nargs="?", default="tiny", help="settings by name or .toml file (default: tiny)")
    parser.add_argument("--repeats", type=int, default=30)
    arguments = parser.parse_args()
    if not hasattr(torch.optim, "Muon"):
        parser.error(f"torch {torch.__version__} has no Muon to compare with: pip install 'torch>=2.9'")
    chosen = settings.load(arguments.config)
    times: dict[str, list[float]] = {}
    steps = sides(chosen, chosen.optimizer.newton_steps)
    for repeat in range(arguments.repeats + 3):  # three to warm up
        for name, step in steps.items():
            begun = time.perf_counter()
            step()
            if repeat >= 3:
                times.setdefault(name, []).append(time.perf_counter() - begun)
    peer = statistics.median(times["torch.optim.Muon"])
    for name, found in times.items():
        middle = statistics.median(found)
        spread = f"{min(found) * 1e3:.1f} to {max(found) * 1e3:.1f}"
        print(f"{name:<18} {middle * 1e3:7.1f} ms ({spread}), {middle / peer:.2f} of torch's")


if __name__ == "__main__":
    main()
