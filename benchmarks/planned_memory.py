"""What `bayling-model plan` says a GPU needs, beside what torch's own FSDP2 memory tracker finds in two steps.

The tracker goes through the real network, optimizer and sharding on fake tensors, in a process group that is made up:
no GPU, no weights, a minute. Every position of the row is learned, since fake tensors know of no choice by value.

    python benchmarks/planned_memory.py bayling_7b --gpus 8
"""

from __future__ import annotations

import argparse
from typing import Any

import torch
from torch import distributed
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed._tools.fsdp2_mem_tracker import FSDPMemTracker
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.testing._internal.distributed.fake_pg import FakeStore
from torch.utils.checkpoint import checkpoint
from transformers import LlamaForCausalLM

from reference_model import settings, work
from reference_model.loss import LossNetwork, chunk_loss
from reference_model.network import llama_config
from reference_model.settings import Settings
from reference_model.train import enable_recompute


class EveryPosition(LossNetwork):
    """The network of training, with a loss on each position."""

    def forward(self, ids: torch.Tensor, positions: torch.Tensor, labels: torch.Tensor, **_: Any) -> torch.Tensor:
        """Return the summed loss, in chunks as training computes it."""
        states = self.network.model(input_ids=ids, position_ids=positions, use_cache=False).last_hidden_state
        total = states.new_zeros((), dtype=torch.float32)
        for some, wanted in zip(states.flatten(0, 1).split(self.rows), labels.flatten().split(self.rows), strict=True):
            total = total + checkpoint(chunk_loss, some, self.network.lm_head.weight, wanted, use_reentrant=False)
        return total


def tracked(chosen: Settings, gpus: int) -> float:
    """Return bytes at the peak of the second step on one of ``gpus``."""
    distributed.init_process_group("fake", rank=0, world_size=gpus, store=FakeStore())
    mesh = init_device_mesh("cpu", (gpus,))
    policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    shape = (chosen.batch.micro, chosen.batch.length)
    with FakeTensorMode(allow_non_fake_inputs=True):
        model = LlamaForCausalLM(llama_config(chosen.model))
        if chosen.running.recompute:
            enable_recompute(model)
        network = EveryPosition(model, chosen.running.loss_rows).train()
        for part in (*model.model.layers, network):
            fully_shard(part, mesh=mesh, mp_policy=policy)
        optimizer = torch.optim.AdamW(network.parameters(), foreach=False)
        ids = torch.randint(0, chosen.model.vocabulary, shape)
        positions = torch.arange(shape[1]).expand(shape)
        tracker = FSDPMemTracker(network, optimizer)
        tracker.track_inputs((ids, positions))
        with tracker:
            for _ in range(2):
                network(ids, positions, ids).backward()
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                tracker.reset_mod_stats()
    return next(iter(tracker.get_tracker_snapshot("peak").values()))["Total"]


def main() -> None:
    """Print both figures and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("--gpus", type=int, default=8)
    options = parser.parse_args()
    chosen = settings.load(options.config, ["batch.micro=1"])
    planned, found = work.memory(chosen, options.gpus).all / 1e9, tracked(chosen, options.gpus) / 1e9
    print(
        f"{options.config} on {options.gpus} GPUs: plan {planned:.2f} GB, tracker {found:.2f} GB, {planned / found:.3f}"
    )


if __name__ == "__main__":
    main()
