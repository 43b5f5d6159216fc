"""How random weights begin, beyond transformers' own: ``embedding_std``, ``zero_outputs``, ``local_heads``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from reference_model.settings import Shape

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

SHARED = 0.5
"""Size of the direction that all embeddings get for local heads, in lengths of an embedding."""
PEAK = 8.0
"""Logit of attention at the distance that a local head looks back."""
DISTANCES = (1, 2, 1, 3)
"""How far the local heads of a block look back, in turn; heads that share keys look equally far."""


@torch.no_grad()
def prepare(network: LlamaForCausalLM, shape: Shape) -> None:
    """Change a new network as its settings ask; draws from torch's random numbers."""
    _scale_embedding(network, shape)
    if shape.zero_outputs:
        for block in network.model.layers:
            torch.nn.init.zeros_(block.self_attn.o_proj.weight)  # pyright: ignore
            torch.nn.init.zeros_(block.mlp.down_proj.weight)  # pyright: ignore
    if any(shape.local_heads):
        _match(network, shape)
        _look_back(network, shape)


def _scale_embedding(network: LlamaForCausalLM, shape: Shape) -> None:
    """Give the embedding its size; the first logits stay as large as they were."""
    larger = shape.embedding_std / network.config.initializer_range
    network.model.embed_tokens.weight.mul_(larger)
    if shape.tied:
        network.model.norm.weight.div_(larger)


def _match(network: LlamaForCausalLM, shape: Shape) -> None:
    """Make queries equal keys: attention then begins by looking for the same, as in arXiv 2305.09828."""
    for block in network.model.layers:
        attention: Any = block.self_attn
        keys = attention.k_proj.weight.unflatten(0, (shape.key_heads, -1))
        attention.q_proj.weight.copy_(keys.repeat_interleave(shape.heads // shape.key_heads, 0).flatten(0, 1))


def _look_back(network: LlamaForCausalLM, shape: Shape) -> None:
    """Let the local heads look back: copying waits for heads that see the token before (arXiv 2209.11895).

    What they look by is a direction that all embeddings share: a query that is the same everywhere, and a key turned
    some positions on, meet best at that distance. A tied output does not feel it: it moves all logits alike.
    """
    size, group = shape.width // shape.heads, shape.heads // shape.key_heads
    embedding = network.model.embed_tokens.weight
    direction = torch.nn.functional.normalize(torch.randn(shape.width), dim=0)
    embedding.add_(SHARED * embedding.norm(dim=1).mean() * direction)
    part = (shape.width * SHARED**2 / (1 + SHARED**2)) ** 0.5  # of a normed embedding, along the direction
    angles = shape.rope_theta ** (-torch.arange(0, size, 2) / size)
    query = torch.full((size,), (PEAK / size**0.5) ** 0.5 / part)
    for block, number in zip(network.model.layers, shape.local_heads, strict=False):
        attention: Any = block.self_attn
        for head in range(number):
            attention.q_proj.weight[head * size : (head + 1) * size].add_(torch.outer(query, direction))
        for head in range(-(-number // group)):
            key = _turned(query, DISTANCES[head % len(DISTANCES)] * angles)
            attention.k_proj.weight[head * size : (head + 1) * size].add_(torch.outer(key, direction))


def _turned(vector: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Return a vector of a head turned as rotary positions turn it."""
    first, second = vector.chunk(2)
    return torch.cat([first * angles.cos() - second * angles.sin(), second * angles.cos() + first * angles.sin()])
