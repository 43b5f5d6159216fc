"""Sentence vectors of sources and references on disk: encoded once for all systems, ever.

One SQLite file a checkpoint, encoder and precision, in the cache: so vectors of other weights or another precision are
never mixed in. The key of a vector is the sha256 of its text, the value its float32 numbers. SQLite keeps several
processes apart, survives being killed, and reads a row without reading the file; memory stays bounded.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_AT_ONCE = 500
"""Keys of one query; SQLite takes 999 parameters on old builds."""

_WAIT_SECONDS = 60.0


class Vectors:
    """The vectors of one network."""

    def __init__(self, path: Path | None, units: int, say: Callable[[str], None] = lambda _: None) -> None:
        """Open the file, made new where it is absent or damaged; None, or one that cannot be written, is not kept."""
        self._units, self._path, self._say = units, path, say
        self._spare = path is None
        """Whether a file is in use that is gone when we end."""
        try:
            self._bases = [self._opened()]
        except (sqlite3.Error, OSError) as error:
            self._bases = [_open(None)]
            self._go_on_without(error)

    def _opened(self) -> sqlite3.Connection:
        """Return the file, opened; made anew when it is damaged."""
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _open(self._path)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            self._say(f"COMET: {self._path} is damaged ({error}); its vectors are made again")
            if self._path is not None:
                self._path.unlink()
            return _open(self._path)

    def _go_on_without(self, error: Exception) -> None:
        self._spare = True
        reason = getattr(error, "strerror", None) or error
        self._say(f"COMET: {self._path} cannot be used ({reason}); from here on vectors are not kept")

    def close(self) -> None:
        """Let go of the file."""
        for base in self._bases:
            base.close()

    def absent(self, texts: Iterable[str]) -> list[str]:
        """Return the texts, each once, that have no vector yet."""
        wanted = {key_of(text): text for text in texts}
        for (key,) in self._rows("key", list(wanted)):
            wanted.pop(key, None)
        return list(wanted.values())

    def get(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors [texts, units]; KeyError with a text that has none, or whose vector is damaged."""
        found = self.find(texts)
        return np.stack([found[text] for text in texts])

    def find(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the vector of each text that has one, and whose vector is not damaged."""
        keys = {key_of(text): text for text in texts}
        return {
            keys[key]: np.frombuffer(vector, dtype="<f4")
            for key, vector, check in self._rows("key, vector, crc", list(keys))
            if len(vector) == 4 * self._units and zlib.crc32(vector) == check
        }

    def put(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Keep vectors [texts, units], those of a batch all at once; where that fails, for as long as this process."""
        rows = []
        for text, vector in zip(texts, vectors, strict=True):
            content = np.ascontiguousarray(vector, dtype="<f4").tobytes()
            rows.append((key_of(text), content, zlib.crc32(content)))
        try:
            _insert(self._bases[-1], rows)
        except sqlite3.Error as error:
            if self._spare:
                return  # No room there either: what is asked for again is encoded again.
            self._go_on_without(error)
            self._bases.append(_open(None))
            self.put(texts, vectors)

    def _rows(self, columns: str, keys: list[bytes]) -> Iterator[tuple]:
        """Yield columns of the keys that there are."""
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            for base in self._bases:
                # What cannot be read is made again.
                with contextlib.suppress(sqlite3.Error):
                    yield from base.execute(f"SELECT {columns} FROM vectors WHERE key IN ({marks})", some).fetchall()


def key_of(text: str) -> bytes:
    """Return the key of a text."""
    return hashlib.sha256(text.encode("utf-8")).digest()


def _insert(base: sqlite3.Connection, rows: Sequence[tuple[bytes, bytes, int]]) -> None:
    with base:
        base.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)


def _open(path: Path | None) -> sqlite3.Connection:
    # An empty name is a file of SQLite's own that is gone when the connection ends.
    base = sqlite3.connect(path or "", timeout=_WAIT_SECONDS)
    try:
        # Waiting for the disk at each batch guards against a loss of power alone, after which a cache is made again.
        base.execute("PRAGMA synchronous = OFF")
        base.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB, crc INTEGER)")
        base.execute("SELECT key FROM vectors LIMIT 1").fetchall()
    except sqlite3.Error:
        base.close()
        raise
    return base
