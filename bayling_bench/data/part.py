"""A file on its way in: it grows beside its target as ``<name>.part`` and takes the target's place in one step.

The part outlives a failure or a kill, so that a download can be taken up where it stopped; its content is trusted only
through the final hash. One holder at a time: the part is locked while open, and the lock ends with the process. Where
there are no locks (Windows, some cluster file systems) each holder has a part of its own, which is not taken up again.
"""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bayling_bench.data.catalogue import File
from bayling_bench.data.store import CACHE_VARIABLE
from bayling_bench.errors import DataError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Busy(Exception):
    """Another process holds the part."""


class DiskError(DataError):
    """The folder cannot be written, or the disk is full: no other file would fare better."""


class Part:
    """The open part of ``file``, its length and running hash. ``on_bytes`` hears of bytes won, or given up (< 0)."""

    def __init__(self, file: File, path: Path, on_bytes: Callable[[int], None]) -> None:
        self.file = file
        self.path = path
        self.length = 0
        self.settled = False
        self._on_bytes = on_bytes
        self._hash = hashlib.sha256()
        self._handle = path.open("a+b", buffering=0)

    def take_up(self) -> None:
        """Take what an earlier attempt left as the beginning, unless it is too much to be one."""
        size = os.fstat(self._handle.fileno()).st_size
        self._handle.seek(0)
        self._count(self._handle.read(min(size, self.file.bytes)))
        if size > self.file.bytes:
            self.restart()

    def write(self, content: bytes) -> None:
        """Append ``content``. DiskError when it cannot be written."""
        rest = memoryview(content)
        with _disk(self.path):
            while rest:
                rest = rest[self._handle.write(rest) :]
        self._count(content)

    def restart(self) -> None:
        """Drop all content."""
        with _disk(self.path):
            self._handle.truncate(0)
        self._on_bytes(-self.length)
        self.length, self._hash = 0, hashlib.sha256()

    def sha256(self) -> str:
        """Return the hash of the content so far, in hexadecimal."""
        return self._hash.hexdigest()

    def settle(self, target: Path) -> None:
        """Put the part in the target's place, atomically, once the disk has it."""
        assert self.sha256() == self.file.sha256, "only verified content becomes a file"
        with _disk(target):
            os.fsync(self._handle.fileno())
            if fcntl is None:
                self._handle.close()  # Windows replaces no open file; elsewhere the lock holds until it is replaced
            self.path.replace(target)
        self.settled = True

    def lock(self) -> None:
        """Lock the part. Busy when another holds it, or has settled or removed this very file while we opened it."""
        assert fcntl is not None
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = os.path.samestat(self.path.stat(), os.fstat(self._handle.fileno()))
        except (BlockingIOError, FileNotFoundError) as error:
            raise Busy from error
        if not ours:
            raise Busy

    def close(self) -> None:
        """Release the part; an unsettled one stays as it is."""
        self._handle.close()

    def _count(self, content: bytes) -> None:
        self._hash.update(content)
        self.length += len(content)
        self._on_bytes(len(content))


@contextmanager
def claimed(file: File, folder: Path, on_bytes: Callable[[int], None]) -> Iterator[Part]:
    """Yield the file's part in ``folder``, held by us alone and with what an earlier attempt left.

    Unless it was settled, the part stays for the next attempt if it has content, and goes if the disk is full.
    Busy when another process holds it; DiskError when the folder cannot be written.
    """
    target = folder / file.tail
    with _disk(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        part, keep = _open(file, target, on_bytes)
    try:
        part.take_up()
        yield part
    except DiskError:
        keep = False
        raise
    finally:
        if fcntl is None:
            part.close()  # Windows removes no open file; elsewhere the lock holds until it is removed
        if not part.settled and not (keep and part.length):
            part.path.unlink(missing_ok=True)
        part.close()


def _open(file: File, target: Path, on_bytes: Callable[[int], None]) -> tuple[Part, bool]:
    """Return the part, and whether it may stay for another attempt."""
    if fcntl is not None:
        part = Part(file, target.with_name(f"{target.name}.part"), on_bytes)
        try:
            part.lock()
            return part, True
        except Busy:
            part.close()
            raise
        except OSError:  # this file system knows no locks
            part.path.unlink(missing_ok=True)
            part.close()
    private = f"{target.name}.{os.getpid()}-{threading.get_ident()}.part"
    return Part(file, target.with_name(private), on_bytes), False


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            trouble = "the disk is full, or a limit on file sizes is reached"
        else:
            trouble = error.strerror or str(error)
        raise DiskError(
            f"{path} cannot be written: {trouble}. No file is left half-written. Make room or choose another folder "
            f"(for the cache: {CACHE_VARIABLE}=DIR), then give the same command again: it goes on where it stopped."
        ) from error
