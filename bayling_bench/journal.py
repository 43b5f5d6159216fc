"""The journal: every finished response on disk at once, found again only by its own key.

A journal is one append-only JSONL file for each task and process (``responses/<task>.<rank>.jsonl``). Its records:
``{"key": …, "task": …, "item": 17, "turn": 0, "prompt": …, "response": …, "tokens": 12, "seconds": 0.4,
"finish_reason": "stop"}``; a log-likelihood request has ``[logprob, is_greedy]`` as response, a failed one ``error``
instead. A process killed in mid-write leaves a torn last line, which is cut off before the next append.

The key is a hash of model, revision, template, generation settings, task, document and prompt, so that no model is ever
served another's answers, whatever lies in the folder.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from bayling_bench.errors import RunError

if TYPE_CHECKING:
    from typing_extensions import Self

Response = str | tuple[float, bool]


@dataclass(frozen=True)
class Failure:
    """Why an item has no response."""

    reason: str
    """A short name: ``prompt_too_long``, ``api_error``, ``earlier_turn_failed`` …"""
    detail: str = ""
    """What happened, in words."""
    retry: bool = False
    """Whether a resumed run should ask again."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """What every kind of journal keeps of a request: under which key, in which file, and whether it failed."""

    key: str
    task: str
    error: Failure | None = None

    def to_line(self) -> bytes:
        """Return the entry as one line of JSON; lone surrogates are escaped, so that any text can be kept."""
        values = {name: value for name, value in asdict(self).items() if value is not None}
        try:
            return json.dumps(values, ensure_ascii=False).encode("utf-8") + b"\n"
        except UnicodeEncodeError:
            return json.dumps(values).encode("ascii") + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """Read back what ``to_line`` wrote; ValueError, KeyError or TypeError when the line is something else."""
        values = json.loads(line)
        if isinstance(values.get("response"), list):
            values["response"] = tuple(values["response"])
        if "error" in values:
            values["error"] = Failure(**values["error"])
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class Entry(Line):
    """One request to a model and what came of it."""

    item: int
    turn: int
    prompt: str
    response: Response | None = None
    tokens: int | None = None
    seconds: float | None = None
    finish_reason: str | None = None


def digest(*parts: Any) -> str:
    """Return a hash of JSON values, the same in every process."""
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode("ascii"), digest_size=16).hexdigest()


Kept = TypeVar("Kept", bound=Line)


class Journal(Generic[Kept]):
    """The responses of one folder: reads those of all processes, appends those of its own."""

    def __init__(
        self, folder: Path, rank: int = 0, kind: type[Kept] = Entry, again: str = "`bayling-bench run --resume DIR`"
    ) -> None:
        """Read a folder of lines of one ``kind``; ``again`` is the command that goes on after a full disk."""
        self.folder = folder
        self.rank = rank
        self.kind: type[Kept] = kind
        self.again = again
        self.damaged: list[str] = []
        self._entries: dict[str, Kept] = {}
        self._files: dict[str, FileIO] = {}
        self._lock = threading.Lock()
        self.reload()

    def reload(self) -> None:
        """Read every process's journal; a later line of the same key wins, but never a failure over a response."""
        self._entries.clear()
        self.damaged.clear()
        for path in sorted(self.folder.glob("*.jsonl")):
            for entry in self._read(path):
                known = self._entries.get(entry.key)
                if known is None or known.error is not None:
                    self._entries[entry.key] = entry

    def _read(self, path: Path) -> Iterator[Kept]:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    return
                try:
                    yield self.kind.from_line(line)
                except (ValueError, KeyError, TypeError, AttributeError):
                    self.damaged.append(f"{path}:{number}")

    def get(self, key: str) -> Kept | None:
        """Return the entry of a key, if any process has finished it."""
        return self._entries.get(key)

    def entries(self) -> Mapping[str, Kept]:
        """Return all entries by key."""
        return self._entries

    def append(self, entry: Kept) -> None:
        """Write an entry through to the operating system, so that a kill right after loses nothing.

        Raises RunError when the disk is full or not writable.
        """
        line = entry.to_line()
        with self._lock:
            try:
                file = self._files.get(entry.task) or self._open(entry.task)
                if file.write(line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError as error:
                raise RunError(
                    f"{self.folder}: a response could not be written ({error}). Everything before it is safe: make "
                    f"room, then {self.again.replace('DIR', str(self.folder.parent))}."
                ) from error
            self._entries[entry.key] = entry

    def _open(self, task: str) -> FileIO:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{task}.{self.rank}.jsonl"
        _cut_torn_line(path)
        file = path.open("ab", buffering=0)
        self._files[task] = file
        return file

    def close(self) -> None:
        """Bring everything to the disk itself and close the files."""
        for file in self._files.values():
            os.fsync(file.fileno())
            file.close()
        self._files.clear()


def _cut_torn_line(path: Path) -> None:
    """Drop what follows the last newline: the half line of a process that was killed while writing."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        position = end
        while position > 0:
            start = max(0, position - 65536)
            file.seek(start)
            newline = file.read(position - start).rfind(b"\n")
            if newline >= 0:
                file.truncate(start + newline + 1)
                return
            position = start
        file.truncate(0)
