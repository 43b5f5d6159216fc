"""The loss: chunks give torch's own value and gradient, and packed conversations do not see each other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from reference_model import settings
from reference_model.loss import LossNetwork, summed_loss
from reference_model.network import llama_config
from reference_model.pack import assemble
from reference_model.train import enable_recompute

from .test_pack import made_up_tokens


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_chunks_give_the_loss_and_gradient_of_torch(rows):
    torch.manual_seed(0)
    hidden = torch.randn(3, 20, 8, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(30, 8, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, 30, (3, 20)).masked_fill(torch.rand(3, 20) < 0.4, -100)
    whole = functional.cross_entropy((hidden @ weight.T).flatten(0, 1), labels.flatten(), reduction="sum")
    wanted = torch.autograd.grad(whole, (hidden, weight))
    ours = summed_loss(hidden, weight, labels, rows)
    found = torch.autograd.grad(ours, (hidden, weight))
    torch.testing.assert_close(ours.double(), whole, rtol=1e-5, atol=0)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_no_more_logits_are_kept_than_were_asked_for():
    hidden, weight = torch.randn(1, 512, 8, requires_grad=True), torch.randn(1000, 8, requires_grad=True)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor.numel()) or tensor, lambda t: t):
        summed_loss(hidden, weight, torch.randint(0, 1000, (1, 512)), 64)
    assert kept and max(kept) <= max(512 * 8, 1000 * 8)  # states and matrix, never 512 x 1000 or 64 x 1000 logits


def test_rows_without_anything_to_learn_have_no_loss_and_a_gradient():
    hidden = torch.randn(2, 5, 4, requires_grad=True)
    loss = summed_loss(hidden, torch.randn(7, 4), torch.full((2, 5), -100), 3)
    assert loss == 0 and loss.requires_grad is True
    loss.backward()
    assert not hidden.grad.any()


def network(small_config, attention="sdpa", recompute=False) -> LossNetwork:
    from transformers import LlamaForCausalLM

    torch.manual_seed(1)
    inner = LlamaForCausalLM(llama_config(settings.load(str(small_config)).model))
    inner.set_attn_implementation(attention)
    if recompute:
        enable_recompute(inner)
    return LossNetwork(inner, rows=16).train()


def loss_and_gradient(module: LossNetwork, block) -> tuple[float, torch.Tensor]:
    arrays = (block.ids, block.positions, block.labels)
    module.zero_grad()
    loss = module(*(torch.from_numpy(array) for array in arrays))
    loss.backward()
    return float(loss.detach()), torch.cat([weight.grad.flatten() for weight in module.parameters()])


@pytest.mark.parametrize(("attention", "recompute"), [("eager", False), ("sdpa", False), ("sdpa", True)])
def test_a_packed_batch_has_the_loss_and_gradient_of_its_parts(small_config, attention, recompute):
    module = network(small_config, attention, recompute=recompute)
    lengths = [40, 11, 30, 23, 57, 8]
    tokens = made_up_tokens(lengths)
    packed = loss_and_gradient(module, assemble(tokens, [[0, 1, 2], [4, 3, 5]], 96, 0))
    parts = [loss_and_gradient(module, assemble(tokens, [[index]], size, 0)) for index, size in enumerate(lengths)]
    assert packed[0] == pytest.approx(sum(loss for loss, _ in parts), rel=1e-5)
    torch.testing.assert_close(packed[1], torch.stack([grad for _, grad in parts]).sum(0), rtol=1e-3, atol=1e-4)


def test_rows_end_to_end_in_one_have_the_same_loss(small_config):
    """How rows are given to flash-attention, which keeps conversations apart in a single row only."""
    module = network(small_config)
    block = assemble(made_up_tokens([40, 11, 30, 23, 57]), [[0, 1, 2], [4, 3]], 96, 0)
    apart = loss_and_gradient(module, block)[0]
    flat = type(block)(*(array.reshape(1, -1) for array in (block.ids, block.labels, block.positions)), 0, 0)
    assert loss_and_gradient(module, flat)[0] == pytest.approx(apart, rel=1e-5)


def test_the_parts_have_the_loss_that_transformers_gives(small_config):
    module, tokens = network(small_config), made_up_tokens([37])
    block = assemble(tokens, [[0]], 37, 0)
    labels = torch.from_numpy(np.where(tokens.mask, tokens.ids.astype(np.int64), -100))[None]
    theirs = module.network(input_ids=torch.from_numpy(block.ids), labels=labels).loss
    assert theirs.item() * block.learned == pytest.approx(loss_and_gradient(module, block)[0], rel=1e-5)


def test_without_positions_that_restart_the_loss_would_differ(small_config):
    """The test above could not fail if these random weights gave the same loss with attention across conversations."""
    module = network(small_config)
    block = assemble(made_up_tokens([40, 30, 26]), [[0, 1, 2]], 96, 0)
    apart = loss_and_gradient(module, block)[0]
    block.positions[:] = np.arange(96)
    assert abs(loss_and_gradient(module, block)[0] - apart) > 1e-3


def test_flex_attention_keeps_conversations_apart_as_sdpa_does(small_config):
    """What `attention = "auto"` takes on GPUs without flash-attn; here on CPU, not compiled, forward only."""
    block = assemble(made_up_tokens([40, 30, 26]), [[0, 1, 2]], 96, 0)
    tensors = [torch.from_numpy(array) for array in (block.ids, block.positions, block.labels)]
    with torch.no_grad(), torch.compiler.set_stance("force_eager"):
        found = [float(network(small_config, name)(*tensors)) for name in ("sdpa", "flex_attention")]
    assert found[0] == pytest.approx(found[1], rel=1e-5)
