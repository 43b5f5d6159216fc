"""Computing in bf16 with weights kept in 32 bits, in a process that trains alone: FSDP's mixed precision without FSDP.

Autocast would round every matrix again for each micro-batch, keep what lies between blocks in 32 bits, and turn each
gradient into 32 bits before it is added to the others.
"""

from __future__ import annotations

import copy
from functools import partial

import torch

from reference_model.loss import LossNetwork


class WorkingCopy:
    """A copy of a network in bf16, whose gradients add up in 32 bits at the weights that it was copied from."""

    def __init__(self, network: LossNetwork) -> None:
        kept = list(network.parameters())
        rounded = [torch.nn.Parameter(weight.detach().bfloat16(), weight.requires_grad) for weight in kept]
        self.pairs = list(zip(kept, rounded, strict=True))
        # what deepcopy believes to have copied already: no second copy in 32 bits, and tied matrices stay tied
        self.network = copy.deepcopy(network, {id(weight): own for weight, own in self.pairs})
        for weight, own in self.pairs:
            if own.requires_grad:
                own.register_post_accumulate_grad_hook(partial(_hand_over, weight))

    @torch.no_grad()
    def refresh(self) -> None:
        """Round the kept weights again, after they have changed."""
        for weight, own in self.pairs:
            own.copy_(weight)


def _hand_over(weight: torch.nn.Parameter, own: torch.nn.Parameter) -> None:
    """Add the gradient of a rounded weight to that of the kept one, and free it."""
    gradient, own.grad = own.grad, None
    weight.grad = gradient.float() if weight.grad is None else weight.grad.add_(gradient)  # pyright: ignore
