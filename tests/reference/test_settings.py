"""Settings and plans: every shipped file is valid, mistakes are named, and counts are those of the released models."""

from __future__ import annotations

import dataclasses

import pytest

from reference_model import planning, settings, work
from reference_model.errors import TrainingError
from reference_model.network import llama_config

from .made_up_texts import byte_level


@pytest.mark.parametrize("name", settings.names())
def test_every_shipped_file_is_read_and_survives_json(name):
    chosen = settings.load(name)
    assert chosen.name == name
    assert settings.build(chosen.to_json(), "x") == chosen
    assert not settings.differences(chosen, chosen)


def test_zero_outputs_let_a_new_network_pass_everything_on():
    """Then what comes out of the blocks is what went in, the embedding; without, it is not."""
    import torch

    from reference_model.network import make_network

    tokenizer = byte_level()
    ids = torch.arange(8)[None]
    for zero in (True, False):
        network = make_network(settings.load("tiny", (f"model.zero_outputs={str(zero).lower()}",)), tokenizer)
        passed = network.model.norm(network.model.embed_tokens(ids))
        assert torch.equal(network.model(ids).last_hidden_state, passed) == zero


@pytest.mark.parametrize("tied", ["true", "false"])
def test_a_larger_embedding_leaves_the_first_logits_as_large(tied):
    import torch

    from reference_model.network import make_network

    found, ids = [], torch.arange(8)[None]
    for std in ("0.02", "0.2"):
        changes = ("model.zero_outputs=true", f"model.tied={tied}", f"model.embedding_std={std}")
        changes = (*changes, "model.local_heads=[]")
        network = make_network(settings.load("tiny", changes), byte_level())
        with torch.no_grad():
            found.append((network.model.embed_tokens.weight.std().item(), network(ids).logits))
    (small, logits), (large, same) = found
    assert large / small == pytest.approx(10, rel=1e-5) and small == pytest.approx(0.02, rel=0.05)
    assert (same - logits).abs().max() < 0.02 * logits.abs().max()  # the epsilon of the norms weighs less


@pytest.mark.parametrize("key_heads", [4, 2])
def test_local_heads_look_back_and_queries_look_for_their_like(key_heads):
    import torch

    from reference_model.network import make_network

    group = 4 // key_heads
    changes = (f"model.local_heads=[{2 * group}, {group}]", f"model.key_heads={key_heads}")
    network = make_network(settings.load("tiny", changes), byte_level())
    network.set_attn_implementation("eager")
    with torch.no_grad():
        maps = network.model(input_ids=torch.randperm(200)[None, :80], output_attentions=True).attentions
        twice = torch.randperm(200)[None, :40].repeat(1, 2)
        again = network.model(input_ids=twice, output_attentions=True).attentions[-1]
    looks = [_looks(one[0]) for one in maps]
    assert looks[0][: 2 * group] == [1] * group + [2] * group and looks[1][:group] == [1] * group
    same, others = again[0, :, 40:, :40].diagonal(dim1=1, dim2=2).mean(), again[0, :, 40:, :40].mean()
    assert same > 1.1 * others  # the last block has no local head


def _looks(attention) -> list[int]:
    """Return for each head the distance, of those from 1 to 5, at which it looks most."""
    import torch

    logits = [attention.diagonal(-distance, 1, 2)[:, 5 - distance :].log().mean(1) for distance in range(1, 6)]
    return (torch.stack(logits).argmax(0) + 1).tolist()


@pytest.mark.parametrize("value", ["[5]", "[1, -1]"])
def test_local_heads_that_a_network_does_not_have_are_named(value):
    with pytest.raises(TrainingError, match=r"model: local_heads = .* must be numbers from 0 to heads = 4"):
        settings.load("tiny", (f"model.local_heads={value}",))


def test_the_shipped_names_are_those_of_the_design():
    assert settings.names() == ["bayling_13b", "bayling_7b", "smollm2_135m", "tiny"]


def test_the_stand_in_is_that_of_the_protocol_and_marked():
    """PROTOCOL 5: 3 epochs, global batch 128, 2e-5, cosine with 3 % warm-up, 2048 tokens, bf16."""
    for name in ("bayling_7b", "bayling_13b"):
        chosen = settings.load(name)
        found = (chosen.optimizer.epochs, chosen.batch.sequences, chosen.optimizer.rate, chosen.optimizer.warmup)
        assert found == (3, 128, 2e-5, 0.03)
        assert (chosen.batch.length, chosen.running.precision) == (2048, "bf16")
        assert "stand-in" in chosen.note and chosen.template.name == "bayling_v1"


@pytest.mark.parametrize(
    ("name", "count"),
    [("bayling_7b", 6_738_415_616), ("bayling_13b", 13_015_864_320), ("smollm2_135m", 134_515_008)],
)
def test_parameters_are_those_of_the_released_models(name, count):
    """LLaMA-1 (arXiv 2302.13971, table 2: 6.7B, 13.0B) and SmolLM2-135M, as their files count them."""
    assert work.parameters(settings.load(name)).all == count


@pytest.mark.parametrize(
    "changes", [(), ("adapter.rank=8", "optimizer.kind=adamw"), ("model.tied=false", "model.key_heads=2")]
)
def test_counted_parameters_are_those_of_the_network(changes):
    from types import SimpleNamespace

    from reference_model.network import make_network

    chosen = settings.load("tiny", changes)
    ids = SimpleNamespace(bos_token_id=None, eos_token_id=0, pad_token_id=0, __len__=lambda: 1)
    tokenizer = type("Tokenizer", (), {**ids.__dict__, "__len__": lambda self: 1})()
    network = make_network(chosen, tokenizer, real=False)
    counted = work.parameters(chosen)
    assert counted.all == sum(weight.numel() for weight in network.parameters())
    assert counted.trained == sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


def test_operations_are_those_that_torch_counts():
    """torch.utils.flop_counter over forward and backward, every token learned, attention over the whole row."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import LlamaForCausalLM

    chosen = settings.load("tiny")
    model = LlamaForCausalLM(llama_config(chosen.model))
    model.set_attn_implementation("eager")  # whose products the counter sees
    ids = torch.randint(0, 2048, (1, 128))
    with FlopCounterMode(display=False) as counter:
        model(ids, labels=ids).loss.backward()
    assert counter.get_total_flops() == pytest.approx(work.operations(chosen, 128) * 128, rel=1e-3)


@pytest.mark.parametrize(("name", "item"), [("bf16", 2), ("fp32", 4)])
def test_a_block_keeps_what_torch_keeps_for_its_backward_pass(name, item):
    """The difference that one block more makes, as torch's saved-tensor hooks see it, without weights."""
    import torch
    from transformers import LlamaForCausalLM

    chosen = settings.load("tiny", ["model.key_heads=2"])
    found = []
    for layers in (1, 2):
        model = LlamaForCausalLM(llama_config(dataclasses.replace(chosen.model, layers=layers)))
        if name == "bf16":  # as FSDP casts, and the working copy of a GPU that is alone
            model.to(torch.bfloat16)
        weights = {tuple(shape) for weight in model.parameters() for shape in (weight.shape, weight.shape[::-1])}
        kept = {}

        def keep(tensor, kept=kept, weights=weights):
            if tuple(tensor.shape) not in weights:
                kept[tensor.untyped_storage().data_ptr()] = tensor
            return tensor

        ids = torch.randint(0, 2048, (2, 100))
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            model.model(input_ids=ids, position_ids=torch.arange(100).expand(2, -1), use_cache=False)
        found.append(sum(tensor.untyped_storage().nbytes() for tensor in kept.values()))
    expected = work.held(chosen.model, item)
    assert (found[1] - found[0]) / ids.numel() == pytest.approx(expected, rel=0.01)


def test_a_plan_shares_weights_out_and_counts_hours():
    chosen = settings.load("bayling_7b")
    one, eight = (planning.plan(chosen, planning.Machine(gpus, "H100", 0.5), tokens_in_a_pass=1e8) for gpus in (1, 8))
    assert one.memory.weights == 8 * eight.memory.weights == 4 * one.parameters.all
    assert one.memory.optimizer == 2 * one.memory.gradients == 2 * one.memory.weights
    assert eight.memory.activations == planning.plan(chosen, planning.Machine(16, "H100", 0.5)).memory.activations
    assert one.memory.gathered == pytest.approx(2 * one.parameters.all, rel=1e-3)  # the working copy
    assert one.hours == pytest.approx(8 * eight.hours)
    assert eight.steps == 3 * 1e8 // (128 * 2048)
    # 6 N D (arXiv 2001.08361) is the greatest part of the operations
    assert eight.operations_a_step == pytest.approx(6 * 6.6e9 * 128 * 2048, rel=0.06)
    assert planning.plan(chosen, planning.Machine(8, "H100", 0.5)).hours is None
    lora = planning.plan(settings.load("bayling_7b", ["adapter.rank=8"]), planning.Machine(1, "H100", 0.5))
    assert lora.memory.optimizer < one.memory.optimizer / 100
    assert lora.operations_a_step < 0.75 * one.operations_a_step


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["optimiser.rate=1"], "Did you mean optimizer"),
        (["optimizer.rat=1"], "unknown key `rat`. Did you mean rate"),
        (["optimizer.rate=fast"], "`rate` = 'fast' is not a number"),
        (["batch.length=1000"], "longer than model.context"),
        (["model.heads=7"], "must divide width"),
        (["running.attention=flash_attention"], "Did you mean flash_attention_2"),
        (["running.keep=0"], "running.keep = 0 must be at least 1"),
        (["running.seed=-1"], "running.seed = -1 must be at least 0"),
        (["optimizer.rate=nan"], "`rate` = nan is not a number"),
        (["optimizer.clip=inf"], "`clip` = inf is not a number"),
        (["optimizer.weight_decay=-0.1"], "weight_decay not below 0"),
        (["optimizer.eps=0"], "eps must be above 0"),
        (["model.norm_eps=-1"], "norm_eps and embedding_std must be above 0"),
        (["model.embedding_std=0"], "embedding_std must be above 0"),
        (["adapter.rank=4", "adapter.layers=['q_prj']"], "'q_prj' is unknown. Did you mean q_proj"),
        (["adapter.rank=4", "adapter.layers=['lm_head']"], "'lm_head' is unknown"),
        (["optimizer.warmup=1.0"], "warmup"),
        (["optimizer.rate=0"], "above 0"),
        (["rate"], "is not TABLE.KEY=VALUE"),
    ],
)
def test_mistakes_are_named(changes, words):
    with pytest.raises(TrainingError, match=words):
        settings.load("tiny", changes)


def test_a_value_where_a_table_belongs_is_named(tmp_path):
    (tmp_path / "mine.toml").write_text('name = "mine"\noptimizer = 3\n', encoding="utf-8")
    for changes in ([], ["optimizer.rate=1"]):
        with pytest.raises(TrainingError, match=r"`optimizer` = 3 is not a table, \[optimizer\]"):
            settings.load(str(tmp_path / "mine.toml"), changes)


def test_unknown_names_and_machines_are_answered_with_near_ones():
    with pytest.raises(TrainingError, match="Did you mean bayling_7b"):
        settings.load("bayling_7")
    with pytest.raises(TrainingError, match="Did you mean H100"):
        planning.Machine(1, "H10O", 0.4)
    with pytest.raises(TrainingError, match="cannot be shared by --gpus 7"):
        planning.plan(settings.load("bayling_7b"), planning.Machine(7, "H100", 0.4))


def test_peaks_go_by_the_names_that_devices_give():
    """Names as torch.cuda.get_device_name tells them; the figures are the makers' dense bf16 rates."""
    found = [
        work.peak(name)
        for name in ("NVIDIA H100 80GB HBM3", "NVIDIA H100 PCIe", "NVIDIA A100-SXM4-80GB", "NVIDIA L40", "")
    ]
    assert found == [989e12, 756e12, 312e12, None, None]


def test_a_value_is_read_as_its_setting_needs_it():
    chosen = settings.load("tiny", ["model.pretrained=123", "adapter.layers=['q_proj']", "running.tensorboard=true"])
    assert chosen.model.pretrained == "123" and chosen.adapter.layers == ("q_proj",) and chosen.running.tensorboard
