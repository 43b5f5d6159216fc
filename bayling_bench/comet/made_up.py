"""Makes small COMET checkpoints with random weights in the published format, for tests, benchmarks and first tries."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from bayling_bench.comet.checkpoint import REFERENCELESS, REGRESSION, UNIFIED, model_file

_ENCODER = "encoder"
_WIDTHS = {REGRESSION: 6, REFERENCELESS: 4, UNIFIED: 1}


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What kind of checkpoint is made; names are those of the format's hyper-parameters."""

    kind: str = REGRESSION
    encoder_model: str = "XLM-RoBERTa"
    units: int = 32
    layers: int = 3
    vocabulary: int = 900
    max_positions: int = 130
    layer: str | int = "mix"
    layer_transformation: str = "softmax"
    layer_norm: bool = True
    pool: str = "avg"
    activations: str = "Tanh"
    final_activation: str | None = None
    hidden_sizes: tuple[int, ...] = (48, 24)
    input_segments: tuple[str, ...] = ("mt", "src", "ref")
    seed: int = 0
    more: dict[str, Any] = field(default_factory=dict)
    """Hyper-parameters that stand in ``hparams.yaml`` alone."""


def write(folder: Path, shape: Shape, texts: Sequence[str]) -> Path:
    """Write a checkpoint folder, with the encoder's configuration and a vocabulary of ``texts`` in it; return it."""
    torch.manual_seed(shape.seed)
    encoder = folder / _ENCODER
    encoder.mkdir(parents=True)
    size = _write_vocabulary(encoder, shape, texts)
    model = _encoder(shape, size)
    model.config.save_pretrained(encoder)
    tensors = {f"encoder.model.{name}": tensor for name, tensor in model.state_dict().items()}
    if shape.layer == "mix":
        for number in range(shape.layers + 1):
            tensors[f"layerwise_attention.scalar_parameters.{number}"] = torch.randn(1)
        tensors["layerwise_attention.gamma"] = torch.tensor([1.1])
    sizes = [shape.units * _WIDTHS[shape.kind], *shape.hidden_sizes, 1]
    for number, (before, after) in enumerate(pairwise(sizes)):
        linear = nn.Linear(before, after)
        tensors[f"estimator.ff.{3 * number}.weight"] = linear.weight.detach()
        tensors[f"estimator.ff.{3 * number}.bias"] = linear.bias.detach()
    hparams = hyper_parameters(shape, encoder)
    save(folder, tensors, hparams)
    stated = {**hparams, **shape.more, "class_identifier": shape.kind}
    (folder / "hparams.yaml").write_text(yaml.safe_dump(stated), encoding="utf-8")
    return folder


def save(folder: Path, tensors: dict[str, Tensor], hparams: dict[str, Any]) -> None:
    """Write ``model.ckpt`` with what Lightning needs in it."""
    model_file(folder).parent.mkdir(exist_ok=True)
    content = {"state_dict": tensors, "hyper_parameters": hparams, "pytorch-lightning_version": "2.0.0", "epoch": 0}
    torch.save({**content, "global_step": 0, "loops": {}, "callbacks": {}}, model_file(folder))


def hyper_parameters(shape: Shape, encoder: Path) -> dict[str, Any]:
    """Return the hyper-parameters of a checkpoint whose encoder lies in a folder."""
    found = {
        "encoder_model": shape.encoder_model,
        "pretrained_model": str(encoder.resolve()),
        "layer_transformation": shape.layer_transformation,
        "layer_norm": shape.layer_norm,
        "activations": shape.activations,
        "final_activation": shape.final_activation,
        "hidden_sizes": list(shape.hidden_sizes),
    }
    if shape.kind == UNIFIED:
        return {**found, "sent_layer": shape.layer, "input_segments": list(shape.input_segments)}
    return {**found, "layer": shape.layer, "pool": shape.pool}


def _encoder(shape: Shape, vocabulary: int) -> Any:
    import transformers

    sizes: dict[str, Any] = {
        "vocab_size": vocabulary, "hidden_size": shape.units, "num_hidden_layers": shape.layers,
        "num_attention_heads": 4, "intermediate_size": 4 * shape.units,
        "max_position_embeddings": shape.max_positions, "initializer_range": 0.3,
    }  # fmt: skip
    special: dict[str, Any] = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1}
    if shape.encoder_model == "XLM-RoBERTa":
        return transformers.XLMRobertaModel(transformers.XLMRobertaConfig(**sizes, **special), add_pooling_layer=False)
    if shape.encoder_model == "XLM-RoBERTa-XL":
        config = transformers.XLMRobertaXLConfig(**sizes, **special)
        return transformers.XLMRobertaXLModel(config, add_pooling_layer=False)
    padding = 1 if shape.encoder_model == "MiniLM" else 0
    config = transformers.BertConfig(**sizes, pad_token_id=padding)
    return transformers.BertModel(config, add_pooling_layer=shape.encoder_model == "MiniLM")


def _write_vocabulary(encoder: Path, shape: Shape, texts: Sequence[str]) -> int:
    """Write a tokenizer that was trained on ``texts``; return the number of its tokens."""
    if shape.encoder_model == "BERT":
        letters = sorted({letter for text in texts for letter in text.lower() if not letter.isspace()})
        tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
        (encoder / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
        return len(tokens)
    import sentencepiece

    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(  # pyright: ignore[reportAttributeAccessIssue]
        sentence_iterator=iter(texts), model_writer=out, vocab_size=shape.vocabulary, model_type="unigram",
        character_coverage=1.0, hard_vocab_limit=False, minloglevel=2, num_threads=1,
    )  # fmt: skip
    (encoder / "sentencepiece.bpe.model").write_bytes(out.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())
    # fairseq's order, which XLM-R keeps: one place more than sentencepiece has, and a mask at the end.
    return processor.get_piece_size() + 2
