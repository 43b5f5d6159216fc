"""What ``--model`` names, and the fingerprint by which its answers are recognised.

``PATH`` or ``hf:PATH_OR_HUB_ID`` · ``FILE.gguf`` · ``vllm:PATH_OR_HUB_ID`` · ``openai:MODEL`` (with ``--base-url``) ·
``published:SYSTEM`` · ``baseline:NAME``. Reading a specification imports no model library.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from bayling_bench.errors import ModelError, did_you_mean

KINDS = ("hf", "gguf", "vllm", "openai", "published", "baseline")
BASELINES = {"copy": False, "nearest": True, "words": True}
"""Name of a baseline -> whether it reads training conversations."""
_SAMPLE = 1 << 20
_SAMPLES = 16


@dataclass(frozen=True)
class ModelSpec:
    """A model by kind and name; ``text`` is what the user typed."""

    kind: str
    name: str
    text: str

    @property
    def generates_only(self) -> bool:
        """Return whether the model gives text but no log-likelihoods."""
        return self.kind in ("openai", "published", "baseline")

    @property
    def label(self) -> str:
        """Return a short name for tables and folders: the last part of a path, a hub id or a server's name."""
        if self.kind == "baseline":
            return self.name.partition("@")[0]
        name = Path(self.name).name
        return name if name not in ("", "..") else Path(self.name).resolve().name

    @property
    def data(self) -> Path | None:
        """Return the folder of training conversations that a baseline reads, if it reads any."""
        name, _, folder = self.name.partition("@")
        return Path(folder).expanduser() if self.kind == "baseline" and BASELINES[name] else None

    @property
    def local_path(self) -> Path | None:
        """Return the folder or file that holds the model, or None when it is a hub id or a server."""
        path = Path(self.name).expanduser()
        return path if self.kind in ("hf", "gguf", "vllm") and path.exists() else None


def parse(text: str) -> ModelSpec:
    """Return the model that ``text`` names.

    Raises ModelError when it is of no known form or names a file that does not exist.
    """
    kind, colon, name = text.partition(":")
    if not colon or kind not in KINDS:
        kind, name = ("gguf" if text.lower().endswith(".gguf") else "hf"), text
    if not name:
        raise ModelError(f"--model {text!r} names no model after `{kind}:`. For example: --model {kind}:NAME.")
    path = Path(name).expanduser()
    if kind == "gguf" and not path.is_file():
        raise ModelError(f"--model {text}: there is no such file. Give the path of a .gguf file.")
    if kind in ("hf", "vllm"):
        _check_weights(text, name, path)
    if kind == "baseline":
        _check_baseline(text, name)
    return ModelSpec(kind, name, text)


def _check_weights(text: str, name: str, path: Path) -> None:
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ModelError(f"--model {text}: the folder holds no config.json, so it is not a Hugging Face model.")
    elif path.exists():
        raise ModelError(f"--model {text}: a file, but neither a Hugging Face folder nor a .gguf file.")
    elif not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", name):
        raise ModelError(
            f"--model {text}: no such folder, and not of the form of a hub id (OWNER/NAME). Known forms: PATH, "
            "hf:PATH_OR_ID, FILE.gguf, vllm:PATH_OR_ID, openai:MODEL, published:SYSTEM, baseline:NAME."
        )


def _check_baseline(text: str, name: str) -> None:
    baseline, _, folder = name.partition("@")
    if baseline not in BASELINES:
        raise ModelError(
            f"--model {text}: no such baseline.{did_you_mean(baseline, BASELINES)} Known: baseline:copy, "
            "baseline:nearest@DATA, baseline:words@DATA."
        )
    if BASELINES[baseline] and not folder:
        raise ModelError(
            f"--model {text} reads training conversations: name their folder, for example "
            f"--model baseline:{baseline}@runs/miniature/data."
        )
    if folder and not BASELINES[baseline]:
        raise ModelError(f"--model {text}: baseline:{baseline} reads no data. Leave out @{folder}.")


def fingerprint(path: Path) -> str:
    """Return a hash that changes when a model's files change; what lies in folders below is no part of a model.

    Small files (configuration, tokenizer) are hashed whole; of each weight file the size and 16 evenly spread
    mebibytes, since training changes all of a tensor and 26 GB need not be read at every start.
    """
    total = hashlib.sha256()
    files = [path] if path.is_file() else sorted(file for file in path.iterdir() if file.is_file())
    for file in files:
        if file.name.startswith("."):
            continue
        total.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        _hash_samples(file, total)
    return f"sha256:{total.hexdigest()}"


def _hash_samples(file: Path, total: hashlib._Hash) -> None:
    size = file.stat().st_size
    with file.open("rb") as stream:
        if size <= _SAMPLES * _SAMPLE:
            total.update(stream.read())
            return
        for sample in range(_SAMPLES):
            stream.seek((size - _SAMPLE) * sample // (_SAMPLES - 1))
            total.update(stream.read(_SAMPLE))
