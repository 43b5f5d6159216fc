"""Muon: it steps as torch's, by head too; it learns, goes on bit for bit and on two processes; its state is counted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM

from reference_model import checkpoint, session, settings, work
from reference_model.errors import TrainingError
from reference_model.muon import Muon, Part, part_of
from reference_model.network import llama_config
from reference_model.optimizer import rate
from reference_model.run_folder import Data
from reference_model.session import Reporter

QUIET = Reporter(say=lambda text: None, step=lambda step, total: None)
MUON = (
    "optimizer.kind=muon", "optimizer.rate=3e-3", "optimizer.matrix_rate=1e-2", "optimizer.momentum=0.9",
    "optimizer.by_head=true",
)  # fmt: skip


def train(config, data, folder, *changes, resume=False) -> bool:
    chosen = settings.load(str(config), (*MUON, *changes))
    return session.train(chosen, Data(data), folder, resume=resume, reporter=QUIET)


def curve(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def straight(small_config, small_data, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("muon") / "straight"
    assert train(small_config, small_data, folder)
    return folder


def test_it_learns_and_steps_otherwise_than_adamw(straight, small_config, small_data, tmp_path):
    assert train(small_config, small_data, tmp_path / "adamw", "optimizer.kind=adamw")
    one, other = curve(straight), curve(tmp_path / "adamw")
    assert one[0] == other[0] and one[1:] != other[1:]
    assert one[-1] < 0.9 * one[0]


def test_a_run_goes_on_bit_for_bit(straight, small_config, small_data, tmp_path):
    """Ten steps, the rest of the run lost, and ten again: moments of both optimizers are in the checkpoint."""
    shutil.copytree(straight, tmp_path / "run")
    for path in checkpoint.complete(tmp_path / "run" / "checkpoints")[1:]:
        shutil.rmtree(path)
    assert train(small_config, small_data, tmp_path / "run", resume=True)  # from step 15
    assert curve(tmp_path / "run") == curve(straight)


def test_fewer_steps_of_its_iteration_are_another_update(small_config, small_data, tmp_path):
    for number in (5, 3):
        changes = (f"optimizer.newton_steps={number}", "optimizer.steps=2")
        assert train(small_config, small_data, tmp_path / str(number), *changes)
    five, three = curve(tmp_path / "5"), curve(tmp_path / "3")
    assert five[0] == three[0] and five[1] != three[1]


def weights(*shapes: tuple[int, int]) -> list[torch.nn.Parameter]:
    torch.manual_seed(5)
    return [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this torch has no Muon to compare with")
def test_its_steps_are_those_of_torch():
    shapes = ((16, 48), (32, 32), (48, 16), (16, 48), (32, 32))
    own, theirs = weights(*shapes), weights(*shapes)
    options = {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1}
    ours = Muon([Part(one) for one in own], **options, steps=5)
    peer = torch.optim.Muon(theirs, **options, ns_steps=5, adjust_lr_fn="match_rms_adamw")
    for _ in range(3):
        for one, other in zip(own, theirs, strict=True):
            one.grad = torch.randn(one.shape)
            other.grad = one.grad.clone()
        ours.step()
        peer.step()
    for one, other, first in zip(own, theirs, weights(*shapes), strict=True):
        torch.testing.assert_close(one - first, other - first, rtol=0, atol=3e-3)  # bf16: an eighth of a step


def test_by_head_the_step_of_each_head_has_equal_singular_values(small_config):
    """4 heads of 8, 2 of keys; q and o in 4 parts, k and v in 2, the MLP's 64 neurons in 4 groups."""
    network = LlamaForCausalLM(llama_config(settings.load(str(small_config)).model))
    layer = network.model.layers[0]
    before = {name: one.detach().clone() for name, one in layer.named_parameters() if one.ndim == 2}
    parts = [part_of(name, one, network.config) for name, one in layer.named_parameters() if one.ndim == 2]
    for part in parts:
        part.weight.grad = torch.randn(part.weight.shape) @ torch.randn(part.weight.shape[1], part.weight.shape[1])
    Muon(parts, lr=1.0, momentum=0.9, weight_decay=0.0, steps=5).step()
    after = dict(layer.named_parameters())
    heads = {"q_proj": (4, 0), "k_proj": (2, 0), "v_proj": (2, 0), "o_proj": (4, 1)}
    heads |= {"gate_proj": (4, 0), "up_proj": (4, 0), "down_proj": (4, 1)}
    for name, first in before.items():
        number, side = heads[name.split(".")[1]]
        for own in (first - after[name].detach()).chunk(number, side):
            values = torch.linalg.svdvals(own) / (0.2 * max(own.shape) ** 0.5)
            assert values.min() > 0.5 and values.max() < 1.4, name


@pytest.mark.slow
def test_two_processes_give_the_same_curve(straight, small_config, small_data, tmp_path):
    """Within 1e-2 only: Muon multiplies in bf16, and shared-out matrices are multiplied in another order."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "reference_model.cli", "train", str(small_config), "--data", str(small_data)]
    command += ["-o", str(tmp_path / "two"), "--set", "batch.micro=1"]
    command += [part for change in MUON for part in ("--set", change)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=200, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert max(abs(a - b) for a, b in zip(curve(tmp_path / "two"), curve(straight), strict=True)) < 1e-2
    shutil.rmtree(tmp_path / "two" / "checkpoints" / "step-00000020")
    assert train(small_config, small_data, tmp_path / "two", resume=True)  # alone, from what two processes kept
    assert max(abs(a - b) for a, b in zip(curve(tmp_path / "two"), curve(straight), strict=True)) < 1e-2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("optimizer.kind=muno", "Did you mean muon"),
        ("optimizer.momentum=1.0", r"momentum lie in \[0, 1\)"),
        ("optimizer.hold=0.99", "warmup and hold"),
        ("optimizer.newton_steps=0", "newton_steps = 0"),
        ("adapter.rank=4", "--set optimizer.kind=adamw, or --set adapter.rank=0"),
    ],
)
def test_mistakes_are_named(small_config, change, words):
    with pytest.raises(TrainingError, match=words):
        settings.load(str(small_config), (*MUON, change))


def test_its_state_is_half_of_adamws_for_the_matrices_of_the_blocks(small_config):
    """2 layers of q (32x32), k and v (32x16), o (32x32), gate, up and down (32x64)."""
    adamw, muon = (settings.load(str(small_config), change) for change in ((), MUON))
    matrices = 2 * (2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 64)
    assert work.memory(adamw, 1).optimizer - work.memory(muon, 1).optimizer == 4 * matrices


def test_the_rate_is_held_before_it_falls():
    chosen = settings.Optimizer(rate=1.0, warmup=0.1, hold=0.5)
    rates = [rate(chosen, step, 100) for step in range(100)]
    assert rates[9:60] == [1.0] * 51 and rates[8] < 1.0 and rates[61] < 1.0
    assert rates[80] == pytest.approx(0.5)
