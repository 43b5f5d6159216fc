"""On a GPU: its attention kernels, compiled blocks, bf16, FSDP by NCCL, and the same curve as on CPU."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from itertools import pairwise

import pytest
import torch
from torch.nn import functional

from reference_model import attention, settings, work
from reference_model.distributed import World
from reference_model.errors import TrainingError
from reference_model.pack import Rows, assemble, read_tokens, tokenize
from reference_model.train import Trainer

from .test_pack import made_up_tokens
from .test_train import curve, train

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is here")
LENGTHS = [40, 11, 30, 23, 57, 8]


def by_parts(query, key, value, ends, *_, scale, window_size):
    """What torch's variable-length kernel computes, one conversation after another."""
    assert window_size == (-1, 0) and query.dtype == torch.bfloat16
    parts = []
    for start, end in pairwise(ends.tolist()):
        q, k, v = (part[start:end].float().transpose(0, 1) for part in (query, key, value))
        parts.append(functional.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale).transpose(0, 1))
    return torch.cat(parts).to(query.dtype)


def test_the_kernel_is_told_where_conversations_begin(small_config, monkeypatch):
    """On CPU, with torch's own attention in the kernel's place."""
    from .test_loss import network

    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", by_parts)
    block = assemble(made_up_tokens(LENGTHS), [[0, 1, 2], [4, 3, 5]], 96, 0)
    tensors = [torch.from_numpy(array) for array in (block.ids, block.positions, block.labels)]
    told = attention.bounds(block.positions, torch.device("cpu"))
    assert told["cu_seq_lens_q"].tolist() == [0, 40, 51, 81, 96, 153, 176, 184, 192]
    with torch.no_grad():
        masked = network(small_config, "sdpa")(*tensors)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = network(small_config, "varlen")(*tensors, **told)
    assert float(found) == pytest.approx(float(masked), rel=1e-3)


def test_dropout_that_the_kernel_does_not_have_is_refused(small_config, small_data, tmp_path, monkeypatch):
    from reference_model.network import make_network

    def with_dropout(*given, **named):
        network = make_network(*given, **named)
        network.config.attention_dropout = 0.1
        return network

    monkeypatch.setattr("reference_model.train.make_network", with_dropout)
    monkeypatch.setattr(attention, "choose", lambda *_, **__: "varlen")
    with pytest.raises(TrainingError, match=r"attention_dropout = 0.1, which varlen does not have: --set running"):
        trained(small_config, small_data, tmp_path, device="cpu")


def trained(config, data, tmp_path, *changes: str, device="cuda", steps=8) -> tuple[list[float], Trainer]:
    """Take steps on a device; return the losses."""
    from reference_model.network import make_tokenizer

    chosen = settings.load(str(config), [f"optimizer.steps={steps}", *changes])
    tokenizer, template = make_tokenizer(chosen, data / "conversations.jsonl")
    folder = tmp_path / "tokens"
    if not folder.exists():
        tokenize(data / "conversations.jsonl", template, tokenizer, chosen.batch.length, folder)
    rows = Rows(read_tokens(folder), chosen.batch.length, chosen.running.seed)
    trainer = Trainer(chosen, tokenizer, rows, World(0, 1, torch.device(device)))
    return [trainer.learn()[0]["loss"] for _ in range(steps)], trainer


@needs_gpu
def test_the_curve_is_that_of_the_cpu(small_config, small_data, tmp_path):
    exact = "running.precision=fp32"
    on_cpu, _ = trained(small_config, small_data, tmp_path, exact, device="cpu")
    on_gpu, _ = trained(small_config, small_data, tmp_path, exact)
    assert on_gpu == pytest.approx(on_cpu, rel=1e-3)
    assert on_gpu != pytest.approx(on_cpu[::-1], rel=1e-3)


@needs_gpu
@pytest.mark.parametrize(
    "changes",
    [
        (),
        ("running.attention=varlen", "running.recompute=true"),
        ("running.attention=varlen", "running.compile=inductor"),
        ("running.attention=varlen", "running.compile=inductor", "running.recompute=true", "batch.micro=1"),
        ("running.attention=varlen", "model.key_heads=4"),
    ],
)
def test_packed_rows_learn_the_same_with_each_kernel(small_config, small_data, tmp_path, changes):
    """In bf16, against attention by masks."""
    shape = [change for change in changes if change.startswith("model.")]
    masked, _ = trained(small_config, small_data, tmp_path, "running.attention=sdpa", *shape)
    found, trainer = trained(small_config, small_data, tmp_path, *changes)
    assert trainer.bf16 and trainer.attention in ("varlen", "flash_attention_2")
    assert found == pytest.approx(masked, rel=5e-3)


@needs_gpu
@pytest.mark.parametrize("changes", [("optimizer.kind=muon",), ("adapter.rank=4", "optimizer.rate=1e-2")])
def test_muon_and_lora_learn(small_config, small_data, tmp_path, changes):
    losses, _ = trained(small_config, small_data, tmp_path, *changes, steps=20)
    assert losses[-1] < losses[0]


@needs_gpu
def test_a_run_goes_on_where_it_stopped_and_fsdp_learns_the_same(small_config, small_data, tmp_path):
    """Twenty steps alone; then by torchrun (NCCL, FSDP2), which loses its last checkpoint and goes on."""
    assert train(small_config, small_data, tmp_path / "alone")
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "1", "-m",
        "reference_model.cli", "train",
    ]  # fmt: skip
    begin = (str(small_config), "--data", str(small_data), "-o", str(tmp_path / "shared"))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for more in (begin, ("--resume", str(tmp_path / "shared"))):
        done = subprocess.run([*command, *more], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr[-3000:]
        steps = sorted((tmp_path / "shared" / "checkpoints").iterdir())
        if more is begin:
            whole = curve(tmp_path / "shared")
            shutil.rmtree(steps[-1])
    assert whole == pytest.approx(curve(tmp_path / "alone"), rel=1e-2)
    assert curve(tmp_path / "shared") == pytest.approx(whole, rel=1e-5)
    if work.peak(torch.cuda.get_device_name()):
        assert 0 < curve(tmp_path / "shared", "utilisation")[0] < 1


@needs_gpu
def test_a_model_answers_on_the_gpu_as_on_the_cpu(small_config, small_data, tmp_path):
    from reference_model.export import export
    from reference_model.model_source import find
    from reference_model.settings import TemplateChoice
    from reference_model.speaker import Decoding, Placing, load

    assert train(small_config, small_data, tmp_path / "run")
    export(tmp_path / "run", tmp_path / "model", "float32")
    answers = {}
    for device in ("cpu", "auto"):
        speaker = load(find(str(tmp_path / "model")), Placing(device=device), TemplateChoice(name=""))
        turns = [{"role": "user", "content": "The old house"}]
        answers[speaker.model.device.type] = speaker.answer(turns, Decoding(max_new_tokens=20), lambda piece: None)
    assert answers["cuda"] == answers["cpu"] and answers["cpu"].tokens
