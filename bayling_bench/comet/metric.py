"""COMET as a metric: a checkpoint with its encoder, device and precision gives segment scores and their signature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from bayling_bench import __version__
from bayling_bench.comet import encoder, kept, registry
from bayling_bench.comet.checkpoint import open_checkpoint
from bayling_bench.comet.scorer import Listener, Scorer, Segment
from bayling_bench.config import CometOptions
from bayling_bench.data import store
from bayling_bench.errors import ModelError

if TYPE_CHECKING:
    from bayling_bench.comet.network import Network

VERSION = 1
"""Of our way of computing a score: it changes when scores of the same checkpoint do, beyond rounding."""

BATCH_TOKENS = {"cpu": 512, "cuda": 16384}
"""Tokens a batch, where no other number is asked for."""


@dataclass(frozen=True)
class Use:
    """How COMET is computed, and who hears of it."""

    options: CometOptions = field(default_factory=CometOptions)
    listener: Listener = field(default_factory=Listener)


class Metric:
    """A checkpoint that was found on this machine; its network is loaded when something has to be computed."""

    def __init__(self, found: registry.Found, use: Use, *, keep: bool = True) -> None:
        """Read the checkpoint; without ``keep`` everything is computed afresh and nothing is left in the cache.

        ModelError when it is of another format, or its encoder is not on this machine.
        """
        from bayling_bench.comet import weights  # torch, which an audit without COMET does not need

        self._keep = keep
        self._options, self._listener = use.options, use.listener
        self._content = weights.read(registry.model_file(found.folder))
        self.checkpoint = open_checkpoint(found.folder, found.name, self._content, found.sha256)
        self._files = encoder.find(self.checkpoint, Path(use.options.encoder) if use.options.encoder else None)

    @property
    def reads_references(self) -> bool:
        """Return whether scores depend on a reference."""
        return self.checkpoint.settings.needs_reference

    def signature(self, references: str) -> str:
        """Return the line that says exactly what a score is; ``references`` names those of the test set, ``A`` say.

        ``encoder`` is its name and a hash of its configuration and tokenizer; ``version`` that of the way scores are
        computed, and of this program.
        """
        name = Path(self._files.name).name if Path(self._files.name).is_absolute() else self._files.name
        parts = {
            "model": self.checkpoint.name,
            "sha": self.checkpoint.sha256[:12],
            "precision": self._options.precision,
            "encoder": f"{name}@{self.encoder_digest[:12]}",
            "refs": references if self.reads_references else "none",
            "version": f"{VERSION}+{__version__}",
        }
        return "|".join(["COMET", *(f"{name}:{value.replace('|', '/')}" for name, value in parts.items())])

    def score(self, segments: Sequence[Segment], references: str) -> list[float]:
        """Return one raw score a segment, computed or, where these very segments were scored before, from the cache."""
        if not self.reads_references:
            segments = kept.without_references(segments)
        if not self._keep:
            return self._scorer.score(segments)
        signature, content = self.signature(references), kept.digest(segments)
        path = kept.cache_file(self._identity, content)
        known = kept.from_cache(path, content)
        if known is None:
            known = tuple(self._scorer.score(segments)) if segments else ()
            kept.to_cache(path, kept.Kept(signature, content, known))
        return list(known)

    @property
    def encoder_folders(self) -> dict[str, Path]:
        """Return where the encoder's configuration and tokenizer lie, by the names that unbabel-comet asks for."""
        return self._files.by_name()

    @cached_property
    def _identity(self) -> str:
        """Return all that a sentence vector depends on besides its text."""
        libraries = "-".join(version(name) for name in ("transformers", "tokenizers"))
        return f"{self.checkpoint.sha256}-{self.encoder_digest[:16]}-{self._options.precision}-{VERSION}-{libraries}"

    @cached_property
    def encoder_digest(self) -> str:
        """Return a hash of the encoder's configuration and tokenizer."""
        return self._files.digest()

    @cached_property
    def _scorer(self) -> Scorer:
        from bayling_bench.comet.vectors import Vectors

        network = self.network()
        path = store.cache_dir() / "comet" / "vectors" / f"{self._identity}.sqlite" if self._keep else None
        tokens = self._options.batch_tokens or BATCH_TOKENS.get(network.device.type, 4096)
        return Scorer(network, Vectors(path, network.units, self._listener.say), tokens, self._listener)

    def network(self) -> Network:
        """Return the network, loaded. ModelError when there is no memory for it, or no such device."""
        import torch

        from bayling_bench.comet.network import Network

        device = self._options.device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            return Network(self.checkpoint, self._content, self._files, device, self._options.precision)
        except (RuntimeError, AssertionError) as error:
            raise ModelError(
                f"COMET cannot be loaded on --comet device={device} ({str(error).splitlines()[0][:200]}). Choose "
                "another, for example --comet device=cpu."
            ) from None


def load(name: str, use: Use) -> Metric:
    """Return the metric of a name such as ``comet`` or ``comet:PATH_OR_ID``; errors as `registry.find` and `Metric`."""
    return Metric(registry.find(name), use)
