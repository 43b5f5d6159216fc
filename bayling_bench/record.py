"""The run folder: what was asked, what came of it, and whether it is finished.

``run.json`` (settings and provenance, written first, never with a secret) · ``responses/`` (the journal) ·
``scores.json`` · ``items/<task>.jsonl`` · ``done`` (written last: its existence means complete). Every file but the
journal is written beside its place and moved there, so that a reader never sees half of one.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bayling_bench.config import Shard
from bayling_bench.errors import RunError

SCHEMA = 1


@dataclass(frozen=True)
class Run:
    """A run folder that exists."""

    folder: Path
    settings: dict[str, Any]
    """``run.json``."""

    @property
    def scores(self) -> dict[str, Any]:
        """Return ``scores.json``, or an empty mapping when nothing was scored yet; RunError where it is damaged."""
        path = self.folder / "scores.json"
        if not path.exists():
            return {}
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            mend = f"`bayling-bench score {self.folder}` writes it again"
            raise RunError(f"{path} is damaged ({error}); {mend}.") from None

    @property
    def finished(self) -> bool:
        """Return whether the run is complete."""
        return (self.folder / "done").exists()

    @property
    def responses(self) -> Path:
        """Return the folder of journals."""
        return self.folder / "responses"

    @property
    def name(self) -> str:
        """Return the model's name, for tables."""
        return self.settings["model"]["name"]

    def items(self, task: str) -> Iterator[dict[str, Any]]:
        """Yield the items of a task in order, nothing when it was not scored; RunError for a damaged line."""
        yield from read_lines(self.folder / "items" / f"{task}.jsonl", f"`bayling-bench score {self.folder}`")

    def write_items(self, task: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write the items of a task."""
        write_lines(self.folder / "items" / f"{task}.jsonl", rows)

    def write_scores(self, scores: Mapping[str, Any], notes: Sequence[str] = ()) -> None:
        """Write the scores of all tasks, with what a reader of all of them must know."""
        beside = {"notes": list(notes)} if notes else {}
        write_json(self.folder / "scores.json", {"schema": SCHEMA, **beside, "tasks": scores})

    def finish(self) -> None:
        """Mark the run as complete."""
        write_text(self.folder / "done", "")


def load(path: Path | str) -> Run:
    """Return the run in a folder.

    Raises RunError when the folder holds none, or one of another schema.
    """
    folder = Path(path)
    settings_file = folder / "run.json"
    if not settings_file.is_file():
        raise RunError(
            f"{folder} holds no run.json, so it is not a run folder. `bayling-bench run -o {folder} …` makes one."
        )
    try:
        settings = json.loads(settings_file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"{settings_file} is damaged ({error}).") from None
    if settings.get("schema") != SCHEMA:
        made = settings.get("bayling_bench", "an unknown version")
        raise RunError(
            f"{folder} has record schema {settings.get('schema')} of BayLing Bench {made}, and this version reads "
            f"{SCHEMA}. Read it with the version that made it (`pip install bayling-bench=={made}`), or run it again."
        )
    return Run(folder, settings)


def create(folder: Path, settings: Mapping[str, Any]) -> Run:
    """Make a run folder with its settings; when another process was faster, return the run that it made."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {"schema": SCHEMA, **settings}
    temporary = _temporary(folder / "run.json")
    temporary.write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    try:
        os.link(temporary, folder / "run.json")
    except FileExistsError:
        return load(folder)
    finally:
        temporary.unlink()
    return Run(folder, values)


@contextmanager
def locked(folder: Path, shard: Shard) -> Iterator[None]:
    """Hold the right to work on a run folder: alone, or as one of its shards.

    Raises RunError when another process holds it. The lock belongs to the process, so a kill releases it.
    """
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    name = f"{shard.index}-of-{shard.count}"
    with (folder / ".lock").open("a") as whole, (folder / f".lock.{name}").open("a") as part:
        try:
            fcntl.flock(whole, (fcntl.LOCK_EX if shard.count == 1 else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            what = "another process" if shard.count == 1 else f"another process, or another shard {shard},"
            raise RunError(
                f"{folder}: {what} is working on this run now. Wait for it, or choose another folder with -o."
            ) from None
        yield


@contextmanager
def scoring(folder: Path) -> Iterator[None]:
    """Hold the right to write scores, waiting for it: the last two shards may end together."""
    import fcntl

    with (folder / ".lock.score").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def read_lines(path: Path, mend: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON value of each line of a file, nothing where there is none.

    RunError for a damaged line, naming the command that writes the file again.
    """
    if not path.exists():
        return
    with path.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise RunError(f"{path}, line {number} is damaged ({error}); {mend} writes it again.") from None


def write_json(path: Path, values: Any) -> None:
    """Write JSON atomically."""
    write_text(path, json.dumps(values, ensure_ascii=False, indent=1) + "\n")


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON value a line, atomically."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def write_text(path: Path, text: str) -> None:
    """Write text atomically; lone surrogates, which no file can hold, become their escapes."""
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        room = " Make room and run the command again." if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        raise RunError(f"{path} could not be written ({error.strerror}).{room}") from error


def check_writable(path: Path) -> None:
    """Raise RunError where a file cannot be written to ``path``, so that no work is spent on what would be lost."""
    if path.is_dir():
        raise RunError(f"{path} could not be written (Is a directory). Name a file in it: -o {path / 'report.html'}")
    probe = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise RunError(f"{path} could not be written ({error.strerror}).") from error


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")
