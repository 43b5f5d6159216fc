"""Where a model to talk to lies: an exported folder, a hub id, or a GGUF file; what else it may be is said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from reference_model.errors import ModelError
from reference_model.run_folder import RECORD

DIFFERENCE = "delta.json"
"""What ``make-delta`` writes beside a difference; its module needs torch, which is slow to load."""


@dataclass(frozen=True)
class Source:
    """A model as transformers takes it."""

    name: str
    """Folder or hub id."""
    gguf_file: str | None = None
    """File in the folder, where the weights are GGUF."""

    def __str__(self) -> str:
        return str(Path(self.name) / self.gguf_file) if self.gguf_file else self.name

    @property
    def arguments(self) -> dict[str, str]:
        """Return the arguments of ``from_pretrained``."""
        found = {"pretrained_model_name_or_path": self.name}
        return found | ({"gguf_file": self.gguf_file} if self.gguf_file else {})


def find(text: str) -> Source:
    """Return the model that ``text`` names; ModelError for a run, a weight difference, or nothing of the kind."""
    path = Path(text).expanduser()
    if path.is_file() or text.lower().endswith(".gguf"):
        return _file(path)
    if path.is_dir():
        _check_folder(path)
        return Source(str(path))
    if not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", text):
        raise ModelError(f"{text}: there is no such folder, and hub ids have the form OWNER/NAME.")
    return Source(text)


def _file(path: Path) -> Source:
    if not path.is_file():
        raise ModelError(f"{path}: there is no such file.")
    if path.suffix.lower() != ".gguf":
        raise ModelError(f"{path} is a file, but no .gguf file. Name the folder that holds config.json.")
    return Source(str(path.parent), path.name)


def _check_folder(path: Path) -> None:
    run = next((folder for folder in (path, *path.resolve().parents) if (folder / RECORD).is_file()), None)
    if (path / DIFFERENCE).is_file():
        raise ModelError(f"{path} holds a weight difference. First: bayling-model apply-delta BASE {path} OUT")
    if (path / "config.json").is_file():
        return
    if run is None:
        inside = next((file.parent for file in sorted(path.glob("*/config.json"))), None)
        hint = f" Did you mean {inside}?" if inside else " Name the folder that `bayling-model export` made."
        raise ModelError(f"{path} holds no config.json, so it is not a Hugging Face model.{hint}")
    exported = run / "model"
    if (exported / "config.json").is_file():
        raise ModelError(f"{path} belongs to a training run; its exported model is {exported}.")
    raise ModelError(
        f"{path} belongs to a training run, which is not a model yet. First: bayling-model export {run} -o {exported}"
    )
