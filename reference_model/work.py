"""The arithmetic of training: parameters, floating-point operations, memory, and what a GPU can do.

Operations are counted as is usual for model FLOPs utilisation (PaLM, arXiv 2204.02311, appendix B): 6 for each weight
and token, and 12 · layers · width · length for attention; what activation checkpointing repeats does not count. Here
attention is counted for the causal half, and reaches back only to the beginning of its own conversation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from reference_model.settings import Settings, Shape

PEAKS = {
    "H100 PCIe": 756e12, "H100 NVL": 835e12,
    "H200": 989e12, "GH200": 989e12, "H100": 989e12, "A100": 312e12, "A800": 312e12, "H800": 989e12, "H20": 148e12,
    "B200": 2250e12, "L40S": 362e12, "L4": 121e12, "A10": 125e12, "4090": 165e12, "V100": 125e12,
}  # fmt: skip
"""Dense bf16 (V100: fp16) operations a second, from the makers' data sheets, by the word in the device's name."""


@dataclass(frozen=True)
class Parameters:
    """How many weights there are and how many are trained."""

    embedding: int
    block: int
    """Of one transformer block."""
    all: int
    trained: int


def parameters(settings: Settings) -> Parameters:
    """Return the counts of a LLaMA of these settings, with LoRA's where it is used."""
    shape = settings.model
    head = shape.width // shape.heads
    sizes = {
        "q_proj": (shape.width, shape.width),
        "k_proj": (shape.width, shape.key_heads * head),
        "v_proj": (shape.width, shape.key_heads * head),
        "o_proj": (shape.width, shape.width),
        "gate_proj": (shape.width, shape.inner),
        "up_proj": (shape.width, shape.inner),
        "down_proj": (shape.inner, shape.width),
    }
    block = sum(a * b for a, b in sizes.values()) + 2 * shape.width
    embedding = shape.vocabulary * shape.width
    total = embedding * (1 if shape.tied else 2) + shape.layers * block + shape.width
    rank = settings.adapter.rank
    if not rank:
        return Parameters(embedding, block, total, total)
    added = shape.layers * sum(rank * sum(size) for name, size in sizes.items() if name in settings.adapter.layers)
    return Parameters(embedding, block, total + added, added)


def operations(settings: Settings, context: float, learned: float = 1.0) -> float:
    """Return floating-point operations to learn from one token that sees ``context`` tokens of its own on average.

    The embedding is looked up, not multiplied; the output matrix is multiplied at the ``learned`` share of positions;
    frozen weights need no gradient of their own, which saves a third.
    """
    shape, counted = settings.model, parameters(settings)
    matrices = shape.layers * counted.block + learned * counted.embedding
    frozen = settings.adapter.rank > 0
    dense = (4 * matrices + 6 * counted.trained) if frozen else 6 * matrices
    return dense + 12 * shape.layers * shape.width * context


def peak(device: str) -> float | None:
    """Return operations a second of a device by its name; None for one that is not known, such as a CPU."""
    return next((rate for name, rate in PEAKS.items() if re.search(rf"\b{name}\b", device)), None)


@dataclass(frozen=True)
class Memory:
    """Bytes on one GPU while training."""

    weights: float
    gradients: float
    optimizer: float
    gathered: float
    activations: float
    logits: float

    @property
    def all(self) -> float:
        """Return the sum."""
        return self.weights + self.gradients + self.optimizer + self.gathered + self.activations + self.logits


def memory(settings: Settings, gpus: int) -> Memory:
    """Return what each of ``gpus`` needs: 32-bit weights, gradients and moments (AdamW two, Muon one) by FSDP2.

    Gathered are the matrices outside the blocks and two blocks in the precision of computing; on one GPU in bf16, the
    copy of all weights. Activations are those of ``batch.micro`` rows without the attention matrix:
    with ``running.recompute`` the input of each block and the inside of one.
    """
    shape, counted, rows = settings.model, parameters(settings), settings.batch.micro * settings.batch.length
    item = 4 if settings.running.precision == "fp32" else 2
    copied = gpus == 1 and item == 2
    outside = counted.embedding * (1 if shape.tied else 2)
    gathered = item * (outside + (shape.layers if copied else 2) * counted.block) if gpus > 1 or copied else 0
    inside = rows * held(shape, item)
    kept = rows * item * shape.width
    matrices = shape.layers * (counted.block - 2 * shape.width)
    blocks = shape.layers * kept + inside if settings.running.recompute else shape.layers * inside
    return Memory(
        weights=4 * counted.all / gpus,
        gradients=4 * counted.trained / gpus,
        optimizer=(8 * counted.trained - (4 * matrices if settings.optimizer.kind == "muon" else 0)) / gpus,
        gathered=gathered,
        activations=blocks + 2 * kept,
        logits=settings.running.loss_rows * shape.vocabulary * (item + 2 * 4),
    )


def held(shape: Shape, item: int) -> float:
    """Return bytes a token that a block of transformers' LLaMA keeps for its backward pass, as torch counts them.

    ``item`` is the size of a number in matrix products. Norms compute in 32 bits. Then queries, keys, values, the
    attention's output, and the four parts of SwiGLU.
    """
    keys = shape.width * shape.key_heads / shape.heads
    norms = 16 if item == 2 else 24
    return (norms + 2 * item) * shape.width + 2 * item * keys + 4 * item * shape.inner
