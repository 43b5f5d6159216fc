"""Attention over packed rows: which implementation, and torch's own variable-length one for transformers' LLaMA.

Conversations lie end to end in a row and must not see each other. Masks do that by computing what they throw away;
kernels that are told where each conversation begins leave it out. flash-attn is one such kernel and must be built;
``varlen`` here is the same in torch itself, on GPUs with Ampere's cores or newer.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from transformers import AttentionInterface
from transformers.models.llama.modeling_llama import repeat_kv

from reference_model.distributed import World
from reference_model.errors import TrainingError
from reference_model.settings import Settings

SHORT = 512
"""Longest rows for which plain attention is faster on CPU: the backward pass of torch's fused one is slow there."""
VARLEN = "2.11"
"""torch whose variable-length attention takes the arguments that are given here."""


def choose(settings: Settings, world: World, *, bf16: bool) -> str:
    """Return the attention implementation: one that keeps packed conversations apart.

    Raises TrainingError for ``varlen`` where its kernel cannot be had.
    """
    wanted = settings.running.attention
    has_varlen = bf16 and _has_kernel(world.device)
    if wanted == "varlen" and not has_varlen:
        raise TrainingError(
            f"running.attention = 'varlen' needs a GPU of compute capability 8, bf16 and torch {VARLEN}; here are "
            f"{world.device.type}, {'bf16' if bf16 else 'fp32'} and torch {torch.__version__}: "
            "--set running.attention=auto."
        )
    if wanted != "auto":
        return wanted
    if world.device.type != "cuda":
        return "eager" if settings.batch.length <= SHORT else "sdpa"
    if find_spec("flash_attn"):
        return "flash_attention_2"
    if has_varlen:
        return "varlen"
    # for a process that is alone only torch's newer flex_attention was tried (older ones: pytorch issue 165468)
    return "flex_attention" if world.together or torch.__version__ >= "2.13" else "sdpa"


def _has_kernel(device: torch.device) -> bool:
    on_gpu = device.type == "cuda" and torch.__version__ >= VARLEN
    return on_gpu and torch.cuda.get_device_capability(device) >= (8, 0)


def bounds(positions: np.ndarray, device: torch.device) -> dict[str, Any]:
    """Return where conversations begin and end, by transformers' names for it: ``positions`` are (rows, length).

    The longest is given as the length of a row, so that a compiled block need not be compiled again.
    """
    starts = np.flatnonzero(positions.ravel() == 0)
    ends = torch.from_numpy(np.append(starts, positions.size).astype(np.int32)).to(device)
    return {"cu_seq_lens_q": ends, "max_length_q": positions.shape[1]}


def varlen(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: None,
    *,
    scaling: float,
    cu_seq_lens_q: torch.Tensor,
    max_length_q: int,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Return causal attention within the conversations that ``bounds`` found, as transformers' interface has it.

    ``query``, ``key`` and ``value`` are (rows, heads, length, size), the output (rows, length, heads, size). The kernel
    takes 16 bits.
    """
    from torch.nn.attention.varlen import varlen_attn

    rows, heads, length, size = query.shape
    repeats = heads // key.shape[1]
    parts = (query, repeat_kv(key, repeats), repeat_kv(value, repeats))
    query, key, value = (part.transpose(1, 2).reshape(-1, heads, size).to(torch.bfloat16) for part in parts)
    ends, longest = cu_seq_lens_q, max_length_q
    output = varlen_attn(query, key, value, ends, ends, longest, longest, scale=scaling, window_size=(-1, 0))
    return output.view(rows, length, heads, size), None  # pyright: ignore[reportAttributeAccessIssue]


AttentionInterface.register("varlen", varlen)
