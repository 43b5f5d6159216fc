"""The network of a checkpoint: an encoder from transformers, our pooling, and the feed-forward estimator.

Equal to unbabel-comet 2.2.7 to about 1e-6 in fp32 (``bayling-bench comet verify``). In bf16 the encoder computes in
bfloat16; pooling and estimator stay in fp32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from bayling_bench.comet import pooling
from bayling_bench.comet.checkpoint import REGRESSION, UNIFIED, Checkpoint, Settings
from bayling_bench.comet.encoder import EncoderFiles, Joined, Tokenizer
from bayling_bench.errors import ModelError

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}

_MODELS = {
    "XLM-RoBERTa": ("XLMRobertaConfig", "XLMRobertaModel", {"add_pooling_layer": False}),
    "XLM-RoBERTa-XL": ("XLMRobertaXLConfig", "XLMRobertaXLModel", {"add_pooling_layer": False}),
    "MiniLM": ("BertConfig", "BertModel", {"add_pooling_layer": False}),
    "BERT": ("BertConfig", "BertModel", {"add_pooling_layer": False}),
}


class Network:
    """A checkpoint, ready to score."""

    def __init__(
        self, checkpoint: Checkpoint, content: Mapping[str, Any], files: EncoderFiles, device: str, precision: str
    ) -> None:
        """``content`` is that of ``weights.read``; ModelError when its tensors do not fit what it says of itself."""
        self.settings = checkpoint.settings
        weights: Mapping[str, Tensor] = content["state_dict"]
        self._encoder = _encoder(checkpoint, weights, files)
        self.units: int = self._encoder.config.hidden_size
        # transformers' XLM-R counts positions from the padding index on, two more than it has tokens.
        self.tokenizer = Tokenizer(files, self.settings.encoder_model, self._encoder.config.max_position_embeddings - 2)
        self._mixture = _mixture(checkpoint, weights, self._encoder.config.num_hidden_layers + 1)
        self._estimator = _estimator(checkpoint, weights, self.units)
        self.device = torch.device(device)
        if self.device.type == "meta":
            raise RuntimeError("it computes nothing")
        self._encoder.to(self.device, PRECISIONS[precision])
        self._estimator.to(self.device, torch.float32)

    @torch.inference_mode()
    def embed(self, batch: Sequence[Sequence[int]]) -> Tensor:
        """Return the sentence vectors [segments, units] of token ids, in fp32 on the network's device."""
        ids, mask = self._padded(batch)
        types = self._types(batch, ids) if self.settings.kind == UNIFIED else None
        extra = {} if types is None else {"token_type_ids": types}
        mixes = self._mixture is not None or self.settings.pool != "default"
        found = self._encoder(input_ids=ids, attention_mask=mask, output_hidden_states=mixes, **extra)
        if self.settings.pool == "default":
            return found.last_hidden_state[:, 0].float()
        layers, kept = found.hidden_states, mask.float()
        if self._mixture is None:
            mixed = layers[self.settings.layer].float()
        else:
            if self.settings.pool == "cls" and not self.settings.layer_norm:
                layers = [layer[:, :1] for layer in layers]
            layers = [layer.float() for layer in layers]
            mixed = pooling.mix(layers, self._mixture, kept, layer_norm=self.settings.layer_norm)
        return pooling.pool(mixed, self.settings.pool, kept, ids == self.tokenizer.padding)

    @torch.inference_mode()
    def estimate(self, vectors: Mapping[str, Tensor]) -> Tensor:
        """Return one score a segment from the vectors of its parts (``mt``, ``src``, ``ref``), or ``joined``."""
        if self.settings.kind == UNIFIED:
            return self._estimator(vectors["joined"].to(self.device)).view(-1)
        mt, source = vectors["mt"].to(self.device), vectors["src"].to(self.device)
        features = [mt * source, (mt - source).abs()]
        if self.settings.kind == REGRESSION:
            reference = vectors["ref"].to(self.device)
            features = [mt, reference, mt * reference, (mt - reference).abs(), *features]
        else:
            features = [mt, source, *features]
        return self._estimator(torch.cat(features, dim=1)).view(-1)

    def _padded(self, batch: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        length = max(map(len, batch))
        ids = torch.full((len(batch), length), self.tokenizer.padding, dtype=torch.long)
        mask = torch.zeros((len(batch), length), dtype=torch.long)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            mask[row, : len(tokens)] = 1
        return ids.to(self.device), mask.to(self.device)

    def _types(self, batch: Sequence[Sequence[int]], ids: Tensor) -> Tensor | None:
        """Return 0 for the first segment of each input and 1 for the rest, where the encoder tells them apart."""
        if self.settings.encoder_model != "BERT":
            return None
        types = torch.ones_like(ids)
        for row, tokens in enumerate(batch):
            types[row, : tokens.first if isinstance(tokens, Joined) else len(tokens)] = 0
        return types


def _encoder(checkpoint: Checkpoint, weights: Mapping[str, Tensor], files: EncoderFiles) -> Any:
    import transformers

    config_class, model_class, options = _MODELS[checkpoint.settings.encoder_model]
    try:
        config = getattr(transformers, config_class).from_pretrained(str(files.configuration))
        # Built without memory, so that a large encoder is neither initialised nor held twice.
        with torch.device("meta"):
            model = getattr(transformers, model_class)(config, **options)
    except Exception as error:  # of whatever class: values of a wrong type fail anywhere in transformers
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise ModelError(f"{files.configuration}/config.json gives no encoder ({reason}). Fetch it again.") from error
    own = _without_prefix(weights, "encoder.model.")
    _load(checkpoint, model, own, f"the encoder {files.name} of {files.configuration}")
    for owner, name, buffer in _buffers_without_memory(model):
        positions = torch.arange(config.max_position_embeddings).expand(1, -1)
        setattr(owner, name, positions if name == "position_ids" else torch.zeros(buffer.shape, dtype=buffer.dtype))
    return model.eval().requires_grad_(False)


def _buffers_without_memory(model: nn.Module) -> list[tuple[nn.Module, str, Tensor]]:
    """Return the buffers that no checkpoint holds: positions, and token types, which are all 0."""
    found = [
        (owner, name, buffer)
        for owner in model.modules()
        for name, buffer in owner.named_buffers(recurse=False)
        if buffer.is_meta
    ]
    assert {name for _, name, _ in found} <= {"position_ids", "token_type_ids"}, found
    return found


def _mixture(checkpoint: Checkpoint, weights: Mapping[str, Tensor], layers: int) -> list[float] | None:
    """Return the weight of each layer, or None where one layer is taken."""
    layer = checkpoint.settings.layer
    if layer != "mix":
        if not 0 <= int(layer) < layers:
            raise ModelError(f"{checkpoint.file}: layer {layer} does not exist; the encoder has 0 to {layers - 1}.")
        return None
    names = [f"layerwise_attention.scalar_parameters.{number}" for number in range(layers)]
    missing = [name for name in (*names, "layerwise_attention.gamma") if name not in weights]
    if missing or f"layerwise_attention.scalar_parameters.{layers}" in weights:
        raise ModelError(
            f"{checkpoint.file}: its mixture of layers does not fit an encoder of {layers - 1} layers. Is the encoder "
            f"{checkpoint.settings.pretrained_model} the one it was trained with?"
        )
    scores = torch.cat([weights[name].float() for name in names])
    mixed = pooling.sparsemax(scores) if checkpoint.settings.sparse else torch.softmax(scores, 0)
    return (mixed * weights["layerwise_attention.gamma"].float()).tolist()


def _estimator(checkpoint: Checkpoint, weights: Mapping[str, Tensor], units: int) -> nn.Module:
    settings = checkpoint.settings
    sizes = [units * _width(settings), *settings.hidden_sizes]
    parts: list[nn.Module] = []
    for before, after in pairwise(sizes):
        # The third place is dropout's, which does nothing when scoring.
        parts += [nn.Linear(before, after), getattr(nn, settings.activations)(), nn.Identity()]
    parts.append(nn.Linear(sizes[-1], 1))
    if settings.final_activation:
        parts.append(getattr(nn, settings.final_activation)())
    network = nn.Sequential(*parts)
    _load(checkpoint, network, _without_prefix(weights, "estimator.ff."), "an estimator of its hidden_sizes")
    return network.eval().requires_grad_(False)


def _width(settings: Settings) -> int:
    """Return how many vectors the estimator reads side by side."""
    return 1 if settings.kind == UNIFIED else 6 if settings.kind == REGRESSION else 4


def _without_prefix(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in weights.items() if name.startswith(prefix)}


def _load(checkpoint: Checkpoint, module: nn.Module, weights: dict[str, Tensor], what: str) -> None:
    """Put weights into a module; ModelError when one is absent or of another shape (more than needed is fine)."""
    wanted = module.state_dict()
    absent = [name for name in wanted if name not in weights]
    other = [name for name in wanted if name in weights and weights[name].shape != wanted[name].shape]
    if absent or other:
        detail = f"lacks {absent[0]}" if absent else f"{other[0]} is {tuple(weights[other[0]].shape)} there"
        raise ModelError(
            f"{checkpoint.file} does not fit {what}: {detail} ({len(absent)} absent, {len(other)} of another shape). "
            "Is it complete, and is the encoder the one that it was trained with?"
        )
    module.load_state_dict({name: weights[name] for name in wanted}, assign=True)
