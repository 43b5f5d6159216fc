"""Weights of a Hugging Face folder, one tensor in memory at a time: safetensors, or PyTorch files as of 2023."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from reference_model.errors import WeightsError

NOT_WEIGHTS = "rotary_emb.inv_freq"
"""A buffer that LLaMA's files of 2023 hold and nobody reads any more."""
TYPES = {torch.float16: "F16", torch.bfloat16: "BF16", torch.float32: "F32", torch.float64: "F64"}
Result = TypeVar("Result")
INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
SINGLE = ("model.safetensors", "pytorch_model.bin")


class WeightsFolder:
    """The tensors of a folder by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = _files(folder)
        self._pickled: tuple[str, dict[str, torch.Tensor]] = ("", {})

    def names(self) -> list[str]:
        """Return the names of all weights, sorted."""
        return sorted(name for name in self.files if not name.endswith(NOT_WEIGHTS))

    def read(self, name: str) -> torch.Tensor:
        """Return one tensor; WeightsError when its file is damaged."""
        return self._look(name, lambda file: file.get_tensor(name), lambda tensor: tensor)

    def form(self, name: str) -> tuple[tuple[int, ...], str]:
        """Return a tensor's shape and type, as safetensors names it, without reading its values."""
        return self._look(
            name,
            lambda file: (tuple(file.get_slice(name).get_shape()), file.get_slice(name).get_dtype()),
            lambda tensor: (tuple(tensor.shape), TYPES.get(tensor.dtype, str(tensor.dtype))),
        )

    def _look(self, name: str, opened: Callable[[Any], Result], unpickled: Callable[[torch.Tensor], Result]) -> Result:
        path = self.folder / self.files[name]
        try:
            if path.suffix == ".safetensors":
                with safe_open(path, framework="pt") as file:
                    return opened(file)
            return unpickled(self._unpickle(path)[name])
        except (OSError, SafetensorError, RuntimeError, UnpicklingError, KeyError) as error:
            raise WeightsError(f"{path}: tensor {name} cannot be read ({error}). Fetch the file again.") from None

    def _unpickle(self, path: Path) -> dict[str, torch.Tensor]:
        """Return the tensors of a PyTorch file, mapped from disk; only the last file stays open."""
        if self._pickled[0] != path.name:
            self._pickled = (path.name, torch.load(path, map_location="cpu", mmap=True, weights_only=True))
        return self._pickled[1]


def _files(folder: Path) -> dict[str, str]:
    for name in INDEXES:
        if (folder / name).is_file():
            files = _listed(folder / name)
            missing = sorted({file for file in files.values() if not (folder / file).is_file()})
            if missing:
                raise WeightsError(f"{folder} lacks {missing[0]}, which {name} lists ({len(missing)} missing in all).")
            return files
    for name in SINGLE:
        path = folder / name
        try:
            if path.suffix == ".safetensors" and path.is_file():
                with safe_open(path, framework="pt") as file:
                    return dict.fromkeys(file.keys(), name)
            if path.is_file():
                return dict.fromkeys(torch.load(path, map_location="cpu", mmap=True, weights_only=True), name)
        except (OSError, SafetensorError, RuntimeError, UnpicklingError) as error:
            raise WeightsError(f"{path}: cannot be read ({error}). Fetch the file again.") from None
    raise WeightsError(f"{folder} holds no weights: none of {', '.join((*INDEXES, *SINGLE))} is there.")


def _listed(index: Path) -> dict[str, str]:
    try:
        return dict(json.loads(index.read_text(encoding="utf-8"))["weight_map"])
    except (ValueError, KeyError, TypeError):
        raise WeightsError(f"{index}: is not an index of weights. Fetch the file again.") from None


def digest(tensor: torch.Tensor) -> str:
    """Return the sha256 of a tensor's type, shape and bytes: the same however its file is cut."""
    found = hashlib.sha256(f"{tensor.dtype} {tuple(tensor.shape)} ".encode())
    found.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


@dataclass
class ShardWriter:
    """Writes tensors into safetensors files of at most ``limit`` bytes, or one tensor, and an index at the end."""

    folder: Path
    limit: int
    metadata: dict[str, Any] = field(default_factory=dict)
    _held: dict[str, torch.Tensor] = field(default_factory=dict)
    _bytes: int = 0
    _shards: list[list[str]] = field(default_factory=list)
    _total: int = 0

    def add(self, name: str, tensor: torch.Tensor) -> None:
        """Take a tensor; what was taken before is written when there is no room for it."""
        if self._held and self._bytes + tensor.nbytes > self.limit:
            self._write()
        self._held[name] = tensor.contiguous()
        self._bytes += tensor.nbytes
        self._total += tensor.nbytes

    def _write(self) -> None:
        path = self.folder / f"part-{len(self._shards)}.safetensors"
        save_file(self._held, path, metadata={"format": "pt"})
        self._shards.append(list(self._held))
        self._held, self._bytes = {}, 0

    def close(self) -> None:
        """Write what is held, give the files their final names and write the index."""
        if self._held:
            self._write()
        count, weight_map = len(self._shards), {}
        for number, names in enumerate(self._shards):
            name = "model.safetensors" if count == 1 else f"model-{number + 1:05}-of-{count:05}.safetensors"
            (self.folder / f"part-{number}.safetensors").rename(self.folder / name)
            weight_map |= dict.fromkeys(names, name)
        if count > 1:
            index = {"metadata": {"total_size": self._total}, "weight_map": weight_map}
            (self.folder / INDEXES[0]).write_text(json.dumps(index, indent=1), encoding="utf-8")


def other_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that are not weights: configuration, tokenizer, card."""
    for path in sorted(folder.iterdir()):
        weights = path.suffix in (".safetensors", ".bin", ".pt", ".pth") or path.name in INDEXES
        if path.is_file() and not weights and not path.name.startswith("."):
            yield path
