"""From the hidden layers of an encoder to one vector a segment, as COMET's checkpoints were trained.

Layers are mixed by learned weights, a softmax or a sparsemax (Martins and Astudillo, 2016) over one scalar a layer.
Where ``layer_norm`` asks for it each layer is first brought to mean 0 and variance 1 over all dimensions of all tokens
of its segment. Shapes: layers [segments, tokens, units], masks [segments, tokens], vectors [segments, units].
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_EPSILON = 1e-12


def sparsemax(scores: Tensor) -> Tensor:
    """Return the point of the probability simplex that is nearest to ``scores`` [n]; most of its entries may be 0."""
    ordered, _ = torch.sort(scores, descending=True)
    sums = ordered.cumsum(0)
    ranks = torch.arange(1, len(scores) + 1, dtype=scores.dtype, device=scores.device)
    support = int((1 + ranks * ordered > sums).sum())
    return torch.clamp(scores - (sums[support - 1] - 1) / support, min=0)


def mix(layers: Sequence[Tensor], weights: Sequence[float], mask: Tensor, *, layer_norm: bool) -> Tensor:
    """Return the weighted sum of layers; with ``layer_norm`` each is normalised over the tokens that ``mask`` keeps."""
    mixed = torch.zeros_like(layers[0])
    for layer, weight in zip(layers, weights, strict=True):
        if weight != 0:
            mixed += weight * (_normalised(layer, mask) if layer_norm else layer)
    return mixed


def _normalised(layer: Tensor, mask: Tensor) -> Tensor:
    kept = mask.unsqueeze(-1)
    values = mask.sum(1).view(-1, 1, 1) * layer.shape[-1]
    mean = (layer * kept).sum((1, 2), keepdim=True) / values
    variance = (((layer - mean) * kept) ** 2).sum((1, 2), keepdim=True) / values
    return (layer - mean) / torch.sqrt(variance + _EPSILON)


def pool(layer: Tensor, how: str, mask: Tensor, padding: Tensor) -> Tensor:
    """Return one vector a segment: the mean or the maximum over its tokens, or its first token.

    ``padding`` marks tokens that are the padding token, be it typed in the text itself: they add nothing, but the mean
    still divides by all that ``mask`` keeps.
    """
    if how == "avg":
        return layer.masked_fill(padding.unsqueeze(-1), 0.0).sum(1) / mask.sum(1, keepdim=True)
    if how == "max":
        return layer.masked_fill(padding.unsqueeze(-1), float("-inf")).amax(1)
    return layer[:, 0]
