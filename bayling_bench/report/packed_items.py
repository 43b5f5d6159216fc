"""All items of a report, packed: of runs from their records, of a board's systems from their published outputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bayling_bench import report as package
from bayling_bench.leaderboard import Board
from bayling_bench.ranking import kept
from bayling_bench.report import board_items, items, run_items
from bayling_bench.report.gathered import Gathered
from bayling_bench.report.items import Items, Packed, Part, Table
from bayling_bench.report.packing import packed
from bayling_bench.report.systems import run_key

_WORTH_SHARING = 20_000
"""Characters of a task's documents from which tasks of the same documents share them."""

Told = Callable[[int, int, str], None]
"""Told of work: tasks done, tasks in all, the last one."""


@dataclass(frozen=True, kw_only=True)
class PackedItems:
    """The items of every task, as they lie in the page."""

    tasks: dict[str, Packed] = field(default_factory=dict)
    docs: dict[str, str] = field(default_factory=dict)
    """Documents that several tasks share, by key."""

    @property
    def bytes(self) -> int:
        """Return their size in the page."""
        return sum(task.told()["bytes"] for task in self.tasks.values()) + sum(map(len, self.docs.values()))

    def say(self) -> str:
        """Return in words how many items there are of how many, and their size."""
        here, total = (sum(getattr(task, name) for task in self.tasks.values()) for name in ("packed", "total"))
        of = "" if here == total else f" of {total:,}"
        return f"{here:,}{of} items of {len(self.tasks)} tasks, {self.bytes / 1e6:.1f} MB"


def pack(found: Gathered, folders: Sequence[Path], chosen: Items, told: Told | None = None) -> PackedItems:
    """Return the items of runs, in these folders, and of the board's systems in reach.

    With a board they come from disk where the same were packed before: that takes a minute the first time.
    """
    if chosen == "none":
        return PackedItems()
    if found.standing is None:
        return _computed(found, folders, chosen, told)
    key = [chosen, _code(), *(kept.files_of_run(folder) for folder in folders)]
    key += [[str(path), path.stat().st_mtime_ns] for folder in folders for path in _judgements(folder)]
    stored = kept.keep("items", found.standing.board, key, lambda: asdict(_computed(found, folders, chosen, told)))
    return PackedItems(tasks={task: Packed(**each) for task, each in stored["tasks"].items()}, docs=stored["docs"])


def _judgements(folder: Path) -> list[Path]:
    return sorted((folder / "judgements").glob("*.jsonl"))


def _code() -> str:
    return "".join(
        path.read_text(encoding="utf-8")
        for path in sorted(Path(package.__path__[0]).glob("*.py"))
        if "item" in path.name or path.name == "packing.py"
    )


def _computed(found: Gathered, folders: Sequence[Path], chosen: Items, told: Told | None) -> PackedItems:
    verdicts = [run_items.verdicts(folder, found.judgings[run_key(place)]) for place, folder in enumerate(folders)]
    plan = _plan(found)
    tables: dict[str, Table] = {}
    for number, (task, of_board) in enumerate(plan.items()):
        parts = [
            part
            for place, reading in enumerate(found.readings)
            if (part := run_items.part(run_key(place), reading, task, verdicts[place])) is not None
        ]
        if found.standing is not None:
            parts += _of_board(found.standing.board, task, of_board)
        tables[task] = items.table(task, parts, chosen)
        if told is not None:
            told(number + 1, 2 * len(plan), task)
    return _shared(tables, lambda number, task: told and told(len(plan) + number, 2 * len(plan), task))


def _of_board(board: Board, task: str, systems: Iterable[tuple[str, Sequence[str]]]) -> list[Part]:
    parts = (board_items.part(board, system, task, states) for system, states in systems)
    return [part for part in parts if part is not None]


def _plan(found: Gathered) -> dict[str, list[tuple[str, list[str]]]]:
    tasks: dict[str, Any] = {planned["name"]: [] for reading in found.readings for planned in reading.settings["tasks"]}
    if found.standing is not None:
        tasks |= board_items.parts_of(found.standing.board, found.cells)
    return tasks


def _shared(tables: dict[str, Table], told: Callable[[int, str], Any]) -> PackedItems:
    """Return the tables compressed; large documents that several tasks have in common are packed once."""
    of = Counter(table.docs_key for table in tables.values())
    docs: dict[str, str] = {}
    tasks = {}
    for number, (task, table) in enumerate(tables.items(), 1):
        large = sum(len(str(doc)) for doc in table.docs.values()) >= _WORTH_SHARING
        share = of[table.docs_key] > 1 and large
        if share and table.docs_key not in docs:
            docs[table.docs_key] = packed(list(table.docs.values()))
        tasks[task] = items.pack(table, share)
        told(number, task)
    return PackedItems(tasks={task: each for task, each in tasks.items() if each.total}, docs=docs)
