"""A COMET checkpoint as published: a folder with ``hparams.yaml`` and ``checkpoints/model.ckpt``.

``hparams.yaml`` names the class. All other settings are those that were saved inside ``model.ckpt``, as in
unbabel-comet; where none were, those of ``hparams.yaml``. What is not stated has unbabel-comet's default (of 2.2.7).
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bayling_bench.data import store
from bayling_bench.data.verdicts import verdicts_in
from bayling_bench.errors import ModelError, did_you_mean

REGRESSION, REFERENCELESS, UNIFIED = "regression_metric", "referenceless_regression_metric", "unified_metric"
CLASSES = (REGRESSION, REFERENCELESS, UNIFIED)

ENCODERS = ("XLM-RoBERTa", "XLM-RoBERTa-XL", "MiniLM", "BERT")
POOLINGS = ("avg", "max", "cls", "default")
ACTIVATIONS = (
    "Tanh", "Sigmoid", "Identity", "Hardtanh", "Hardsigmoid", "Hardswish", "Mish", "Softplus", "Softsign", "Tanhshrink",
)  # fmt: skip

_SHARED = {
    "encoder_model": "XLM-RoBERTa", "activations": "Tanh", "final_activation": None, "layer_norm": True, "pool": "avg",
    "hidden_sizes": [3072, 1024], "layer_transformation": "softmax", "pretrained_model": "xlm-roberta-large",
}  # fmt: skip
_DEFAULTS: dict[str, dict[str, Any]] = {
    REGRESSION: {**_SHARED, "layer": "mix"},
    REFERENCELESS: {**_SHARED, "layer": "mix", "hidden_sizes": [2048, 1024]},
    UNIFIED: {
        **_SHARED, "layer_transformation": "sparsemax", "pretrained_model": "microsoft/infoxlm-large",
        "sent_layer": "mix", "input_segments": ["mt", "src", "ref"],
    },
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a checkpoint computes a score."""

    kind: str
    """One of `CLASSES`."""
    encoder_model: str
    """One of `ENCODERS`."""
    pretrained_model: str
    """Name of the encoder whose configuration and tokenizer are used; its weights are in the checkpoint."""
    layer: str | int
    """Hidden layer that is pooled, 0 being the embeddings; ``mix`` for a learned mixture of all."""
    sparse: bool
    """Whether the weights of the mixture are a sparsemax, not a softmax."""
    layer_norm: bool
    """Whether each layer is normalised, over all tokens of a segment, before it is mixed."""
    pool: str
    """One of `POOLINGS`."""
    hidden_sizes: tuple[int, ...]
    activations: str
    final_activation: str | None
    segments: tuple[str, ...]
    """Which of ``mt``, ``src`` and ``ref`` the class reads, in the order of a unified metric's input."""

    @property
    def needs_reference(self) -> bool:
        """Return whether a score depends on a reference."""
        return "ref" in self.segments


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint folder on this machine, with what tells it from others."""

    folder: Path
    name: str
    """For signatures: a hub id, or the folder's name."""
    settings: Settings
    sha256: str
    """Of ``model.ckpt``."""

    @property
    def file(self) -> Path:
        """Return the path of the weights."""
        return model_file(self.folder)


def model_file(folder: Path) -> Path:
    """Return where the weights of a checkpoint folder lie."""
    return folder / "checkpoints" / "model.ckpt"


def open_checkpoint(folder: Path, name: str, content: Mapping[str, Any], sha256: str) -> Checkpoint:
    """Return the checkpoint of a folder whose ``model.ckpt`` holds ``content`` (see ``weights.read``).

    ModelError when its class or a setting is one that we do not know.
    """
    stated = read_hparams(folder)
    return Checkpoint(folder, name, _settings(folder, stated, _saved(model_file(folder), content) or stated), sha256)


def folder_of(path: Path) -> Path:
    """Return the checkpoint folder that a path means: itself, or the one around a ``model.ckpt``.

    ModelError when there is none.
    """
    folder = path.parent.parent if path.is_file() and path.suffix == ".ckpt" else path
    for needed in (folder / "hparams.yaml", model_file(folder)):
        if not needed.is_file():
            raise ModelError(
                f"{path} is not a COMET checkpoint: {needed} does not exist. Expected: a folder with hparams.yaml and "
                "checkpoints/model.ckpt, as in Unbabel/wmt22-comet-da on the Hugging Face hub."
            )
    return folder


def read_hparams(folder: Path) -> dict[str, Any]:
    """Return ``hparams.yaml``, read as plain data. ModelError when it is none, or names a class that we do not know."""
    path = folder / "hparams.yaml"
    try:
        stated = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ModelError(f"{path} cannot be read as plain YAML ({str(error).splitlines()[0]}).") from None
    if not isinstance(stated, dict):
        raise ModelError(f"{path} holds no settings; a COMET checkpoint names at least its class_identifier there.")
    kind = stated.get("class_identifier")
    if kind not in CLASSES:
        raise ModelError(
            f"{path}: class_identifier {kind!r} is not one that can be scored with."
            f"{did_you_mean(str(kind), CLASSES)} Known: {', '.join(CLASSES)}."
        )
    return stated


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file, hashed again only when the file changed since it last was."""
    stat, verdicts = path.stat(), verdicts_in(store.cache_dir())
    known = verdicts.known(path, stat)
    if known is not None:
        return known
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 22):
            digest.update(block)
    verdicts.record(path, stat, digest.hexdigest())
    return digest.hexdigest()


def _saved(file: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the hyper-parameters of a checkpoint, whatever container they were in; empty where there are none."""
    saved = content.get("hyper_parameters")
    if saved is not None and not isinstance(saved, Mapping):
        raise ModelError(f"{file}: its hyper_parameters are of type {type(saved).__name__}, not names with values.")
    # What had attributes, a Namespace say, comes back as an OrderedDict that has them.
    return {**saved, **vars(saved)} if isinstance(saved, OrderedDict) else dict(saved or {})


def _settings(folder: Path, stated: Mapping[str, Any], saved: Mapping[str, Any]) -> Settings:
    kind = stated["class_identifier"]
    _check_types(folder, saved)
    values = {**_DEFAULTS[kind], **{key: value for key, value in saved.items() if value is not None}}
    # Models trained before the format knew sparsemax carry its name all the same; their authors mark them in
    # hparams.yaml, and softmax is then what they were trained with.
    transformation = "softmax" if stated.get("layer_transformation") == "sparsemax_patch" else None
    segments = {REGRESSION: ("mt", "src", "ref"), REFERENCELESS: ("mt", "src")}.get(kind)
    found = Settings(
        kind=kind,
        encoder_model=values["encoder_model"],
        pretrained_model=str(values["pretrained_model"]),
        layer=values["sent_layer" if kind == UNIFIED else "layer"],
        sparse=(transformation or values["layer_transformation"]) == "sparsemax",
        layer_norm=bool(values["layer_norm"]),
        pool="cls" if kind == UNIFIED else values["pool"],
        hidden_sizes=tuple(values["hidden_sizes"]),
        activations=str(values["activations"]).title(),
        final_activation=str(values["final_activation"]).title() if values["final_activation"] else None,
        segments=segments or tuple(name for name in ("mt", "src", "ref") if name in ["mt", *values["input_segments"]]),
    )
    _one_of(folder, "encoder_model", found.encoder_model, ENCODERS)
    _one_of(folder, "pool", found.pool, POOLINGS)
    _one_of(folder, "activations", found.activations, ACTIVATIONS)
    _one_of(folder, "final_activation", found.final_activation or ACTIVATIONS[0], ACTIVATIONS)
    if found.layer != "mix" and (isinstance(found.layer, bool) or not isinstance(found.layer, int)):
        raise ModelError(f"{model_file(folder)}: layer {found.layer!r} is neither `mix` nor a number.")
    return found


def _check_types(folder: Path, saved: Mapping[str, Any]) -> None:
    """Raise ModelError for a setting whose value is of another kind than the format has."""
    whole = saved.get("hidden_sizes")
    if whole is not None and not (
        isinstance(whole, (list, tuple)) and whole and all(type(size) is int and size > 0 for size in whole)
    ):
        raise ModelError(f"{model_file(folder)}: hidden_sizes {whole!r} is not a list of numbers such as [3072, 1024].")
    segments = saved.get("input_segments")
    if segments is not None and not isinstance(segments, (list, tuple)):
        raise ModelError(f"{model_file(folder)}: input_segments {segments!r} is not a list such as [mt, src, ref].")


def _one_of(folder: Path, name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ModelError(
            f"{model_file(folder)}: {name} {value!r} is not one that we can compute."
            f"{did_you_mean(str(value), known)} Known: {', '.join(known)}."
        )
