"""Processes: who we are under torchrun, sums over all of us, and a model whose weights are shared out (FSDP2)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed
from torch.distributed.checkpoint.state_dict import StateDictOptions, set_model_state_dict
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

from reference_model.errors import TrainingError

if TYPE_CHECKING:
    from reference_model.loss import LossNetwork


@dataclass(frozen=True)
class World:
    """The processes that train together, seen from one of them."""

    rank: int
    size: int
    device: torch.device

    @property
    def together(self) -> bool:
        """Return whether a process group exists: torchrun started us, be it as the only one."""
        return distributed.is_initialized()

    @property
    def first(self) -> bool:
        """Return whether this process writes and prints."""
        return self.rank == 0

    def wait(self) -> None:
        """Return when all processes have come here."""
        if self.together:
            distributed.barrier()

    def sum(self, *values: float) -> list[float]:
        """Return each value summed over all processes, in 64 bits."""
        if not self.together:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(tensor)
        return tensor.tolist()

    def agree(self, failure: Exception | None) -> None:
        """Wait for all processes; raise ``failure`` in the one that has it, and a TrainingError in the others."""
        failures = self.sum(failure is not None)[0]
        if failure is not None:
            raise failure
        if failures:
            raise TrainingError("Another process has failed, and says why.")


@contextmanager
def joined() -> Iterator[World]:
    """Join the processes that torchrun started, or work alone where it did not; leave them at the end."""
    under_torchrun = "RANK" in os.environ and "WORLD_SIZE" in os.environ
    rank, size = (int(os.environ.get(name, default)) for name, default in (("RANK", 0), ("WORLD_SIZE", 1)))
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
        torch.cuda.set_device(device)
    else:
        device = torch.device("cpu")
    if not under_torchrun:
        yield World(0, 1, device)
        return
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=timedelta(minutes=30))
    try:
        yield World(rank, size, device)
    finally:
        distributed.destroy_process_group()


def share_out(network: LossNetwork, world: World, *, bf16: bool) -> None:
    """Shard each block and then the rest over all processes, and fill in the weights that the first process holds.

    The network is real on the first process and may be on the meta device elsewhere, so that one copy of the weights
    is in memory, not one a process. Gradients come out averaged over processes.
    """
    policy = MixedPrecisionPolicy(
        param_dtype=torch.bfloat16 if bf16 else None, reduce_dtype=torch.float32 if bf16 else None
    )
    weights = network.state_dict() if world.first else {}
    rotary = network.network.model.rotary_emb
    network.to("meta")
    network.network.tie_weights()  # a move parts tied matrices
    for block in network.network.model.layers:
        fully_shard(block, mp_policy=policy)
    fully_shard(network, mp_policy=policy)
    network.to_empty(device=world.device)
    network.network.tie_weights()
    fresh = type(rotary)(network.network.config)  # its frequencies are in no state dict
    network.network.model.rotary_emb = fresh.to(world.device)
    options = StateDictOptions(full_state_dict=True, broadcast_from_rank0=True)
    set_model_state_dict(network, weights, options=options)


def gathered(tensor: Any) -> Any:
    """Return a tensor whole, where FSDP shares it out; all processes ask together."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
