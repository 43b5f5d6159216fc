"""Which files were hashed and found right, by size, modification time and inode, so that not every read hashes again.

A cache and no more: an entry that is lost, outdated or unreadable costs one hash. Processes may therefore write the
file at the same time (each replaces it atomically), and where none can be written the verdicts stay in memory.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import threading
import time
from functools import cache
from pathlib import Path

SETTLED_NS = 2_000_000_000  # a file changed this lately could change again within one tick of the clock: hash it anew
SAVE_EVERY_S = 2.0

Entry = list  # [size, mtime_ns, inode, sha256], as JSON reads it back


class Verdicts:
    """The verdicts kept in one file; safe to use from threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._entries = _load(path)
        self._new: dict[str, Entry] = {}
        self._saved_at = time.monotonic()

    def holds(self, path: Path, stat: os.stat_result, sha256: str) -> bool:
        """Return whether ``path``, in the state ``stat``, was seen to have the hash ``sha256``."""
        return self._entries.get(str(path)) == _entry(stat, sha256)

    def known(self, path: Path, stat: os.stat_result) -> str | None:
        """Return the hash that ``path``, in the state ``stat``, was seen to have, or None."""
        entry = self._entries.get(str(path))
        return entry[3] if entry and entry == _entry(stat, entry[3]) else None

    def record(self, path: Path, stat: os.stat_result, sha256: str) -> None:
        """Note that ``path``, in the state ``stat``, has the hash ``sha256``."""
        if time.time_ns() - stat.st_mtime_ns < SETTLED_NS:
            return
        with self._lock:
            self._entries[str(path)] = self._new[str(path)] = _entry(stat, sha256)
            due = time.monotonic() - self._saved_at > SAVE_EVERY_S
        if due:
            self.save()

    def forget(self, path: Path) -> None:
        """Make the next reader hash ``path`` again, whatever was recorded."""
        with self._lock:
            self._entries[str(path)] = self._new[str(path)] = []

    def save(self) -> None:
        """Add the new verdicts to the file, beside those of other processes; where it cannot be written, do nothing."""
        with self._lock:
            if not self._new:
                return
            self._saved_at = time.monotonic()
            draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
            try:
                draft.write_text(json.dumps(_load(self._path) | self._new), encoding="utf-8")
                draft.replace(self._path)
                self._new = {}
            except OSError:
                with contextlib.suppress(OSError):
                    draft.unlink()


@cache
def verdicts_in(folder: Path) -> Verdicts:
    """Return the verdicts that ``folder`` keeps; they are saved from time to time and when the process ends."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    verdicts = Verdicts(folder / "verified.json")
    atexit.register(verdicts.save)
    return verdicts


def _entry(stat: os.stat_result, sha256: str) -> Entry:
    return [stat.st_size, stat.st_mtime_ns, stat.st_ino, sha256]


def _load(path: Path) -> dict[str, Entry]:
    try:
        entries = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return entries if isinstance(entries, dict) else {}
