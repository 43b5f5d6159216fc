"""Training settings: one definition an option, read from TOML, checked once, passed whole.

A settings file has a table for each dataclass here (``config/*.toml``); ``--set table.key=value`` wins over it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

from reference_model.errors import TrainingError, did_you_mean
from reference_model.toml_files import checked, parse_toml, tomllib

FOLDER = Path(__file__).parent / "config"
PRECISIONS = ("auto", "bf16", "fp32")
OPTIMIZERS = ("adamw", "muon")
ATTENTIONS = ("auto", "eager", "sdpa", "varlen", "flex_attention", "flash_attention_2")
MATRICES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Of a transformer block, as transformers names them."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The model: a LLaMA of this shape."""

    vocabulary: int
    """Entries of the embedding; a tokenizer that is trained gets at most so many."""
    width: int
    """Size of a hidden state."""
    inner: int
    """Size within the feed-forward block."""
    layers: int
    """Transformer blocks."""
    heads: int
    """Attention heads."""
    key_heads: int
    """Heads of keys and values."""
    context: int
    """Longest sequence."""
    tied: bool = False
    """Whether the embedding is also the output matrix."""
    rope_theta: float = 10000.0
    """Base of the rotary positions."""
    norm_eps: float = 1e-6
    """Epsilon of the norms."""
    pretrained: str = ""
    """Folder or hub id of the weights to start from."""
    revision: str = ""
    """Commit, tag or branch on the hub."""
    from_scratch: bool = False
    """Whether to start from random weights where none are named."""
    zero_outputs: bool = False
    """Whether random weights have zeros in the matrices that end a block's two parts: a block first passes all on."""
    embedding_std: float = 0.02
    """Standard deviation of a random embedding. Where it is also the output matrix, the last norm begins smaller."""
    local_heads: tuple[int, ...] = ()
    """How many heads of each block, from the first on, begin by looking at what is shortly before, as copying needs it;
    where there are any, queries equal keys at first, so that a token looks for its like. Blocks not named have none."""

    def __post_init__(self) -> None:
        sizes = ("vocabulary", "width", "inner", "layers", "heads", "key_heads", "context")
        _at_least("model", self, 1, sizes)
        if min(self.rope_theta, self.norm_eps, self.embedding_std) <= 0:
            raise TrainingError("model: rope_theta, norm_eps and embedding_std must be above 0.")
        if self.width % self.heads or self.width // self.heads % 2 or self.heads % self.key_heads:
            raise TrainingError(
                f"model: heads = {self.heads} must divide width = {self.width} into even parts, and key_heads = "
                f"{self.key_heads} must divide heads."
            )
        if not all(0 <= one <= self.heads for one in self.local_heads):
            raise TrainingError(
                f"model: local_heads = {list(self.local_heads)} must be numbers from 0 to heads = {self.heads}, one a "
                "block."
            )


@dataclass(frozen=True, kw_only=True)
class TokenizerChoice:
    """Where the tokenizer comes from: named here, or that of the weights, or trained on the data."""

    pretrained: str = ""
    """Folder or hub id."""
    add_tokens: bool = False
    """Add the template's tokens where they are missing; the embedding grows with them."""


@dataclass(frozen=True, kw_only=True)
class TemplateChoice:
    """The form of conversations."""

    name: str = "chatml"
    """A template of ``templates/`` or a TOML file."""
    opening_file: str = ""
    """File with the text that opens each conversation, where the template needs one."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """How much is learned at once."""

    length: int
    """Tokens in a packed sequence."""
    sequences: int
    """Packed sequences in one step of the optimizer, over all processes."""
    micro: int = 1
    """Packed sequences that a process computes at once."""

    def __post_init__(self) -> None:
        _at_least("batch", self, 1, ("sequences", "micro"))
        _at_least("batch", self, 8, ("length",))


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """AdamW, or Muon for the matrices of the blocks; warm-up, then a cosine."""

    rate: float
    """Highest learning rate."""
    kind: str = "adamw"
    """``adamw``, or ``muon``: Muon for the matrices of the blocks, AdamW for everything else."""
    matrix_rate: float = 0.0
    """Muon's highest learning rate, in AdamW's measure (updates of the same root mean square); 0 for ``rate``."""
    momentum: float = 0.95
    """Muon's."""
    newton_steps: int = 5
    """Steps of the Newton-Schulz iteration by which Muon evens out singular values."""
    by_head: bool = False
    """Muon takes each head of attention, and as many groups of an MLP's neurons, as a matrix of its own."""
    epochs: float = 1.0
    """Passes over the data, where ``steps`` is 0."""
    steps: int = 0
    """Steps of the optimizer, over as many passes as they need; 0 to go by ``epochs``."""
    warmup: float = 0.03
    """Share of the steps in which the rate rises."""
    hold: float = 0.0
    """Share of the steps in which the rate then stays where it is; the cosine takes the rest."""
    final: float = 0.0
    """The rate at the end, as a share of the highest."""
    weight_decay: float = 0.0
    """Of matrices; norms have none."""
    beta1: float = 0.9
    """AdamW's."""
    beta2: float = 0.999
    """AdamW's."""
    eps: float = 1e-8
    """AdamW's."""
    clip: float = 1.0
    """Largest norm of the gradient."""

    def __post_init__(self) -> None:
        if self.rate <= 0 or self.clip <= 0 or self.epochs <= 0 or self.steps < 0:
            raise TrainingError("optimizer: rate, clip and epochs must be above 0 and steps not below 0.")
        if self.eps <= 0 or self.weight_decay < 0:
            raise TrainingError("optimizer: eps must be above 0 and weight_decay not below 0.")
        if not (self.warmup >= 0 and self.hold >= 0 and self.warmup + self.hold < 1):
            raise TrainingError("optimizer: warmup and hold must not be below 0, and both together be below 1.")
        if not (0 <= self.final <= 1 and 0 <= self.beta1 < 1 and 0 <= self.beta2 < 1):
            raise TrainingError("optimizer: beta1 and beta2 lie in [0, 1), final in [0, 1].")
        if self.kind not in OPTIMIZERS:
            near = did_you_mean(self.kind, OPTIMIZERS)
            raise TrainingError(f"optimizer.kind = {self.kind!r} is unknown.{near} Known: {', '.join(OPTIMIZERS)}.")
        if self.matrix_rate < 0 or not 0 <= self.momentum < 1:
            raise TrainingError("optimizer: matrix_rate must not be below 0 and momentum lie in [0, 1).")
        _at_least("optimizer", self, 1, ("newton_steps",))


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """LoRA through peft; rank 0 trains all weights."""

    rank: int = 0
    """Rank of the updates."""
    alpha: int = 16
    """Scale: updates count alpha / rank."""
    dropout: float = 0.0
    """Of the updates' inputs."""
    layers: tuple[str, ...] = MATRICES
    """Which matrices are updated."""

    def __post_init__(self) -> None:
        if self.rank < 0 or self.alpha < 1 or not 0 <= self.dropout < 1 or not self.layers:
            raise TrainingError("adapter: rank must not be below 0, alpha be at least 1, dropout lie in [0, 1).")
        for name in self.layers:
            if name not in MATRICES:
                near = did_you_mean(name, MATRICES)
                raise TrainingError(f"adapter.layers: {name!r} is unknown.{near} Known: {', '.join(MATRICES)}.")


@dataclass(frozen=True, kw_only=True)
class Running:
    """How it is computed and kept; nothing here changes what is learned, but for rounding."""

    seed: int = 1
    """Of fresh weights, order and dropout."""
    precision: str = "auto"
    """``bf16`` (weights and optimizer stay in 32 bits), ``fp32``, or ``auto``: bf16 on GPUs."""
    attention: str = "auto"
    """As transformers names it, or ``varlen``, torch's own for packed rows. ``auto``: on CPU eager for short rows and
    sdpa for long ones; on GPUs flash_attention_2 where installed, then varlen, then flex_attention."""
    recompute: bool = False
    """Activation checkpointing: less memory, a third more work."""
    compile: str = ""
    """Backend of torch.compile for each block, for example ``inductor``; empty for none."""
    loss_rows: int = 1024
    """Positions whose logits are held at once."""
    checkpoint_every: int = 500
    """Steps between checkpoints; the last step always makes one."""
    keep: int = 2
    """Checkpoints that stay."""
    tensorboard: bool = False
    """Also write metrics for TensorBoard."""

    def __post_init__(self) -> None:
        _at_least("running", self, 1, ("loss_rows", "checkpoint_every", "keep"))
        _at_least("running", self, 0, ("seed",))
        for name, known in (("precision", PRECISIONS), ("attention", ATTENTIONS)):
            value = getattr(self, name)
            if value not in known:
                near = did_you_mean(value, known)
                raise TrainingError(f"running.{name} = {value!r} is unknown.{near} Known: {', '.join(known)}.")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that training was asked for, but for the data and the folder."""

    name: str
    """What the model is called in its card."""
    model: Shape
    batch: Batch
    optimizer: Optimizer
    note: str = ""
    """What a reader should know about the figures here."""
    tokenizer: TokenizerChoice = field(default_factory=TokenizerChoice)
    template: TemplateChoice = field(default_factory=TemplateChoice)
    adapter: Adapter = field(default_factory=Adapter)
    running: Running = field(default_factory=Running)

    def __post_init__(self) -> None:
        if self.batch.length > self.model.context:
            raise TrainingError(
                f"batch.length = {self.batch.length} is longer than model.context = {self.model.context}."
            )
        if self.optimizer.kind == "muon" and self.adapter.rank:
            raise TrainingError(
                "optimizer.kind = muon is for whole matrices, and adapter.rank above 0 trains thin ones: "
                "--set optimizer.kind=adamw, or --set adapter.rank=0."
            )

    def to_json(self) -> dict[str, Any]:
        """Return these settings as JSON values."""
        return json.loads(json.dumps(asdict(self)))


TABLES = {
    "model": Shape, "tokenizer": TokenizerChoice, "template": TemplateChoice, "batch": Batch,
    "optimizer": Optimizer, "adapter": Adapter, "running": Running,
}  # fmt: skip


def names() -> list[str]:
    """Return the names of the settings that are shipped."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str, changes: Sequence[str] = ()) -> Settings:
    """Return settings by name or TOML file, with ``table.key=value`` changes; TrainingError names what is wrong."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        raise TrainingError(
            f"Settings {name!r} are unknown.{did_you_mean(name, names())} Known: {', '.join(names())}, or a .toml file."
        )
    values = parse_toml(path, TrainingError)
    return build(_with(values, changes), str(path))


def build(values: dict[str, Any], where: str) -> Settings:
    """Return settings from nested values as they stand in a file."""
    built = dict(values)
    for table, form in TABLES.items():
        if table in values:
            if not isinstance(values[table], dict):
                raise TrainingError(f"{where}: `{table}` = {values[table]!r} is not a table, [{table}].")
            inner = checked(values[table], form, TrainingError, f"{where}, [{table}]")
            built[table] = form(**{key: tuple(v) if isinstance(v, list) else v for key, v in inner.items()})
    return Settings(**checked(built, Settings, TrainingError, where))


def _with(values: dict[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    for change in changes:
        table, key, value = _change(change)
        inner = values.get(table, {})
        values = {**values, table: {**inner, key: value} if isinstance(inner, dict) else inner}
    return values


def _change(text: str) -> tuple[str, str, Any]:
    """Read ``table.key=value``; the value is TOML, or plain text where a text is wanted."""
    path, equals, value = text.partition("=")
    table, dot, key = path.strip().partition(".")
    if not equals or not dot or table not in TABLES:
        near = did_you_mean(table, TABLES)
        raise TrainingError(
            f"--set {text!r} is not TABLE.KEY=VALUE.{near} Tables: {', '.join(TABLES)}; for example "
            "--set optimizer.rate=1e-5."
        )
    if get_type_hints(TABLES[table]).get(key) is str:
        return table, key, value
    try:
        return table, key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return table, key, value


def _at_least(table: str, settings: Any, least: int, names: Sequence[str]) -> None:
    for name in names:
        if getattr(settings, name) < least:
            raise TrainingError(f"{table}.{name} = {getattr(settings, name)} must be at least {least}.")


MAY_CHANGE = {
    "batch": {"micro"},
    "running": {"attention", "recompute", "compile", "loss_rows", "checkpoint_every", "keep", "tensorboard"},
}
"""What may differ when a run goes on: none of it changes what is learned, but for rounding."""


def differences(before: Settings, now: Settings) -> list[str]:
    """Return the settings in which a run cannot go on, as ``table.key: before -> now``."""
    found = []
    for table in TABLES:
        one, other = getattr(before, table), getattr(now, table)
        for option in dataclasses.fields(one):
            values = getattr(one, option.name), getattr(other, option.name)
            if values[0] != values[1] and option.name not in MAY_CHANGE.get(table, ()):
                found.append(f"{table}.{option.name}: {values[0]!r} -> {values[1]!r}")
    return found


def changed(settings: Settings, changes: Sequence[str]) -> Settings:
    """Return settings with ``table.key=value`` changes."""
    return build(_with(settings.to_json(), changes), "--set")
