"""Optimizers: AdamW for all weights, or Muon for the matrices of the blocks and AdamW for the rest; their rate.

Muon (Jordan et al. 2024) takes the momentum of a matrix's gradient and makes its singular values equal before it steps.
Its updates are scaled to the root mean square of AdamW's (arXiv 2502.16982, section 2.2), so that one rate fits both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from reference_model.errors import TrainingError
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
    """Return the optimizers of a network; TrainingError where Muon is asked for and cannot be had."""
    chosen = settings.optimizer
    named = [(name, weight) for name, weight in network.named_parameters() if weight.requires_grad]
    muon = chosen.kind == "muon"
    matrices = [weight for name, weight in named if muon and ".layers." in name and weight.ndim == 2]
    held = {id(weight) for weight in matrices}
    rest = [weight for _, weight in named if id(weight) not in held]
    groups = [
        {"params": [weight for weight in rest if weight.ndim >= 2], "weight_decay": chosen.weight_decay},
        {"params": [weight for weight in rest if weight.ndim < 2], "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=chosen.rate, betas=(chosen.beta1, chosen.beta2), eps=chosen.eps, fused=world.device.type == "cuda",
    )  # fmt: skip
    found = [Descent(adamw, 1.0)]
    return [*found, _muon(chosen, matrices)] if muon else found


def _muon(settings: Optimizer, matrices: list[torch.nn.Parameter]) -> Descent:
    kind = getattr(torch.optim, "Muon", None)
    if kind is None:
        raise TrainingError(
            f"optimizer.kind = muon needs torch 2.9 or newer, this is {torch.__version__}: pip install -U torch, or "
            "--set optimizer.kind=adamw."
        )
    highest = settings.matrix_rate or settings.rate
    optimizer = kind(
        matrices, lr=highest, momentum=settings.momentum, weight_decay=settings.weight_decay,
        adjust_lr_fn="match_rms_adamw", ns_steps=settings.newton_steps,
    )  # fmt: skip
    return Descent(optimizer, highest / settings.rate)
