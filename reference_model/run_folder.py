"""A run's folder: settings and data hash, tokenizer, tokens, metrics, checkpoints; one command at a time writes there.

``run.json`` (settings, data, versions) · ``tokenizer/`` · ``tokens/`` · ``metrics.jsonl`` · ``checkpoints/``
"""

from __future__ import annotations

import fcntl
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from reference_model import settings as settings_files
from reference_model.errors import TrainingError
from reference_model.files import sha256, write_text
from reference_model.mixture import CARD, CONVERSATIONS
from reference_model.settings import Settings

RECORD, LOCK, METRICS = "run.json", "lock", "metrics.jsonl"
PREPARED = ("tokenizer", "tokens", "tokens.partial", "checkpoints", METRICS, "tensorboard", RECORD)
"""What is made before the first step, the record first and so removed last."""
VERSION = 1


@dataclass(frozen=True)
class Data:
    """A folder of conversations."""

    folder: Path

    def __post_init__(self) -> None:
        if not self.conversations.is_file():
            raise TrainingError(
                f"{self.folder} holds no {CONVERSATIONS}. Make it: bayling-model data MIXTURE.toml -o {self.folder}"
            )

    @property
    def conversations(self) -> Path:
        """Return the file that is trained on."""
        return self.folder / CONVERSATIONS

    def to_json(self) -> dict[str, Any]:
        """Return where the data is, its hash, and its card where it has one."""
        card = self.folder / CARD
        return {
            "folder": str(self.folder.resolve()),
            "sha256": sha256(self.conversations),
            "card": _card(card) if card.is_file() else None,
        }


def _card(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TrainingError(f"{path} is damaged ({error}). Build the data again, or remove the card.") from None


def begin(folder: Path, settings: Settings, data: Data) -> None:
    """Make the folder of a new run; TrainingError where one is already there that has taken a step."""
    if (folder / RECORD).is_file() and not has_begun(folder):
        for name in PREPARED:
            _remove(folder / name)
    if any(path.name != LOCK for path in folder.iterdir()):
        what = "already holds a run" if (folder / RECORD).exists() else "is not empty"
        raise TrainingError(f"{folder} {what}. Go on with --resume {folder}, or name another folder with -o.")
    versions = {name: _version(name) for name in ("bayling-bench", "torch", "transformers", "tokenizers", "numpy")}
    record = {
        "version": VERSION, "settings": settings.to_json(), "data": data.to_json(),
        "versions": {"python": sys.version.split()[0], **versions},
    }  # fmt: skip
    write_text(folder / RECORD, json.dumps(record, ensure_ascii=False, indent=1) + "\n")
    (folder / "checkpoints").mkdir()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from its source, not installed
        return "unknown"


def has_begun(folder: Path) -> bool:
    """Return whether the run in a folder has taken a step, of which metrics or a checkpoint would be lost."""
    metrics = folder / METRICS
    return any((folder / "checkpoints").glob("step-*")) or (metrics.is_file() and metrics.stat().st_size > 0)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def read(folder: Path) -> dict[str, Any]:
    """Return what ``run.json`` holds; TrainingError where the folder holds no run."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except OSError:
        raise TrainingError(
            f"{folder} holds no run. Begin one with: bayling-model train CONFIG --data DIR -o {folder}"
        ) from None
    except ValueError as error:
        raise TrainingError(f"{folder / RECORD} is damaged ({error}). Bring it back from a copy.") from None
    if not isinstance(record, dict) or record.get("version") != VERSION:
        found = record.get("version") if isinstance(record, dict) else record
        raise TrainingError(f"{folder} was written by another version of this command ({found!r:.60}).")
    return record


def settings_of(folder: Path) -> Settings:
    """Return the settings of the run in a folder."""
    return settings_files.build(read(folder)["settings"], str(folder / RECORD))


def check_same(folder: Path, settings: Settings, data: Data) -> None:
    """Raise TrainingError where the run in a folder was begun with other settings or other data."""
    parts = settings_files.differences(settings_of(folder), settings)
    if parts:
        raise TrainingError(
            f"{folder} was begun with other settings: {'; '.join(parts)}. Leave them as they were, or begin a new run."
        )
    before, now = read(folder)["data"]["sha256"], sha256(data.conversations)
    if before != now:
        raise TrainingError(
            f"{data.conversations} is not what the run in {folder} was begun with: sha256 {now[:12]}… instead of "
            f"{before[:12]}…. Name the folder that holds it with --data, or begin a new run."
        )


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a run's folder; TrainingError where another command holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise TrainingError(
                f"Another command is training in {folder}. Wait for it, or name another folder."
            ) from None
        yield
