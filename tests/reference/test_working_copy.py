"""The working copy of a process that trains alone: its gradients, and a run that computes with it."""

from __future__ import annotations

import pytest
import torch

from reference_model.pack import assemble
from reference_model.working_copy import WorkingCopy

from .test_gpu import LENGTHS, trained
from .test_loss import loss_and_gradient, network
from .test_pack import made_up_tokens


def test_gradients_of_micro_batches_add_up_in_32_bits_at_the_kept_weights(small_config):
    kept = network(small_config)
    block = assemble(made_up_tokens(LENGTHS), [[0, 1, 2], [4, 3, 5]], 96, 0)
    loss, wanted = loss_and_gradient(kept, block)
    kept.zero_grad()
    copy = WorkingCopy(kept)
    tensors = [torch.from_numpy(array) for array in (block.ids, block.positions, block.labels)]
    losses = [copy.network(*tensors) for _ in range(3)]
    for found in losses:
        found.backward()
        assert found.item() == pytest.approx(loss, rel=1e-3)
    assert {weight.dtype for weight in copy.network.parameters()} == {torch.bfloat16}
    assert all(weight.grad is None for weight in copy.network.parameters())
    summed = torch.cat([weight.grad.flatten() for weight in kept.parameters()])  # pyright: ignore
    assert summed.dtype == torch.float32
    assert (summed / 3 - wanted).norm() < 0.02 * wanted.norm()


def test_it_follows_the_kept_weights_and_ties_what_they_tie(small_config):
    kept = network(small_config)
    copy = WorkingCopy(kept)
    inner = copy.network.network
    tied = kept.network.lm_head.weight is kept.network.model.embed_tokens.weight
    assert (inner.lm_head.weight is inner.model.embed_tokens.weight) is tied
    assert inner.model.rotary_emb.inv_freq.dtype == torch.float32
    with torch.no_grad():
        for weight in kept.parameters():
            weight += 1
    copy.refresh()
    for weight, rounded in zip(kept.parameters(), copy.network.parameters(), strict=True):
        assert torch.equal(weight.bfloat16(), rounded)


@pytest.mark.parametrize("changes", [(), ("adapter.rank=4", "optimizer.rate=1e-2")])
def test_a_run_learns_with_it_and_goes_on_where_it_stopped(small_config, small_data, tmp_path, changes):
    steps = "optimizer.steps=12"
    expected, _ = trained(small_config, small_data, tmp_path, steps, *changes, device="cpu", steps=12)
    changes = (*changes, "running.precision=bf16")
    found, whole = trained(small_config, small_data, tmp_path, steps, *changes, device="cpu", steps=12)
    assert whole.copy is not None
    assert found == pytest.approx(expected, rel=1e-2) and found != expected
    assert found[-1] < found[0]
    _, half = trained(small_config, small_data, tmp_path, steps, *changes, device="cpu", steps=6)
    half.save(tmp_path / "checkpoints")
    _, again = trained(small_config, small_data, tmp_path, steps, *changes, device="cpu", steps=0)
    again.load(tmp_path / "checkpoints" / "step-00000006")
    assert [again.learn()[0]["loss"] for _ in range(6)] == found[6:]
    for one, other in zip(whole.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(one, other)
