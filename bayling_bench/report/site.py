"""A static site of all records and boards in a folder: an index that compares them, and a page for each.

Addresses are relative, so that the folder can lie on any file server. A run's page is made again only when the run is
newer than it, or when it was made by another version or with other items.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bayling_bench import leaderboard, record
from bayling_bench.errors import BenchError, RunError
from bayling_bench.leaderboard import Board
from bayling_bench.record import Run
from bayling_bench.report import page
from bayling_bench.report.gathered import Standing
from bayling_bench.report.items import Items

PAGE = "report.html"
Told = Callable[[int, int, str], None]


@dataclass(frozen=True, kw_only=True)
class Made:
    """What was written."""

    index: Path
    pages: int
    notes: Sequence[str] = field(default=())
    """What was left out, and why."""


def write(folder: Path, items: Items, standing_of: Callable[[Board], Standing], told: Told) -> Made:
    """Write ``index.html`` into a folder, and a page into the folder of each run and board found in it, at any depth.

    Unfinished runs are shown as such; records of another schema are left out and named. BenchError where there is
    neither run nor board.
    """
    runs, notes = _runs(folder)
    boards = [leaderboard.load(str(path.parent)) for path in sorted(folder.rglob("board.toml"))]
    if not runs and not boards:
        said = f" {' '.join(notes)}" if notes else ""
        raise BenchError(
            f"{folder} holds no run record and no board.{said} `bayling-bench run -o {folder}/NAME -m MODEL` makes "
            "a run."
        )
    work = [(run.folder, run.name) for run in runs] + [(board.folder, board.title) for board in boards]
    links = []
    for number, run in enumerate(runs):
        told(number, len(work) + 1, run.name)
        _page_of_run(run, items)
        links.append(_link(folder, run.folder, run.name, _about(run), run.finished))
    for number, board in enumerate(boards, len(runs)):
        told(number, len(work) + 1, board.title)
        asked = page.Asked(standing=standing_of(board), items=items)
        record.write_text(board.folder / PAGE, page.html(page.prepare(asked)))
        links.append(_link(folder, board.folder, board.title, board.summary, True))
    index = folder / "index.html"
    title = f"{folder.resolve().name}: {len(runs)} runs" if runs else None  # else that of the board that is shown
    joined = page.Asked(
        runs=runs,
        standing=None if runs else standing_of(boards[0]),
        items="none",
        title=title,
        links=links,
    )
    record.write_text(index, page.html(page.prepare(joined)))
    told(len(work) + 1, len(work) + 1, "index")
    return Made(index=index, pages=len(work), notes=notes)


def _runs(folder: Path) -> tuple[list[Run], list[str]]:
    found, notes = [], []
    if not folder.is_dir():
        raise BenchError(f"--index {folder}: there is no such folder.")
    for path in sorted(folder.rglob("run.json")):
        try:
            run = record.load(path.parent)
            _ = run.scores  # a damaged record must not cost the whole site
            found.append(run)
        except RunError as error:
            notes.append(f"left out: {error}")
    return found, notes


def _page_of_run(run: Run, items: Items) -> None:
    out = run.folder / PAGE
    sources = [run.folder / name for name in ("run.json", "scores.json", "done")]
    newest = max((path.stat().st_mtime for path in [*sources, *_judgements(run)] if path.exists()), default=0.0)
    if not out.exists() or out.stat().st_mtime < newest or not _made_alike(out, items):
        page.write([run], out, items=items)


def _made_alike(path: Path, items: Items) -> bool:
    """Return whether a page was made by this version with as many items."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return f'"{page.generator(items)}"' in file.read(1000)


def _judgements(run: Run) -> Iterator[Path]:
    yield from (run.folder / "judgements").glob("*.json")


def _about(run: Run) -> str:
    tasks = len(run.settings["tasks"])
    return f"{run.settings['created'][:10]}, {tasks} task{'' if tasks == 1 else 's'}"


def _link(folder: Path, of: Path, title: str, about: str, finished: bool) -> dict[str, Any]:
    address = quote(Path(os.path.relpath(of / PAGE, folder)).as_posix())
    return {"title": title, "href": address, "about": " ".join(about.split()), "finished": finished}
