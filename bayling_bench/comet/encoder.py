"""The encoder that a checkpoint names: where its configuration and tokenizer lie, and how text becomes token ids.

A COMET checkpoint holds the encoder's weights, but neither its configuration nor its tokenizer: these come from the
pretrained encoder, from a folder or from the hub's cache on this machine. Nothing is downloaded here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bayling_bench.comet.checkpoint import Checkpoint
from bayling_bench.errors import ModelError

TOKENIZER_FILES = ("tokenizer.json", "sentencepiece.bpe.model", "vocab.txt")
FILES = ("config.json", "tokenizer_config.json", "special_tokens_map.json", *TOKENIZER_FILES)
"""What is needed of a pretrained encoder; never its weights."""

_SEPARATORS = {"XLM-RoBERTa": 2, "XLM-RoBERTa-XL": 2, "MiniLM": 2, "BERT": 1}
"""Separator tokens between two segments of one input."""

_MINILM_TOKENIZER = "xlm-roberta-base"
"""MiniLM's multilingual students read XLM-R's vocabulary, which their own repositories do not hold."""

_SPELLINGS = {"xlm-roberta-large": "FacebookAI/xlm-roberta-large", "xlm-roberta-base": "FacebookAI/xlm-roberta-base"}
"""Names under which the hub moved what checkpoints still name in short."""

REVISIONS = {"FacebookAI/xlm-roberta-large": "c23d21b0620b635a76227c604d44e43a9f0ee389"}
"""Commits of encoders, on the hub, that scores were checked with."""


@dataclass(frozen=True)
class EncoderFiles:
    """Where an encoder's configuration and tokenizer lie; mostly the same folder."""

    name: str
    """As the checkpoint names the encoder."""
    configuration: Path
    tokenizer: Path

    def by_name(self) -> dict[str, Path]:
        """Return the folders by the names that unbabel-comet asks for."""
        return {_MINILM_TOKENIZER: self.tokenizer, self.name: self.configuration}

    def digest(self) -> str:
        """Return a hash of all that shapes tokens and architecture."""
        found = hashlib.sha256()
        for folder in (self.configuration, self.tokenizer):
            for name in FILES:
                path = folder / name
                found.update(name.encode() + (path.read_bytes() if path.is_file() else b"-"))
        return found.hexdigest()


def find(checkpoint: Checkpoint, given: Path | None) -> EncoderFiles:
    """Return the encoder of a checkpoint: the folder that was ``given``, else one beside it, else the hub's cache.

    ModelError, naming the command that brings it, when it is not on this machine.
    """
    settings = checkpoint.settings
    needed = ("config.json",)
    whole = settings.encoder_model != "MiniLM"
    configuration = _locate(checkpoint, settings.pretrained_model, given, needed, TOKENIZER_FILES if whole else needed)
    if settings.encoder_model != "MiniLM" or _has(configuration, TOKENIZER_FILES):
        tokenizer = configuration
    else:
        tokenizer = _locate(checkpoint, _MINILM_TOKENIZER, None, TOKENIZER_FILES, TOKENIZER_FILES)
    if not _has(tokenizer, TOKENIZER_FILES):
        raise ModelError(
            f"{tokenizer} holds no tokenizer ({', '.join(TOKENIZER_FILES)}) for the encoder "
            f"{settings.pretrained_model}. {_mend(settings.pretrained_model)}"
        )
    return EncoderFiles(settings.pretrained_model, configuration, tokenizer)


def repositories(checkpoint: Checkpoint) -> list[str]:
    """Return the hub repositories that hold a checkpoint's encoder: its configuration, and its tokenizer."""
    settings = checkpoint.settings
    names = [settings.pretrained_model, *([_MINILM_TOKENIZER] if settings.encoder_model == "MiniLM" else [])]
    return [_SPELLINGS.get(name, name) for name in names if not Path(name).is_dir()]


def _locate(
    checkpoint: Checkpoint, name: str, given: Path | None, needed: Sequence[str], wanted: Sequence[str]
) -> Path:
    """Return a folder with one of the files ``needed``, if there is any with one of those ``wanted``, too."""
    if given is not None:
        if not _has(given, needed):
            raise ModelError(
                f"encoder {given} holds no {needed[0]}. Expected: a folder with config.json and tokenizer of {name}."
            )
        return given
    beside = [checkpoint.folder / "encoder", checkpoint.folder / Path(name).name, Path(name)]
    folders = [*beside, *(folder for each in (name, _SPELLINGS.get(name)) if each for folder in _cached(each))]
    found = [folder for folder in folders if _has(folder, needed)]
    if found:
        return next((folder for folder in found if _has(folder, wanted)), found[0])
    raise ModelError(
        f"{checkpoint.folder}: its encoder {name} (configuration and tokenizer) is not on this machine. {_mend(name)}"
    )


def _mend(name: str) -> str:
    hub_id = _SPELLINGS.get(name, name)
    return (
        f"With a network: `hf download {hub_id} config.json tokenizer_config.json tokenizer.json`. Without: bring a "
        "folder with these files and give `--comet encoder=DIR`, or put it into the checkpoint's folder as `encoder`."
    )


def _has(folder: Path, names: Sequence[str]) -> bool:
    return any((folder / name).is_file() for name in names)


def _cached(name: str) -> list[Path]:
    """Return the snapshots of a repository in the hub's cache: the pinned one first, then the newest."""
    from huggingface_hub.constants import HF_HUB_CACHE

    snapshots = Path(HF_HUB_CACHE) / f"models--{name.replace('/', '--')}" / "snapshots"
    pinned = REVISIONS.get(_SPELLINGS.get(name, name))
    return sorted(
        snapshots.glob("*"), key=lambda folder: (folder.name == pinned, folder.stat().st_mtime_ns), reverse=True
    )


class Joined(list[int]):
    """Ids of several segments as one input."""

    def __init__(self, ids: Sequence[int], *, first: int) -> None:
        super().__init__(ids)
        self.first = first
        """How many of them belong to the first segment, with its special tokens."""


class Tokenizer:
    """Text to token ids, the same as transformers' fast tokenizers of these encoders, whatever their release."""

    def __init__(self, files: EncoderFiles, encoder_model: str, max_positions: int) -> None:
        try:
            self._backend = _backend(files.tokenizer, encoder_model)
        except Exception as error:  # of whatever class: tokenizers raises bare ones
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
            raise ModelError(f"{files.tokenizer}: its tokenizer cannot be read ({reason}). Fetch it again.") from error
        self._backend.no_padding()
        self._backend.enable_truncation(max_positions - 2)
        self._max_positions = max_positions
        special = ("[PAD]", "[CLS]", "[SEP]") if encoder_model == "BERT" else ("<pad>", "<s>", "</s>")
        ids = [self._backend.token_to_id(token) for token in special]
        if None in ids:
            raise ModelError(f"{files.tokenizer}: its tokenizer has no {special[ids.index(None)]} token.")
        self.padding, self._first, self._separator = (int(each) for each in ids)
        self._separators = _SEPARATORS[encoder_model]

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text, with its special tokens, cut at what the encoder can read."""
        return [found.ids for found in self._backend.encode_batch_fast(list(texts))]

    def joined(self, parts: Sequence[Sequence[int]]) -> Joined:
        """Return the ids of several segments as one input, cut at what the encoder can read."""
        bare = [[token for token in ids if token != self.padding][1:-1] for ids in parts]
        ids = Joined([self._first, *bare[0]], first=len(bare[0]) + 2)
        for part in bare[1:]:
            ids += [self._separator] * self._separators + part
        ids.append(self._separator)
        room = self._max_positions - (1 + len(parts) * self._separators)
        if sum(map(len, bare)) > room:
            del ids[self._max_positions :]
        return ids


def _backend(folder: Path, encoder_model: str) -> Any:
    from tokenizers import Tokenizer as Backend

    if (folder / "tokenizer.json").is_file():
        return Backend.from_file(str(folder / "tokenizer.json"))
    import transformers

    name = "BertTokenizerFast" if encoder_model == "BERT" else "XLMRobertaTokenizerFast"
    return getattr(transformers, name).from_pretrained(str(folder), local_files_only=True).backend_tokenizer
