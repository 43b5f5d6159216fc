"""Fetches catalogue files into the cache, checks what is there, exports mirror folders for machines without network.

Files travel on several threads; each arrives as a part (``part.py``) and becomes a file only when its hash is right, so
that a kill at any point, a second fetch at the same time or a full disk leaves whole files and parts to take up again.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bayling_bench.data import store
from bayling_bench.data.catalogue import File
from bayling_bench.data.download import Server, Stopped, Unreachable, download
from bayling_bench.data.part import Busy, DiskError, Part, claimed
from bayling_bench.data.verdicts import verdicts_in
from bayling_bench.errors import DataError

BUSY_S = 0.2
GRACE_S = 1.0


class Progress(Protocol):
    """What wants to hear how far a fetch is. Never called from two threads at once."""

    def on_bytes(self, n: int) -> None:
        """Hear that ``n`` more bytes are here (< 0: that they were given up); whole files count in full."""

    def on_file(self, file: File, status: str) -> None:
        """Hear that a file is done with: ``fetched``, ``present`` or ``failed``."""


@dataclass(frozen=True)
class FetchReport:
    """What a fetch did: numbers of files, their size together, and for each file that failed the reason."""

    downloaded: int
    present: int
    bytes: int
    """Size of the downloaded files."""
    failed: dict[File, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """A file that a check found wanting."""

    file: File
    kind: str
    """``missing`` or ``corrupt``."""
    detail: str


def fetch(
    files: Iterable[File],
    *,
    mirror: str | None = None,
    jobs: int = 8,
    progress: Progress | None = None,
    retries: int = 5,
) -> FetchReport:
    """Bring the files into the cache, from ``mirror`` (a folder or base URL), else the mirror in force, else GitHub.

    Whole files stay; missing and damaged ones are fetched. A file that the source lacks or has otherwise is a failure
    in the report. DataError, at once, when the source cannot be reached at all or the cache cannot be written.
    """
    stop = threading.Event()
    place = mirror or store.mirror()
    if place is None or store.is_url(place):
        server = Server(place, retries, stop)
        return _Gathering(files, store.cache_dir(), lambda part: download(server, part), progress, stop).run(jobs)
    folder = store.mirror_folder(place)
    return _Gathering(files, store.cache_dir(), lambda part: _copy(part, folder), progress, stop).run(jobs)


def export(files: Iterable[File], dest: Path, *, jobs: int = 2, progress: Progress | None = None) -> FetchReport:
    """Write verified copies of the files into ``dest``, a folder that serves as a mirror elsewhere.

    Resumable: whole copies stay. A file that is not on this machine, or damaged, is a failure in the report.
    """
    return _Gathering(files, dest.absolute(), _reread, progress, threading.Event()).run(jobs)


def check(files: Iterable[File], *, folder: Path | None = None, progress: Progress | None = None) -> list[Problem]:
    """Hash all the files again, in the cache or in another ``folder``; return those missing or corrupt.

    What earlier reads found is not trusted, and forgotten where it proves wrong.
    """
    problems = []
    for file in files:
        problem = _check(file, (folder or store.cache_dir()) / file.tail)
        if problem is not None:
            problems.append(problem)
        if progress is not None:
            progress.on_bytes(file.bytes if problem is None else 0)
            progress.on_file(file, "present" if problem is None else "failed")
    return problems


def _check(file: File, path: Path) -> Problem | None:
    try:
        store.require(file, path.read_bytes(), path)
    except (FileNotFoundError, NotADirectoryError):
        return Problem(file, "missing", f"{path} does not exist")
    except OSError as error:
        return Problem(file, "corrupt", f"{path} cannot be read: {error.strerror}")
    except DataError as error:
        verdicts_in(store.cache_dir()).forget(path)
        return Problem(file, "corrupt", str(error))
    return None


def _copy(part: Part, folder: Path) -> None:
    path = folder / part.file.tail
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{part.file.tail} is not in the mirror {folder}.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    store.require(part.file, content, path)
    part.restart()
    part.write(content)


def _reread(part: Part) -> None:
    content = store.read_bytes(part.file)
    part.restart()
    part.write(content)


class _Gathering:
    """Threads that bring files into a folder: each takes a file from the queue, brings it into its part, settles it."""

    def __init__(
        self,
        files: Iterable[File],
        folder: Path,
        bring: Callable[[Part], None],
        progress: Progress | None,
        stop: threading.Event,
    ) -> None:
        self._folder = folder
        self._bring = bring
        self._progress = progress
        self._stop = stop
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[File] = queue.SimpleQueue()
        for file in dict.fromkeys(files):
            self._queue.put(file)
        self._done: dict[str, list[File]] = {"fetched": [], "present": []}
        self._failed: dict[File, str] = {}
        self._fatal: BaseException | None = None

    def run(self, jobs: int) -> FetchReport:
        """Return the report when all files are done with; raise what stopped the work, an interrupt included."""
        assert jobs > 0
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(jobs)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(BUSY_S)
        finally:
            self._stop.set()
            deadline = time.monotonic() + GRACE_S  # a thread that waits for a silent server is left to die with us
            for thread in threads:
                if thread.is_alive():
                    thread.join(max(0.0, deadline - time.monotonic()))
        if self._fatal is not None:
            raise self._fatal
        fetched, present = self._done["fetched"], self._done["present"]
        return FetchReport(len(fetched), len(present), sum(f.bytes for f in fetched), self._failed)

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                self._take(self._queue.get_nowait())
        except (queue.Empty, Stopped):
            return
        except BaseException as error:  # noqa: BLE001  (raised again in the caller's thread)
            self._fatal = self._fatal or error
            self._stop.set()

    def _take(self, file: File) -> None:
        try:
            status = self._settle(file)
        except Busy:
            self._queue.put(file)
            self._stop.wait(BUSY_S)
        except (DiskError, Unreachable):
            raise
        except DataError as error:
            self._report(file, "failed", str(error))
        else:
            self._report(file, status)

    def _settle(self, file: File) -> str:
        target = self._folder / file.tail
        if not store.is_intact(file, target):
            with claimed(file, self._folder, self._on_bytes) as part:
                if not store.is_intact(file, target):
                    self._bring(part)
                    part.settle(target)
                    return "fetched"
                part.restart()  # another process brought the file before we held the part
        self._on_bytes(file.bytes)
        return "present"

    def _report(self, file: File, status: str, reason: str = "") -> None:
        with self._lock:
            if status == "failed":
                self._failed[file] = reason
            else:
                self._done[status].append(file)
            if self._progress is not None:
                self._progress.on_file(file, status)

    def _on_bytes(self, n: int) -> None:
        if self._progress is not None and n:
            with self._lock:
                self._progress.on_bytes(n)
