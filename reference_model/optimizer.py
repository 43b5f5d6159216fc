"""Optimizers: AdamW for all weights, or Muon for the matrices of the blocks and AdamW for the rest; their rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from reference_model.muon import Muon, Part, part_of
from reference_model.settings import Optimizer, Settings

if TYPE_CHECKING:
    from reference_model.distributed import World
    from reference_model.loss import LossNetwork


def rate(settings: Optimizer, step: int, steps: int) -> float:
    """Return the learning rate of a step, from 0: a straight rise, ``hold``, a cosine down to ``final``."""
    rising = math.ceil(settings.warmup * steps)
    if step < rising:
        return settings.rate * (step + 1) / rising
    level = rising + math.floor(settings.hold * steps)
    share = max(0, step - level) / max(1, steps - level)
    return settings.rate * (settings.final + (1 - settings.final) * 0.5 * (1 + math.cos(math.pi * share)))


@dataclass(frozen=True)
class Descent:
    """An optimizer and its part of the learning rate."""

    optimizer: torch.optim.Optimizer
    scale: float

    def step(self, now: float) -> None:
        """Take a step at a learning rate and forget the gradient."""
        for group in self.optimizer.param_groups:
            group["lr"] = now * self.scale
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


def make_descents(settings: Settings, network: LossNetwork, world: World) -> list[Descent]:
    """Return the optimizers of a network."""
    chosen = settings.optimizer
    named = [(name, weight) for name, weight in network.named_parameters() if weight.requires_grad]
    muon = chosen.kind == "muon"
    matrices = {name: weight for name, weight in named if muon and ".layers." in name and weight.ndim == 2}
    rest = [weight for name, weight in named if name not in matrices]
    groups = [
        {"params": [weight for weight in rest if weight.ndim >= 2], "weight_decay": chosen.weight_decay},
        {"params": [weight for weight in rest if weight.ndim < 2], "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=chosen.rate, betas=(chosen.beta1, chosen.beta2), eps=chosen.eps, fused=world.device.type == "cuda",
    )  # fmt: skip
    found = [Descent(adamw, 1.0)]
    if muon:
        config = network.network.config
        parts = [part_of(name, one, config) if chosen.by_head else Part(one) for name, one in matrices.items()]
        highest = chosen.matrix_rate or chosen.rate
        optimizer = Muon(
            parts, lr=highest, momentum=chosen.momentum, weight_decay=chosen.weight_decay, steps=chosen.newton_steps
        )
        found.append(Descent(optimizer, highest / chosen.rate))
    return found
