"""Cross-entropy that never holds the logits of a whole batch, and the network that training calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from reference_model.pack import IGNORED

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

Chunk = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def chunk_loss(states: torch.Tensor, weight: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return the summed cross-entropy of positions at once: states are (positions, width), ``wanted`` (positions)."""
    logits = functional.linear(states, weight).float()
    return functional.cross_entropy(logits, wanted, reduction="sum")


def summed_loss(
    hidden: torch.Tensor, weight: torch.Tensor, labels: torch.Tensor, rows: int, chunk: Chunk = chunk_loss
) -> torch.Tensor:
    """Return the sum of cross-entropies over the learned positions, in 32 bits.

    ``hidden`` is (…, width), ``weight`` (vocabulary, width), ``labels`` (…). Logits exist for ``rows`` positions at a
    time and are computed again in the backward pass; positions that are not learned have none. ``chunk`` is what
    computes them, ``chunk_loss`` or the same compiled.
    """
    learned = labels != IGNORED
    hidden, labels = hidden[learned], labels[learned]
    total = hidden.new_zeros((), dtype=torch.float32)
    for states, wanted in zip(hidden.split(rows), labels.split(rows), strict=True):
        total = total + checkpoint(chunk, states, weight, wanted, use_reentrant=False)
    return total


class LossNetwork(torch.nn.Module):
    """A causal language model whose forward pass gives the loss: so FSDP gathers the output matrix like the rest."""

    def __init__(self, network: LlamaForCausalLM, rows: int, compiler: str = "") -> None:
        super().__init__()
        self.network = network
        self.rows = rows
        self.chunk = torch.compile(chunk_loss, backend=compiler, dynamic=True) if compiler else chunk_loss

    def forward(
        self, ids: torch.Tensor, positions: torch.Tensor, labels: torch.Tensor, **attention: Any
    ) -> torch.Tensor:
        """Return the summed loss of packed rows; transformers masks attention where positions restart."""
        states = self.network.model(input_ids=ids, position_ids=positions, use_cache=False, **attention)
        return summed_loss(states.last_hidden_state, self.network.lm_head.weight, labels, self.rows, self.chunk)
