"""What the command line shows: progress with rate and time left, plain lines when piped, tables of scores."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from bayling_bench.data.catalogue import File
from bayling_bench.scoring.kinds import for_tables

# A pipe has no width of its own, and a table must not be cut to that of an imagined terminal.
_WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160
out = Console(highlight=False, width=_WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)
_EVERY_SECONDS = 10.0
_SILENCE_SECONDS = 60.0


def say(line: str) -> None:
    """Print a line for the user, beside a progress bar if there is one."""
    err.print(Text(line))


class _Rate(ProgressColumn):
    def render(self, task: Any) -> Text:
        """Return how many a second."""
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


class PlainProgress:
    """For logs: a line every ten seconds while something arrives, every minute while nothing does."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._begin = self._last = time.monotonic()
        self._start: float | None = None
        self._done = self._total = 0
        self._stop = threading.Event()
        threading.Thread(target=self._still_there, daemon=True).start()

    def update(self, done: int, total: int, note: str = "") -> None:
        """Print where things stand, unless that was said a moment ago."""
        now = time.monotonic()
        self._start = self._start or now
        self._done, self._total = done, total
        if now - self._last < _EVERY_SECONDS and done < total:
            return
        self._last = now
        rate = done / max(now - self._start, 1.0)
        left = f", {(total - done) / rate:.0f} s left" if done < total and rate > 0 else ""
        say(f"{self._what}: {done}/{total}{note} ({rate:.1f}/s{left})")

    def close(self) -> None:
        """Say no more."""
        self._stop.set()

    def _still_there(self) -> None:
        while not self._stop.wait(_SILENCE_SECONDS):
            now = time.monotonic()
            if now - self._last >= _SILENCE_SECONDS:
                self._last = now
                total = self._total or "?"
                say(f"{self._what}: {self._done}/{total}, still working after {now - self._begin:.0f} s")


@contextmanager
def counted(what: str) -> Iterator[Callable[[int, int, str], None]]:
    """Yield a function to call with how many of how many are done, and a note to show behind ``what``."""
    if not err.is_terminal:
        plain = PlainProgress(what)
        try:
            yield plain.update
        finally:
            plain.close()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, TimeElapsedColumn(), console=err) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total, note: bar.update(task, completed=done, total=total, description=f"{what}{note}")


@contextmanager
def responses(what: str = "responses") -> Iterator[Any]:
    """Yield a function to call after each response with how far things are, as ``evaluate.Progress`` says it."""
    with counted(what) as report:
        yield lambda progress: report(progress.done, progress.total, _note(progress))


@contextmanager
def segments() -> Iterator[Any]:
    """Yield a function to call with the texts that COMET has encoded, and the texts in all; shown once it is called."""
    if not err.is_terminal:
        plain: list[PlainProgress] = []

        def update(done: int, total: int) -> None:
            if not plain:
                plain.append(PlainProgress("COMET: texts encoded"))
            plain[0].update(done, total)

        try:
            yield update
        finally:
            for each in plain:
                each.close()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, TimeElapsedColumn(), console=err) as bar:
        task = bar.add_task("COMET: texts encoded", total=None, visible=False)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=True)


def _note(progress: Any) -> str:
    spent = getattr(progress, "usd", None)
    return (f", {progress.failed} failed" if progress.failed else "") + (f", ${spent:.2f}" if spent else "")


class FetchBar:
    """Progress of a download, as ``data.fetch`` reports it."""

    def __init__(self, files: int, size: int) -> None:
        self._files, self._size = files, size
        self._seen = self._bytes = 0
        self._plain = None if err.is_terminal else PlainProgress("files")
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), DownloadColumn(),
            TransferSpeedColumn(), TimeRemainingColumn(), console=err, disable=not err.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task(f"0/{files} files", total=size)

    def __enter__(self) -> FetchBar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        if self._plain:
            self._plain.close()

    def on_bytes(self, n: int) -> None:
        """Count bytes received."""
        self._bar.advance(self._task, n)

    def on_file(self, file: File, status: str) -> None:  # noqa: ARG002 - what data.fetch tells
        """Count a file."""
        self._seen += 1
        if self._plain:
            self._plain.update(self._seen, self._files)
        self._bar.update(self._task, description=f"{self._seen}/{self._files} files")


def scores_table(run: Any) -> Table:
    """Return a run's scores: a heading a task, a line a metric."""
    title = f"{run.name}" + ("" if run.finished else " (unfinished)")
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("task and metric", no_wrap=True)
    for name in ("value", "95 % interval", "n"):
        table.add_column(name, justify="right", no_wrap=True)
    for task, row in run.scores.get("tasks", {}).items():
        unscored = sum(row["unscored"].values())
        table.add_row(Text(task, style="bold"), "", f"{unscored} unscored" if unscored else "", "")
        for metric, score in row["metrics"].items():
            table.add_row(*_cells(metric, score))
    return table


def _cells(metric: str, score: dict[str, Any]) -> list[str]:
    percent = " %" if score["unit"] == "percent" else "  "
    value, low, high = (for_tables(score[name], score["unit"]) for name in ("value", "low", "high"))
    interval = "" if low is None else f"{low:.2f} to {high:.2f}"
    return [f"  {metric}", f"{value:.2f}{percent}", interval, str(score["n"])]


def warnings_of(run: Any) -> Iterator[str]:
    """Yield the notes on a run, then the warnings of its tasks."""
    yield from run.scores.get("notes", ())
    for task, row in run.scores.get("tasks", {}).items():
        for warning in row["warnings"]:
            yield f"{task}: {warning}"
        if row["note"]:
            yield f"{task}: {row['note']}"


def fail(message: str) -> None:
    """Print an error for the user."""
    sys.stdout.flush()
    err.print(Text("error: ", style="bold red") + Text(message))
