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

from bayling_bench.errors import DataError

_AT_ONCE = 500
"""Keys of one query; SQLite takes 999 parameters on old builds."""

_WAIT_SECONDS = 60.0


class Vectors:
    """The vectors of one network."""

    def __init__(self, path: Path | None, units: int, say: Callable[[str], None] = lambda _: None) -> None:
        """Open the file, made new where it is absent or damaged; None, or one that cannot be written, is not kept."""
        self._units, self._path = units, path
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._base = _open(path)
        except sqlite3.OperationalError as error:
            say(f"COMET: {path} cannot be used ({error}); vectors are not kept")
            self._base = _open(None)
        except sqlite3.DatabaseError as error:
            say(f"COMET: {path} is damaged ({error}); its vectors are made again")
            path.unlink() if path is not None else None
            self._base = _open(path)
        except OSError as error:
            say(f"COMET: {path} cannot be written ({error.strerror}); vectors are not kept")
            self._base = _open(None)

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def absent(self, texts: Iterable[str]) -> list[str]:
        """Return the texts, each once, that have no vector yet."""
        wanted = {key_of(text): text for text in texts}
        for (key,) in self._rows("key", list(wanted)):
            del wanted[key]
        return list(wanted.values())

    def get(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors [texts, units]; KeyError with a text that has none, or whose vector is damaged."""
        keys = [key_of(text) for text in texts]
        found = {
            key: np.frombuffer(vector, dtype="<f4")
            for key, vector, check in self._rows("key, vector, crc", list(dict.fromkeys(keys)))
            if len(vector) == 4 * self._units and zlib.crc32(vector) == check
        }
        for key, text in zip(keys, texts, strict=True):
            if key not in found:
                raise KeyError(text)
        return np.stack([found[key] for key in keys])

    def put(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Keep vectors [texts, units]; those of a batch all at once. DataError when there is no room."""
        rows = []
        for text, vector in zip(texts, vectors, strict=True):
            content = np.ascontiguousarray(vector, dtype="<f4").tobytes()
            rows.append((key_of(text), content, zlib.crc32(content)))
        with self._told(), self._base:
            self._base.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

    def _rows(self, columns: str, keys: list[bytes]) -> Iterator[tuple]:
        """Yield columns of the keys that there are."""
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            with self._told():
                yield from self._base.execute(f"SELECT {columns} FROM vectors WHERE key IN ({marks})", some)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn SQLite's errors into one that says what to do."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise DataError(
                f"{self._path}: COMET's sentence vectors cannot be read or kept ({error}). Make room, or remove the "
                "file, then run the command again: what was finished stays."
            ) from None


def key_of(text: str) -> bytes:
    """Return the key of a text."""
    return hashlib.sha256(text.encode("utf-8")).digest()


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
