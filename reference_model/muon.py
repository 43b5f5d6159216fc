"""Muon (Jordan et al. 2024): a step is the momentum of a matrix's gradient with its singular values made equal.

Steps are scaled to the root mean square of AdamW's (arXiv 2502.16982, section 2.2), so that one rate fits both.

torch.optim.Muon takes whole matrices one by one, on a CPU a third of the time of ``tiny``'s steps. Here those of one
shape are multiplied together, and a matrix may be taken in parts, which for attention are its heads: the work of the
iteration grows with the square of the shorter side (``benchmarks/muon.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from reference_model.distributed import gathered

if TYPE_CHECKING:
    from transformers import LlamaConfig

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of a quintic whose iteration moves singular values between 0 and 1 quickly to about 1 (0.7 to 1.2)."""
TOGETHER = 2**24
"""Entries that are multiplied at once: a bound for memory, far above what a small model has."""


@dataclass(frozen=True)
class Part:
    """A matrix, and how many parts of equal size it is taken in."""

    weight: torch.nn.Parameter
    number: int = 1
    columns: bool = False
    """Whether parts are columns; rows otherwise."""


def part_of(name: str, weight: torch.nn.Parameter, config: LlamaConfig) -> Part:
    """Return a matrix of a block by its name, in parts: one for each head, and as many groups of an MLP's neurons."""
    heads = config.num_attention_heads
    number = (config.num_key_value_heads or heads) if "k_proj" in name or "v_proj" in name else heads
    columns = "o_proj" in name or "down_proj" in name
    return Part(weight, number if weight.shape[int(columns)] % number == 0 else 1, columns)


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov's momentum and decoupled weight decay; weights that FSDP shares out are gathered to step."""

    def __init__(self, parts: Sequence[Part], *, lr: float, momentum: float, weight_decay: float, steps: int) -> None:
        """``steps``: of the iteration."""
        self.parts, self.steps = list(parts), steps
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__([part.weight for part in parts], defaults)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # noqa: ARG002  # pyright: ignore  # torch passes one by name
        """Take a step; weights without a gradient stay."""
        (group,) = self.param_groups
        moving = [part for part in self.parts if part.weight.grad is not None]
        for together in _batches(moving):
            momenta = [gathered(self._momentum(part.weight, group["momentum"])) for part in together]
            split = [_split(part, momentum.bfloat16()) for part, momentum in zip(together, momenta, strict=True)]
            stepped = orthogonal(torch.cat(split), self.steps)
            scale = 0.2 * max(stepped.shape[1:]) ** 0.5
            for part, own in zip(together, stepped.split([part.number for part in together]), strict=True):
                weight = part.weight
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(_like(weight, _join(part, own)), alpha=-group["lr"] * scale)

    def _momentum(self, weight: torch.nn.Parameter, share: float) -> torch.Tensor:
        gradient: Any = weight.grad
        state = self.state[weight]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        state["momentum_buffer"].lerp_(gradient, 1 - share)
        return gradient.lerp(state["momentum_buffer"], share)


def orthogonal(matrices: torch.Tensor, steps: int) -> torch.Tensor:
    """Return matrices, (number, rows, columns), with their singular values moved to about 1, in bf16."""
    a, b, c = COEFFICIENTS
    wide = matrices.bfloat16()
    tall = wide.shape[1] > wide.shape[2]
    if tall:
        wide = wide.mT
    wide = wide / wide.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(steps):
        square = wide @ wide.mT
        polynomial = torch.baddbmm(square, square, square, beta=b, alpha=c)
        wide = torch.baddbmm(wide, polynomial, wide, beta=a)
    return wide.mT if tall else wide


def _batches(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Yield parts of one shape, no more at once than ``TOGETHER`` allows."""
    alike: dict[tuple[int, ...], list[Part]] = {}
    for part in parts:
        alike.setdefault((*part.weight.shape, part.number, part.columns), []).append(part)
    for found in alike.values():
        most = max(1, TOGETHER // found[0].weight.numel())
        yield from (found[start : start + most] for start in range(0, len(found), most))


def _split(part: Part, matrix: torch.Tensor) -> torch.Tensor:
    """Return the parts of a matrix, (number, rows, columns); parts of columns are turned."""
    matrix = matrix.T if part.columns else matrix
    return matrix.reshape(part.number, -1, matrix.shape[1])


def _join(part: Part, parts: torch.Tensor) -> torch.Tensor:
    """Return the matrix of these parts."""
    matrix = parts.reshape(-1, parts.shape[2])
    return matrix.T if part.columns else matrix


def _like(weight: Any, matrix: torch.Tensor) -> torch.Tensor:
    """Return a matrix shared out as a weight is."""
    if not hasattr(weight, "full_tensor"):
        return matrix
    from torch.distributed.tensor import DTensor, Replicate

    # every process has the whole matrix and keeps its own rows, so nothing is sent
    own, mesh = matrix.to(weight.dtype).contiguous(), weight.device_mesh
    whole = DTensor.from_local(own, mesh, [Replicate()] * mesh.ndim)
    return whole.redistribute(placements=weight.placements)
